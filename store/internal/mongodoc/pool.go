package mongodoc

import (
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/event"

	"aihub/store/internal/doc"
)

// pool counts the driver's connections.
type pool struct{ open, busy, refused atomic.Int64 }

func (e *engine) Pool() doc.Pool {
	return doc.Pool{Open: e.pool.open.Load(), Busy: e.pool.busy.Load(), Waits: e.pool.refused.Load()}
}

func (p *pool) event(e *event.PoolEvent) {
	switch e.Type {
	case event.ConnectionCreated:
		p.open.Add(1)
	case event.ConnectionClosed:
		p.open.Add(-1)
	case event.ConnectionCheckedOut:
		p.busy.Add(1)
	case event.ConnectionCheckedIn:
		p.busy.Add(-1)
	case event.ConnectionCheckOutFailed:
		p.refused.Add(1)
	}
}
