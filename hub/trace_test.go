package hub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// Each answer leaves one span that says how it went and nothing of what was said.
func TestAnAnswerIsOneSpanWithoutItsContent(t *testing.T) {
	w := newWorld(t, unlimited)
	spans := tracetest.NewInMemoryExporter()
	w.tracer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test")
	c := connect(t, w.hub(), "alfa/usuario")
	good := c.ask("", "um", "segredo n=3")
	c.ended(good.Run)
	eventually(t, 5*time.Second, "a span", func() bool { return len(spans.GetSpans()) == 1 })
	c.ended(c.ask("", "dois", "segredo n=3 cut").Run)
	eventually(t, 5*time.Second, "two spans", func() bool { return len(spans.GetSpans()) == 2 })
	for _, s := range spans.GetSpans() {
		said := fmt.Sprint(s.Attributes, s.Events, s.Status)
		if strings.Contains(said, "segredo") || strings.Contains(said, "ção") {
			t.Errorf("the span has content: %s", said)
		}
		if len(s.Events) != 2 || s.Events[0].Name != "admitted" || s.Events[1].Name != "first token" || !s.EndTime.After(s.StartTime) {
			t.Errorf("span %+v", s)
		}
	}
	if first := spans.GetSpans()[0]; first.Status.Description != "" {
		t.Errorf("a good answer has the status %v", first.Status)
	}
	if second := spans.GetSpans()[1]; second.Status.Description != "llm_truncated" {
		t.Errorf("a cut answer has the status %v", second.Status)
	}
}
