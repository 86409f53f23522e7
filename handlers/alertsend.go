package handlers

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"aihub/llm"
	"aihub/store"
)

// An alert is delivered at least once: it is stored before anybody tries, is given to one instance at a time, and is tried
// again, ever later, until its receiver answers with a 2xx. Whoever receives it twice knows it by its id.

const (
	alertTime    = 5 * time.Second  // for one delivery
	alertLease   = time.Minute      // then another instance may try
	alertSweep   = 10 * time.Second // how often what nobody has told of is looked for
	alertBatch   = 20               // of one tenant at a time
	alertTenants = 8                // that are delivered to at once
	alertKept    = 7 * 24 * time.Hour
)

// alertWaits are the pauses between tries; after the last one an alert is given up.
var alertWaits = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour}

// A Deliverer sends the tenants' alerts to where they want them. One goroutine runs it (Run); Wake may be called by any.
type Deliverer struct {
	store  *store.Store
	sealer *llm.Sealer
	client *http.Client
	public *url.URL
	log    *slog.Logger

	sweep time.Duration // alertSweep
	wake  chan store.TenantID
	mu    sync.Mutex
	busy  map[store.TenantID]bool
}

// NewDeliverer prepares one. allow lists private addresses that may be reached all the same; public is where browsers
// reach this installation, nil: unknown.
func NewDeliverer(s *store.Store, sealer *llm.Sealer, allow []netip.Prefix, public *url.URL, log *slog.Logger) *Deliverer {
	return &Deliverer{store: s, sealer: sealer, client: llm.GuardedClient(allow, alertTime), public: public, log: log, sweep: alertSweep,
		wake: make(chan store.TenantID, 64), busy: map[store.TenantID]bool{}}
}

// Wake tells that an alert of the tenant waits. It never blocks; what is not heard is found a little later.
func (d *Deliverer) Wake(t store.TenantID) {
	select {
	case d.wake <- t:
	default:
	}
}

// Run delivers until ctx ends, and returns when no delivery goes on any more.
func (d *Deliverer) Run(ctx context.Context) {
	var delivering sync.WaitGroup
	defer delivering.Wait()
	slots := make(chan struct{}, alertTenants)
	begin := func(id store.TenantID) {
		d.mu.Lock()
		already := d.busy[id]
		d.busy[id] = true
		d.mu.Unlock()
		if already {
			return // and the sweep finds what it misses
		}
		delivering.Go(func() {
			defer func() {
				d.mu.Lock()
				delete(d.busy, id)
				d.mu.Unlock()
			}()
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			case <-ctx.Done():
				return
			}
			if err := d.deliver(ctx, d.store.Tenant(id)); err != nil && ctx.Err() == nil {
				d.log.Warn("alerts wait", "tenant", id.String(), "error", err)
			}
		})
	}
	next := func() time.Duration { return d.sweep/2 + rand.N(d.sweep) } // so that instances take turns
	sweep := time.NewTimer(next())                                      // its own, or steady calls would put it off for ever
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-d.wake:
			begin(id)
		case <-sweep.C:
			sweep.Reset(next())
			list, err := d.store.Directory().Alerted(ctx)
			if err != nil && ctx.Err() == nil {
				d.log.Warn("alerts wait", "error", err)
			}
			for _, p := range list {
				begin(p.ID)
			}
		}
	}
}

// deliver tries what is due of one tenant, one after the other.
func (d *Deliverer) deliver(ctx context.Context, t *store.Tenant) error {
	p, err := t.Profile(ctx)
	if err != nil || p.Alerts.URL == "" {
		return err
	}
	if err := t.DropAlerts(ctx, d.store.Now().Add(-alertKept)); err != nil {
		return err
	}
	for {
		due, err := t.TakeAlerts(ctx, alertLease, alertBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, a := range due {
			state, next := store.AlertDelivered, time.Time{}
			status, err := d.send(ctx, p, a)
			if ctx.Err() != nil {
				return ctx.Err() // the lease ends by itself
			}
			if err != nil {
				d.log.Info("alert not delivered", "tenant", p.ID.String(), "alert", a.ID, "try", a.Tries, "status", status, "error", err)
				if state = store.AlertPending; a.Tries > int64(len(alertWaits)) {
					state = store.AlertFailed
				} else {
					wait := alertWaits[a.Tries-1]
					next = d.store.Now().Add(wait + rand.N(wait/4+1))
				}
			}
			if err := t.EndTry(ctx, a, state, int64(status), next); err != nil && !errors.Is(err, store.ErrConflict) {
				return err
			}
		}
	}
}

// alertMessage is what is sent. It says where to look, and nothing that people wrote or are called.
type alertMessage struct {
	ID           string `json:"id"`
	Kind         string `json:"kind"`
	At           string `json:"at"`
	Tenant       string `json:"tenant"`
	Conversation string `json:"conversation,omitempty"`
	Channel      string `json:"channel,omitempty"`
	URL          string `json:"url,omitempty"`
	Try          int64  `json:"try"`
}

// send makes one request. An answer other than 2xx, a redirect too, is an error.
func (d *Deliverer) send(ctx context.Context, p store.Profile, a store.Alert) (status int, err error) {
	m := alertMessage{ID: a.ID, Kind: a.Kind, At: stamp(a.At), Tenant: p.Slug, Conversation: a.ConversationID, Channel: a.Channel, Try: a.Tries}
	if d.public != nil && a.ConversationID != "" {
		m.URL = d.public.JoinPath("console", p.Slug, "s", a.ConversationID).String()
	}
	body, err := json.Marshal(m)
	if err != nil {
		return 0, err
	}
	secret, err := d.sealer.Open(p.ID.String(), alertsRow, p.Alerts.SealedSecret)
	if err != nil {
		return 0, errors.New("the secret can't be opened")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Alerts.URL, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("the address is malformed")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "aihub-alerts/1")
	req.Header.Set("AIHub-Alert-Id", a.ID)
	req.Header.Set("AIHub-Signature", signAlert(secret, d.store.Now(), body))
	res, err := d.client.Do(req)
	if err != nil {
		if cause := errors.Unwrap(err); cause != nil { // without the address, whose path may be a secret
			err = cause
		}
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4<<10)) // so that the connection can be used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return res.StatusCode, fmt.Errorf("answered with %d", res.StatusCode)
	}
	return res.StatusCode, nil
}

// signAlert makes the value of AIHub-Signature: the time and, in hex, the HMAC-SHA256 under the secret of the time, a dot
// and the body. A receiver refuses a time that is minutes away, so that what was overheard can't be sent again.
func signAlert(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return strings.Join([]string{"t=" + t, "v1=" + hex.EncodeToString(mac.Sum(nil))}, ",")
}
