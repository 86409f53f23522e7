package store_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"aihub/store"
)

func TestOperationsAndConnectionsAreMeasured(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		r := prometheus.NewRegistry()
		must(t, d.s.RegisterMetrics(r))
		a := d.tenant("")
		_, err := a.Message(t.Context(), "m_none")
		is(t, err, store.ErrNotFound, "no such message")
		families, err := r.Gather()
		must(t, err)
		seen := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				name := f.GetName()
				for _, l := range m.GetLabel() {
					name += " " + l.GetValue()
				}
				seen[name] = m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
		if seen["aihub_store_seconds find ok"] < 1 || seen["aihub_store_seconds insert ok"] < 1 || seen["aihub_store_connections_open"] < 1 {
			t.Errorf("%v", seen)
		}
	})
}
