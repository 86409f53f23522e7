package hub

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"aihub/store"
)

// trace writes a run's life as one span when it has ended: from its acceptance to the settled quota, with its first
// token as an event. It names who and where, and carries nothing of what was said.
func (r *run) trace(end outcome, served time.Time) {
	_, span := r.hub.tracer.Start(context.Background(), "run", trace.WithTimestamp(r.started), trace.WithAttributes(
		attribute.String("aihub.tenant", r.tenant.ID().String()), attribute.String("aihub.conversation", r.conv), attribute.String("aihub.run", r.id),
		attribute.String("gen_ai.provider.name", r.target.Provider), attribute.String("gen_ai.response.model", r.model),
		attribute.String("aihub.key_from", r.target.KeyFrom), attribute.String("aihub.state", end.state), attribute.String("aihub.code", end.code)))
	span.AddEvent("admitted", trace.WithTimestamp(served))
	if r.firstToken > 0 {
		span.AddEvent("first token", trace.WithTimestamp(r.started.Add(r.firstToken)))
	}
	if end.state == store.RunFailed || end.state == store.RunInterrupted {
		span.SetStatus(codes.Error, end.code)
	}
	span.End()
}

// tracerOr is t, or one that records nothing.
func tracerOr(t trace.Tracer) trace.Tracer {
	if t == nil {
		return noop.NewTracerProvider().Tracer("aihub")
	}
	return t
}
