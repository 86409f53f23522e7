package llm

import "time"

// The states of a configuration as a client knows them from the answers it asked for.
const (
	HealthUnasked = "unasked" // no answer was asked for, or it was too long ago
	HealthOK      = "ok"
	HealthFailing = "failing" // the last request failed; it is asked all the same
	HealthPaused  = "paused"  // it failed repeatedly and is not asked until RetryAt
)

// Health is how a configuration does, as far as one client has seen.
type Health struct {
	State   string
	Code    string    // of the last failure; "" when there is none
	Reason  string    // the same in plain words of a fixed set
	Verdict Verdict   // what an administrator should look at; "" when there is nothing to do
	RetryAt time.Time // when one request tries again; zero: it is not paused
}

// Health tells how a configuration does for a tenant; "" is the worst over all tenants. Every client, so every instance,
// has breakers of its own.
func (c *Client) Health(tenant, id string) Health {
	c.mu.Lock()
	latest := map[string]*config{} // a configuration that was corrected is another one
	for key, cfg := range c.configs {
		if key.id != id || (tenant != "" && key.tenant != tenant) {
			continue
		}
		if known := latest[key.tenant]; known == nil || cfg.used.After(known.used) {
			latest[key.tenant] = cfg
		}
	}
	c.mu.Unlock()
	worst := Health{State: HealthUnasked}
	rank := map[string]int{HealthUnasked: 0, HealthOK: 1, HealthFailing: 2, HealthPaused: 3}
	now := time.Now()
	for _, cfg := range latest {
		if h := cfg.breaker.health(now); rank[h.State] > rank[worst.State] {
			worst = h
		}
	}
	return worst
}

func (b *breaker) health(now time.Time) Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := Health{State: HealthUnasked}
	switch {
	case b.cause != nil && now.Before(b.until):
		h.State, h.RetryAt = HealthPaused, b.until
	case b.cause != nil:
		h.State = HealthFailing
	case b.answered:
		h.State = HealthOK
	}
	if b.cause != nil {
		h.Code, h.Reason, h.Verdict = b.cause.Code, b.cause.Reason, b.cause.Verdict
	}
	return h
}
