package store

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aihub/store/internal/doc"
)

// metered is an engine whose operations are counted and timed.
type metered struct {
	doc.Engine
	took *prometheus.HistogramVec
}

func newMetered(eng doc.Engine) *metered {
	return &metered{eng, prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "aihub_store_seconds",
		Help:    "Database operations, by kind, and whether the database did them.",
		Buckets: []float64{.00005, .0002, .001, .003, .01, .03, .1, .3, 1, 5}}, []string{"operation", "result"})}
}

func (m *metered) note(operation string, began time.Time, err error) {
	result := "ok"
	if errors.Is(err, ErrUnavailable) {
		result = "unavailable"
	}
	m.took.WithLabelValues(operation, result).Observe(time.Since(began).Seconds())
}

func (m *metered) Insert(ctx context.Context, s doc.Scope, coll, id string, v any) error {
	began := time.Now()
	err := m.Engine.Insert(ctx, s, coll, id, v)
	m.note("insert", began, err)
	return err
}

func (m *metered) Find(ctx context.Context, s doc.Scope, coll string, q doc.Query, each func(string, func(any) error)) error {
	began := time.Now()
	err := m.Engine.Find(ctx, s, coll, q, each)
	m.note("find", began, err)
	return err
}

func (m *metered) Update(ctx context.Context, s doc.Scope, coll, id string, conds []doc.Cond, mod doc.Mod) (bool, error) {
	began := time.Now()
	ok, err := m.Engine.Update(ctx, s, coll, id, conds, mod)
	m.note("update", began, err)
	return ok, err
}

func (m *metered) Delete(ctx context.Context, s doc.Scope, coll, id string, conds []doc.Cond) (bool, error) {
	began := time.Now()
	ok, err := m.Engine.Delete(ctx, s, coll, id, conds)
	m.note("delete", began, err)
	return ok, err
}

// RegisterMetrics gives a registry the store's metrics: its operations and its pool of connections.
func (s *Store) RegisterMetrics(r prometheus.Registerer) error {
	pool := func(name, help string, value func(doc.Pool) int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "aihub_store_connections_" + name, Help: help},
			func() float64 { return float64(value(s.eng.Pool())) })
	}
	var errs []error
	for _, c := range []prometheus.Collector{s.eng.took,
		pool("open", "Connections to the database.", func(p doc.Pool) int64 { return p.Open }),
		pool("busy", "Connections in use.", func(p doc.Pool) int64 { return p.Busy }),
		pool("waits", "How often an operation had to wait for a connection, or got none.", func(p doc.Pool) int64 { return p.Waits }),
	} {
		errs = append(errs, r.Register(c))
	}
	return errors.Join(errs...)
}
