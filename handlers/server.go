package handlers

import (
	"context"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/gorilla/mux"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"

	"aihub/hub"
	"aihub/llm"
	"aihub/store"
)

// Options are the parts the edge needs; all are required unless they say otherwise.
type Options struct {
	Hub       *hub.Hub
	Store     *store.Store
	Tokens    *Tokens
	Sealer    *llm.Sealer          // of the secrets at rest
	LLM       *llm.Client          // tests configurations
	Networks  []netip.Prefix       // private addresses that distributors' configurations may reach; usually none
	Alerted   func(store.TenantID) // told that an alert waits (Deliverer.Wake); nil: it is found later
	ReadPDF   []string             // the command that turns a PDF into text, see knowledge.PDFText; nil: PDFs are refused
	Logger    *slog.Logger
	Metrics   prometheus.Gatherer // served on the operations address; nil: the default registry
	Dist      fs.FS               // the built front end
	Mailer    *Mailer             // nil: no mails are sent
	PublicURL *url.URL            // where browsers reach this installation; nil: wherever they say
	Version   string
	// Development opens what only developers may see: the list of portals at "/" and the gallery.
	Development bool
}

// A Server is the HTTP edge. Its handlers are safe for concurrent use.
type Server struct {
	hub      *hub.Hub
	store    *store.Store
	tokens   *Tokens
	sealer   *llm.Sealer
	llm      *llm.Client
	networks []netip.Prefix
	alerted  func(store.TenantID)
	readPDF  []string
	widgets  *widgetKeys
	loaders  *lru.Cache[string, loader] // of the widget, by the origin of the page
	log      *slog.Logger
	metrics  prometheus.Gatherer
	files    *files
	pages    *template.Template
	public   *url.URL
	version  string
	dev      bool
	mailer   *Mailer // nil: no mails are sent
	logins   *attempts
	paces    *paces

	discoveries *discoveries // of login providers
}

// New prepares the edge; it reads the front end's files into memory.
func New(o Options) (*Server, error) {
	f, err := loadFiles(o.Dist)
	if err != nil {
		return nil, fmt.Errorf("read the front end: %w", err)
	}
	pages, err := template.ParseFS(o.Dist, "*.html")
	if err != nil {
		return nil, fmt.Errorf("read the front end's pages: %w", err)
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.DefaultGatherer
	}
	return &Server{hub: o.Hub, store: o.Store, tokens: o.Tokens, sealer: o.Sealer, llm: o.LLM, networks: o.Networks,
		alerted: o.Alerted, readPDF: o.ReadPDF, widgets: &widgetKeys{dir: o.Store.Directory()},
		loaders: newLoaders(), log: o.Logger, metrics: o.Metrics, files: f, pages: pages,
		public: o.PublicURL, version: o.Version, dev: o.Development, mailer: o.Mailer,
		logins: newAttempts(), paces: newPaces(time.Now), discoveries: newDiscoveries(llm.GuardedClient(o.Networks, oidcTime))}, nil
}

// Handler serves people and clients.
func (s *Server) Handler() http.Handler {
	r := mux.NewRouter()
	s.routes(r)
	return s.guard(r)
}

// Operations serves operators: health, metrics and profiles. It must listen where only they can reach it.
func (s *Server) Operations() http.Handler {
	r := mux.NewRouter()
	s.operationsRoutes(r)
	return r
}

// secure reports whether browsers reach this installation over TLS.
func (s *Server) secure() bool { return s.public != nil && s.public.Scheme == "https" }

// tenantBySlug finds a portal; a suspended tenant is found like any other.
func (s *Server) tenantBySlug(ctx context.Context, slug string) (*store.Tenant, store.Profile, error) {
	if _, err := store.ParseTenantID(slug); err != nil { // slugs have the shape of ids
		return nil, store.Profile{}, store.ErrNotFound
	}
	return s.store.Directory().TenantBySlug(ctx, slug)
}
