package hub

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what an instance does. Labels are of small, fixed sets: never a tenant's, a person's or a message's name.
// A nil *Metrics counts nothing.
type Metrics struct {
	connections prometheus.Gauge
	rooms       prometheus.Gauge
	running     prometheus.Gauge
	commands    *prometheus.CounterVec // by type and code
	runs        *prometheus.CounterVec // by state and code
	closes      *prometheus.CounterVec // by close code
	toFirst     *prometheus.HistogramVec
	admission   prometheus.Histogram
	lost        prometheus.Counter
}

// NewMetrics registers the hub's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	name := func(s string) string { return "aihub_hub_" + s }
	m := &Metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: name("connections"), Help: "Live authenticated connections."}),
		rooms:       prometheus.NewGauge(prometheus.GaugeOpts{Name: name("rooms"), Help: "Conversations this instance follows."}),
		running:     prometheus.NewGauge(prometheus.GaugeOpts{Name: name("runs_live"), Help: "Answers being written."}),
		commands:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: name("commands_total"), Help: "Commands, by type and by the code of the refusal (ok)."}, []string{"type", "code"}),
		runs:        prometheus.NewCounterVec(prometheus.CounterOpts{Name: name("runs_total"), Help: "Ended answers, by state and code."}, []string{"state", "code"}),
		closes:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: name("closes_total"), Help: "Connections this instance ended, by close code."}, []string{"code"}),
		toFirst: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name("first_token_seconds"), Help: "From the start of a run to its first token, by provider.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2, 5, 10, 30}}, []string{"provider"}),
		admission: prometheus.NewHistogram(prometheus.HistogramOpts{Name: name("admission_seconds"), Help: "From a message to its ok.",
			Buckets: []float64{.001, .002, .005, .01, .025, .05, .1, .25, 1, 5}}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Name: name("runs_reaped_total"), Help: "Runs of lost instances that this one ended."}),
	}
	r.MustRegister(m.connections, m.rooms, m.running, m.commands, m.runs, m.closes, m.toFirst, m.admission, m.lost)
	return m
}

func (m *Metrics) runStarted(*run) {
	if m != nil {
		m.running.Inc()
	}
}

func (m *Metrics) runEnded(_ *run, end outcome) {
	if m != nil {
		m.running.Dec()
		m.runs.WithLabelValues(end.state, end.code).Inc()
	}
}

func (m *Metrics) firstToken(r *run) {
	if m != nil {
		m.toFirst.WithLabelValues(r.target.Provider).Observe(r.firstToken.Seconds())
	}
}

func (m *Metrics) connected(n float64) {
	if m != nil {
		m.connections.Add(n)
	}
}

func (m *Metrics) followed(rooms int) {
	if m != nil {
		m.rooms.Set(float64(rooms))
	}
}

func (m *Metrics) closed(code int) {
	if m != nil {
		m.closes.WithLabelValues(strconv.Itoa(code)).Inc()
	}
}

func (m *Metrics) reaped() {
	if m != nil {
		m.lost.Inc()
	}
}

func (m *Metrics) command(kind, code string) {
	if m != nil {
		m.commands.WithLabelValues(kind, code).Inc()
	}
}

func (m *Metrics) admitted(took time.Duration) {
	if m != nil {
		m.admission.Observe(took.Seconds())
	}
}
