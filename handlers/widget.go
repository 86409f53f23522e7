package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/sync/singleflight"

	"aihub/hub"
	"aihub/store"
)

// The widget's server side, in four files: whose a key is and which pages may use it (this one), what the loader and the
// frame are made of (widgetpages.go), sessions of visitors (widgetsessions.go) and proof of who a visitor is
// (widgetidentity.go). widgetdemo.go is a distributor's site to try it on.

// How old the list of keys may be: for what is only looked up, and when a key is not in it.
const (
	keysFresh = 10 * time.Second
	keysRetry = 250 * time.Millisecond
)

// widgetKeys knows whose every widget key is, because a request of the widget names nothing else. What the key allows is
// read through its tenant each time. It is safe for concurrent use.
type widgetKeys struct {
	dir   *store.Directory
	loads singleflight.Group

	mu   sync.Mutex
	list keyList
}

// keyList is what the directory said; it is never changed.
type keyList struct {
	at       time.Time
	byID     map[string]store.KeyPlace
	byTenant map[store.TenantID]string // any active key
}

// within returns a list that is not older than age.
func (w *widgetKeys) within(ctx context.Context, age time.Duration) (keyList, error) {
	w.mu.Lock()
	list := w.list
	w.mu.Unlock()
	if time.Since(list.at) < age {
		return list, nil
	}
	v, err, _ := w.loads.Do("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // others wait for it too
		defer cancel()
		next := keyList{at: time.Now(), byID: map[string]store.KeyPlace{}, byTenant: map[store.TenantID]string{}}
		places, err := w.dir.WidgetKeys(ctx)
		if err != nil {
			return next, err
		}
		for _, p := range places {
			next.byID[p.ID] = p
			if old := next.byTenant[p.Tenant]; p.Active && (old == "" || p.ID < old) {
				next.byTenant[p.Tenant] = p.ID
			}
		}
		w.mu.Lock()
		w.list = next
		w.mu.Unlock()
		return next, nil
	})
	list, _ = v.(keyList)
	return list, err
}

// keysChanged makes the next request look anew at which keys there are. Other instances do so soon by themselves.
func (s *Server) keysChanged() {
	s.widgets.mu.Lock()
	s.widgets.list = keyList{}
	s.widgets.mu.Unlock()
	s.loaders.Purge()
}

// place says whose a key is, or store.ErrNotFound.
func (w *widgetKeys) place(ctx context.Context, id string) (store.KeyPlace, error) {
	if !store.ValidID("pk", id) {
		return store.KeyPlace{}, store.ErrNotFound
	}
	for _, age := range []time.Duration{keysFresh, keysRetry} {
		list, err := w.within(ctx, age)
		if err != nil {
			return store.KeyPlace{}, err
		}
		if p, ok := list.byID[id]; ok {
			return p, nil
		}
	}
	return store.KeyPlace{}, store.ErrNotFound
}

// widgetUse is an active key with what is needed to serve it.
type widgetUse struct {
	key     store.WidgetKey
	tenant  *store.Tenant
	profile store.Profile
}

// useKey returns a key that may be used now. An unknown key and one that is switched off look alike.
func (s *Server) useKey(ctx context.Context, id string) (widgetUse, error) {
	var u widgetUse
	place, err := s.widgets.place(ctx, id)
	if err == nil {
		u.tenant = s.store.Tenant(place.Tenant)
		u.key, err = u.tenant.WidgetKey(ctx, id)
	}
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && u.key.State != store.StateActive:
		return u, hub.Ef("not_found", "there is no such widget key, or it is switched off")
	case err != nil:
		return u, err
	}
	if u.profile, err = u.tenant.Profile(ctx); err != nil {
		return u, err
	}
	if u.profile.State != store.StateActive {
		return u, hub.E("tenant_suspended")
	}
	return u, nil
}

// widgetOrigin reports whether a request of this origin may use the key: the widget's frame, which is ours, or a page of
// the key's origins. A browser always sends an origin, so without one nothing may.
func (s *Server) widgetOrigin(k store.WidgetKey, origin, host string) bool {
	if origin == "" || origin == "null" {
		return false
	}
	if s.ownOrigin(origin, host) {
		return true
	}
	return slices.ContainsFunc(k.Origins, func(allowed string) bool { return matchesOrigin(allowed, origin) })
}

// anyPort ends an allowed origin of the own machine, where developers' ports change.
const anyPort = ":*"

// matchesOrigin compares exactly; only a loopback name may be allowed with any port.
func matchesOrigin(allowed, origin string) bool {
	base, wild := strings.CutSuffix(allowed, anyPort)
	if !wild {
		return allowed == origin
	}
	u, err := url.Parse(origin)
	return err == nil && u.Scheme+"://"+u.Hostname() == base && origin == u.Scheme+"://"+u.Host
}

// ParseOrigin returns an origin as browsers send it: scheme, host in ASCII and the port unless it is the usual one.
// Plain http is for loopback names only, which may also have the port "*".
func ParseOrigin(text string) (string, error) {
	bad := hub.Ef("bad_field", "an origin is like https://www.provedor.example, without a path")
	wild := strings.HasSuffix(text, anyPort)
	u, err := url.Parse(strings.TrimSuffix(text, anyPort))
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return "", bad
	}
	host, err := idna.Lookup.ToASCII(strings.ToLower(u.Hostname()))
	if loopback := host == "localhost" || host == "127.0.0.1"; err != nil || !loopback && (u.Scheme != "https" || wild) || u.Scheme != "https" && u.Scheme != "http" {
		return "", bad
	}
	port := u.Port()
	switch {
	case wild && port != "":
		return "", bad
	case wild:
		port = anyPort
	case port == "", u.Scheme == "https" && port == "443", u.Scheme == "http" && port == "80":
		port = ""
	default:
		port = ":" + port
	}
	return u.Scheme + "://" + host + port, nil
}

// widgetSocket reports whether a socket opened with ?k= is the widget's; an error says that this is not known now.
func (s *Server) widgetSocket(r *http.Request, key string) (bool, error) {
	u, err := s.useKey(r.Context(), key)
	if refusal := (*hub.Error)(nil); errors.As(err, &refusal) { // there is no such key, or it may not be used
		return false, nil
	}
	if err != nil {
		return false, fromStore(err)
	}
	return s.widgetOrigin(u.key, r.Header.Get("Origin"), r.Host), nil
}

// socketKey returns the widget key of a socket's address, and whether the address is one that a socket may have.
func socketKey(rawQuery string) (string, bool) {
	if rawQuery == "" {
		return "", true
	}
	key, ok := strings.CutPrefix(rawQuery, "k=")
	return key, ok && store.ValidID("pk", key)
}
