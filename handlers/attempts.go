package handlers

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// attempts counts wrong passwords for every name that is tried, known or not, so that being locked out tells nobody
// whether an account exists. It is this instance's; the store locks real accounts for all of them. When it is full, the
// name not tried for the longest is forgotten.
type attempts struct {
	mu    sync.Mutex
	names *lru.Cache[string, attempt]
}

type attempt struct {
	failures int
	last     time.Time
	until    time.Time
}

func newAttempts() *attempts {
	names, err := lru.New[string, attempt](20_000)
	if err != nil {
		panic("handlers: " + err.Error()) // only for a size that is not positive
	}
	return &attempts{names: names}
}

func attemptKey(slug, email string) string { return slug + "\x00" + email }

// locked returns how long a name must still wait, or 0.
func (a *attempts) locked(slug, email string, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, _ := a.names.Get(attemptKey(slug, email))
	return max(0, t.until.Sub(now))
}

// failed counts a wrong password with the same schedule as store.(*Tenant).LoginFailed.
func (a *attempts) failed(slug, email string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, _ := a.names.Get(attemptKey(slug, email))
	if now.Sub(t.last) > time.Hour {
		t = attempt{}
	}
	t.last = now
	if t.failures++; t.failures >= lockAfter {
		t.until = now.Add(lockFor << min(t.failures-lockAfter, 6))
	}
	a.names.Add(attemptKey(slug, email), t)
}

func (a *attempts) succeeded(slug, email string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names.Remove(attemptKey(slug, email))
}
