package hub

import (
	"context"
	"errors"
	"sync"
	"time"

	"aihub/store"
)

// asides are what a run asks of the store while it streams: checkpoints and further quota. Each is done beside the
// stream, one at a time, so that a slow store delays no token.
type asides struct {
	group     sync.WaitGroup
	saving    bool
	extending bool
	saved     chan error
	extended  chan extension
	notBefore time.Time // of the next attempt to extend
	slice     int64     // what is asked for next, at most; 0: the least
	granted   int64     // what was got last
	failing   time.Time // since when the store has not answered one; zero: it has
}

// extension is the answer to a request for further quota.
type extension struct {
	reservation store.Reservation
	slice       int64 // what was asked for
	err         error
}

func newAsides() asides {
	return asides{saved: make(chan error, 1), extended: make(chan extension, 1)} // one slot: nobody waits to hand over
}

func (a *asides) wait() { a.group.Wait() }

// save stores the text so far and renews the lease, unless that is still going on.
func (r *run) save(ctx context.Context) {
	if r.asides.saving {
		return
	}
	r.asides.saving = true
	p := store.Progress{Text: string(r.answer.shown), Model: r.model, Asked: r.target.Model, Provider: r.target.Provider, KeyFrom: r.target.KeyFrom,
		LeaseUntil: r.hub.now().Add(leaseFor), FirstTokenMS: r.firstToken.Milliseconds()}
	r.asides.group.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		r.asides.saved <- r.tenant.Checkpoint(ctx, r.msg, r.fence, p)
	})
}

// saved takes the answer to a checkpoint and reports whether the run is no longer ours.
func (r *run) saved(err error) bool {
	r.asides.saving = false
	if errors.Is(err, store.ErrConflict) {
		r.fenced = true
		return true
	}
	if err != nil {
		r.hub.log.Warn("checkpoint failed", "tenant", r.tenant.ID().String(), "run", r.id, "error", err)
	}
	return false
}

// reservedFor is how many tokens of the reservation are the answer's.
func (r *run) reservedFor() int64 { return r.reservation.Tokens - r.promptTokens }

// mayGoOn reports whether further text may come before the next slice is reserved.
func (r *run) mayGoOn() bool { return !r.tokens.Reaches(r.reservedFor()) }

// extend reserves a further slice when about half of the present one is used, so that a slow store has time to answer. Slices
// grow with the answer, so that a long one asks seldom; a person's last tokens are asked for in small ones.
func (r *run) extend(ctx context.Context) {
	if r.asides.extending || r.tokens.Guess() < r.reservedFor()-max(sliceTokens, r.asides.granted)/2 || time.Now().Before(r.asides.notBefore) {
		return
	}
	r.asides.extending = true
	reservation := r.reservation
	spent := r.promptTokens + r.tokens.Count()
	slice := max(sliceTokens, min(r.asides.slice, sliceTokensMax), spent+sliceTokens-reservation.Tokens) // a burst may have used more than a slice
	r.asides.group.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		err := r.tenant.Extend(ctx, r.user, &reservation, slice, r.plan)
		if errors.Is(err, store.ErrConflict) { // an earlier try was carried out, and its answer lost
			reservation, err = r.tenant.ReserveUnder(ctx, r.user, r.id, r.plan, r.config, r.key, slice)
		}
		r.asides.extended <- extension{reservation, slice, err}
	})
}

// extended takes the answer to a request for quota. A refusal ends the run when it has used what it has; while the store
// is away it goes on as long as something is reserved, then waits as long as its patience lasts.
func (r *run) extended(e extension) (outcome, bool) {
	r.asides.extending = false
	now := time.Now()
	var quota *store.QuotaError
	switch {
	case e.err == nil:
		r.reservation, r.asides.failing, r.asides.slice, r.asides.granted = e.reservation, time.Time{}, 2*e.slice, e.slice
		return outcome{}, false
	case errors.As(e.err, &quota) && e.slice > sliceTokens && r.asides.slice > 0:
		r.asides.failing, r.asides.slice = time.Time{}, 0 // there may be room for less
		return outcome{}, false
	case errors.As(e.err, &quota):
		r.asides.failing = time.Time{}
		if !r.mayGoOn() {
			return outcome{state: store.RunStopped, code: "quota_exceeded"}, true
		}
	case r.asides.failing.IsZero():
		r.asides.failing = now
	case now.Sub(r.asides.failing) > patience && !r.mayGoOn():
		return outcome{state: store.RunStopped, code: "quota_unavailable"}, true
	}
	r.asides.notBefore = now.Add(extendAgain)
	return outcome{}, false
}
