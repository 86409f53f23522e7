package llm

import (
	"sync"
	"time"
)

// A breaker keeps requests away from a configuration that keeps failing, so that people get the reserve or an error at
// once. When its time is over, one request tries again; the others wait for what becomes of it.
type breaker struct {
	mu       sync.Mutex
	fails    int       // in a row
	opened   int       // times in a row, for the doubling
	until    time.Time // open until; zero: closed
	trying   bool      // one request is out to see whether it works again
	cause    *Error    // of the last failure; nil: the last request was no failure of the upstream
	answered bool      // a request has ended well
}

// allow returns nil when a request may go out; every nil must be followed by one call of report.
func (b *breaker) allow(now time.Time) *Error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.until.IsZero():
		return nil
	case now.Before(b.until):
		e := *b.cause
		e.RetryIn, e.again = b.until.Sub(now), false
		e.Reason = "not asked, because it failed repeatedly: " + b.cause.Reason
		return &e
	case b.trying:
		e := *b.cause
		e.RetryIn, e.again = time.Second, false
		e.Reason = "not asked, because it failed repeatedly and is being tried: " + b.cause.Reason
		return &e
	}
	b.trying = true
	return nil
}

// report tells how a request ended: nil for an answer. Ended by the caller, it says nothing about the upstream: neutral.
func (b *breaker) report(err *Error, neutral bool, now time.Time, bounds Bounds) {
	b.mu.Lock()
	defer b.mu.Unlock()
	tried := b.trying
	b.trying = false
	switch {
	case neutral:
	case err == nil || !err.blamesUpstream():
		b.fails, b.opened, b.until, b.cause = 0, 0, time.Time{}, nil
		b.answered = b.answered || err == nil
	default:
		b.fails++
		b.cause = err
		if b.fails < bounds.Trips && !tried {
			return
		}
		b.until = now.Add(min(bounds.Open<<min(b.opened, 10), bounds.OpenMax))
		b.opened++
	}
}

// blamesUpstream reports whether the next request is likely to fail in the same way.
func (e *Error) blamesUpstream() bool {
	switch e.Code {
	case CodeFiltered, CodeTooLong, CodeEmpty:
		return false
	}
	return true
}
