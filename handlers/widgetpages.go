package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"aihub/docs/widget"
	"aihub/hub"
	"aihub/store"
)

// keysPlace is where the built loader has the keys that the page may use. The page's origin comes with the request, so
// the loader knows before any further request whether to show itself, and in which colour.
const keysPlace = "IXCHUB_KEYS"

// anyKey stands there when the origin is not known; then the frame is the first to tell.
const anyKey = "*"

// loader is the loader as pages of one origin get it; it is useful if they may use a key.
type loader struct {
	file
	made   time.Time
	useful bool
}

// loaderFor is how long a loader may be older than the keys it names.
const loaderFor = 30 * time.Second

// newLoaders keeps the loader's variants by origin. Who asks with many origins only makes others be made again.
func newLoaders() *lru.Cache[string, loader] {
	c, err := lru.New[string, loader](2000)
	if err != nil {
		panic("handlers: " + err.Error()) // only for a size that is not positive
	}
	return c
}

// widgetLoader serves the one script that sites include.
func (s *Server) widgetLoader(w http.ResponseWriter, r *http.Request) {
	origin := refererOrigin(r)
	f, ok := s.loaders.Get(origin)
	if !ok || time.Since(f.made) > loaderFor {
		built, exists := s.files.all["widget.js"]
		if !exists {
			notFoundPage(w, r)
			return
		}
		keys, err := s.keysOf(r.Context(), origin)
		if err == nil {
			f.made, f.useful = time.Now(), keys != ""
			f.file, err = prepare("widget.js", bytes.ReplaceAll(built.plain, []byte(keysPlace), []byte(strconv.Quote(keys))))
		}
		if err != nil {
			sendProblem(w, err)
			return
		}
		s.loaders.Add(origin, f)
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=300")
	if !f.useful {
		h.Set("Cache-Control", "no-cache") // whoever is setting the widget up sees at once what they changed
	}
	h.Set("Vary", "Referer")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Access-Control-Allow-Origin", "*")
	f.serve(w, r)
}

// refererOrigin is the origin of the page that includes the script, "" where the browser does not say it.
func refererOrigin(r *http.Request) string {
	u, err := url.Parse(r.Header.Get("Referer"))
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// keysOf lists the active keys that pages of an origin may use, each with its tenant's colour: "pk_…:0f766e,…".
func (s *Server) keysOf(ctx context.Context, origin string) (string, error) {
	if origin == "" {
		return anyKey, nil
	}
	list, err := s.widgets.within(ctx, keysFresh)
	if err != nil {
		return "", err
	}
	var out []string
	for id, p := range list.byID {
		if !p.Active || !slices.ContainsFunc(p.Origins, func(allowed string) bool { return matchesOrigin(allowed, origin) }) {
			continue
		}
		profile, err := s.store.Tenant(p.Tenant).Profile(ctx)
		if err != nil {
			return "", err
		}
		if profile.State == store.StateActive {
			out = append(out, id+":"+strings.TrimPrefix(viewPortal(profile).Color, "#"))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ","), nil
}

// framePage is what widget.html is filled with.
type framePage struct {
	pageData
	Config string // JSON, a widgetConfig
}

// widgetConfig is what the frame must know before it asks for anything.
type widgetConfig struct {
	Key      string       `json:"key"`
	Name     string       `json:"name"`
	Logo     string       `json:"logo"`
	Identity bool         `json:"identity"` // required
	Greeting store.Texts  `json:"greeting"`
	Fields   []configAsk  `json:"fields"`
	Purpose  store.Texts  `json:"purpose"`
	Consent  *configAgree `json:"consent,omitempty"`
	Hours    *configHours `json:"hours,omitempty"`
	Fallback configReach  `json:"fallback"`
	Signed   bool         `json:"signed"` // "powered by"
	Mail     bool         `json:"mail"`   // a conversation can be sent by mail
}

type configAsk struct {
	Name     string `json:"name"`
	Required bool   `json:"required"`
}

type configAgree struct {
	Version string      `json:"version"`
	Text    store.Texts `json:"text"`
	URL     string      `json:"url,omitempty"`
}

type configHours struct {
	Open   bool   `json:"open"`
	OpenAt string `json:"open_at,omitempty"`
}

type configReach struct {
	WhatsApp string `json:"whatsapp,omitempty"`
	Phone    string `json:"phone,omitempty"`
	URL      string `json:"url,omitempty"`
}

// widgetFrame serves the page in the widget's frame. The browser lets only pages of the key's origins show it.
func (s *Server) widgetFrame(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	u, err := s.useKey(r.Context(), query.Get("k"))
	if err != nil {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		sendProblem(w, err)
		return
	}
	config, err := json.Marshal(s.configOf(u, s.store.Now()))
	if err != nil {
		s.log.Error("widget configuration", "key", u.key.ID, "error", err)
		sendProblem(w, hub.E("internal"))
		return
	}
	view := viewPortal(u.profile)
	data := framePage{Config: string(config), pageData: pageData{Lang: frameLanguage(r, query.Get("l")), Theme: "system", Title: view.PortalName, Slug: view.Slug, Color: view.Color,
		BrandCSS: "/p/" + view.Slug + "/brand.css?v=" + brandVersion(u.profile.Brand.Color), Icon: "data:,"}}
	if t := query.Get("t"); t == "light" || t == "dark" {
		data.Theme = t
	}
	h := w.Header()
	// All that the page loads is its own, so it also works in pages that isolate themselves from other origins.
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	s.page(w, r, "widget.html", data, s.pagePolicy(r, ancestors(u.key)))
}

// ancestors are the key's origins as a policy has them.
func ancestors(k store.WidgetKey) string {
	var out []string
	for _, origin := range k.Origins {
		if o, err := ParseOrigin(origin); err == nil && o == origin { // what is not an origin could say anything
			out = append(out, origin)
		}
	}
	if len(out) == 0 {
		return "'none'"
	}
	return strings.Join(out, " ")
}

// frameLanguage is what the site asks for, else what the browser does.
func frameLanguage(r *http.Request, asked string) string {
	switch asked = strings.ToLower(asked); {
	case strings.HasPrefix(asked, "pt"):
		return "pt-BR"
	case strings.HasPrefix(asked, "en"):
		return "en"
	}
	return language(r)
}

func (s *Server) configOf(u widgetUse, now time.Time) widgetConfig {
	k, view := u.key, viewPortal(u.profile)
	c := widgetConfig{Key: k.ID, Name: view.PortalName, Logo: view.LogoURL, Identity: k.Identity == store.IdentityRequired, Greeting: k.Greeting, Fields: []configAsk{},
		Purpose: k.Purpose, Signed: !k.Unsigned, Mail: s.mailer != nil, Fallback: configReach{only(k.Fallback.WhatsApp, "0123456789"), k.Fallback.Phone, webAddress(k.Fallback.URL)}}
	for _, f := range k.Fields {
		c.Fields = append(c.Fields, configAsk{f.Name, f.Required})
	}
	if k.Consent.Version != "" {
		c.Consent = &configAgree{k.Consent.Version, k.Consent.Text, webAddress(k.Consent.URL)}
	}
	if len(k.Hours) > 0 {
		open, next := openAt(k.Hours, now.In(zoneOf(u.profile)))
		c.Hours = &configHours{Open: open}
		if !open && !next.IsZero() {
			c.Hours.OpenAt = next.UTC().Format(time.RFC3339)
		}
	}
	return c
}

// webAddress lets through what a link may lead to.
func webAddress(address string) string {
	if u, err := url.Parse(address); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return ""
	}
	return address
}

func zoneOf(p store.Profile) *time.Location {
	for _, name := range []string{p.TimeZone, "America/Sao_Paulo"} {
		if loc, err := time.LoadLocation(name); err == nil && name != "" {
			return loc
		}
	}
	return time.UTC // can't happen: the zones are compiled in
}

// openAt reports whether people answer at the local time now, and else when they do next, within a week.
func openAt(hours []store.Hours, now time.Time) (open bool, next time.Time) {
	for day := range 8 {
		date := now.AddDate(0, 0, day)
		for _, h := range hours {
			if !slices.Contains(h.Days, int64(date.Weekday())) {
				continue
			}
			from, to := clock(date, h.From), clock(date, h.To)
			if !now.Before(from) && now.Before(to) {
				return true, time.Time{}
			}
			if now.Before(from) && from.Before(to) && (next.IsZero() || from.Before(next)) {
				next = from
			}
		}
	}
	return false, next
}

// clock is the time "15:04" on a day, or its first moment where that is not a time.
func clock(day time.Time, text string) time.Time {
	hh, mm, _ := strings.Cut(text, ":")
	h, _ := strconv.Atoi(hh)
	m, _ := strconv.Atoi(mm)
	return time.Date(day.Year(), day.Month(), day.Day(), h, m, 0, 0, day.Location())
}

// widgetDocs is the page for webmasters, as text.
func (s *Server) widgetDocs(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(widget.Page))
}
