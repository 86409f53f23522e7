package handlers

import (
	"net/http"
	"net/http/pprof"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"
	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"aihub/store"
)

// Who may call a route.
var (
	everyone = []string{store.RoleParticipant, store.RoleSupervisor, store.RoleAdmin, store.RoleOperator}
	visitors = []string{store.RoleVisitor}
	talkers  = append(visitors, everyone...)
)

// routes is the whole public surface.
func (s *Server) routes(r *mux.Router) {
	r.HandleFunc("/healthz", s.healthz).Methods("GET", "HEAD")
	r.HandleFunc("/readyz", s.readyz).Methods("GET", "HEAD")
	r.HandleFunc("/ws", s.socket).Methods("GET")

	r.HandleFunc("/", s.home).Methods("GET", "HEAD")
	r.PathPrefix("/assets/").HandlerFunc(s.asset).Methods("GET", "HEAD")
	r.HandleFunc("/p/{slug}", s.portal).Methods("GET", "HEAD")
	r.HandleFunc("/p/{slug}/c/{conv}", s.portal).Methods("GET", "HEAD")
	r.HandleFunc("/p/{slug}/brand.css", s.brandCSS).Methods("GET", "HEAD")
	r.HandleFunc("/p/{slug}/logo", s.logo).Methods("GET", "HEAD")
	r.HandleFunc("/p/{slug}/manifest.webmanifest", s.manifest).Methods("GET", "HEAD")
	r.HandleFunc("/widget.js", s.widgetLoader).Methods("GET", "HEAD")
	r.HandleFunc("/widget.html", s.widgetFrame).Methods("GET", "HEAD")
	if s.dev {
		r.HandleFunc("/demo/{slug}", s.demoSite).Methods("GET", "HEAD")
		r.HandleFunc("/demo/{slug}/{page}", s.demoSite).Methods("GET", "HEAD")
		r.HandleFunc("/dev/gallery", s.gallery).Methods("GET", "HEAD")
	}

	r.HandleFunc("/v1/models", s.openAIModels).Methods("GET")
	r.HandleFunc("/v1/models/{key}", s.openAIModel).Methods("GET")
	r.HandleFunc("/v1/chat/completions", s.chatCompletions).Methods("POST")

	s.api(r)
	r.NotFoundHandler = http.HandlerFunc(notFound)
	r.MethodNotAllowedHandler = http.HandlerFunc(methodNotAllowed)
}

// api is the REST interface under /api/v1, with its description at openapi.json and a readable page at docs.
func (s *Server) api(r *mux.Router) {
	config := apiConfig(s.version)
	a := humamux.New(r, config)
	a.UseMiddleware(s.requireToken)
	r.HandleFunc("/api/v1/docs", s.docs(a.OpenAPI())).Methods("GET")

	public(a, "GET", "/api/v1/portal/{slug}", "A portal's name and looks", s.getPortal)
	public(a, "POST", "/api/v1/auth/login", "Log in with e-mail and password", s.login)
	public(a, "POST", "/api/v1/auth/refresh", "Get a new access token", s.refresh)
	publicEmpty(a, "POST", "/api/v1/auth/logout", "End the session of a refresh token", s.logout)

	public(a, "POST", "/api/v1/widget/sessions", "Begin or renew a visitor's session in the widget", s.openWidgetSession)
	privateEmpty(s, a, visitors, "DELETE", "/api/v1/widget/sessions", "End the visitor's session on this device", s.endWidgetSession)

	private(s, a, everyone, "GET", "/api/v1/me", "The person, their plan, quota and models", s.getMe)
	private(s, a, talkers, "GET", "/api/v1/conversations", "The person's conversations, the latest first", s.listConversations)
	private(s, a, talkers, "GET", "/api/v1/conversations/{id}", "One conversation", s.getConversation)
	private(s, a, everyone, "PATCH", "/api/v1/conversations/{id}", "Rename a conversation", s.renameConversation)
	privateEmpty(s, a, talkers, "DELETE", "/api/v1/conversations/{id}", "Delete a conversation", s.deleteConversation)
	private(s, a, talkers, "GET", "/api/v1/conversations/{id}/messages", "Its messages, the newest first", s.listMessages)
	private(s, a, talkers, "GET", "/api/v1/conversations/{id}/transcript", "The whole conversation as a file", s.transcript)
}

// operationsRoutes is what only operators reach.
func (s *Server) operationsRoutes(r *mux.Router) {
	r.HandleFunc("/healthz", s.healthz).Methods("GET", "HEAD")
	r.HandleFunc("/readyz", s.readyz).Methods("GET", "HEAD")
	r.Handle("/metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{})).Methods("GET")
	r.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	r.HandleFunc("/debug/pprof/profile", pprof.Profile)
	r.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	r.HandleFunc("/debug/pprof/trace", pprof.Trace)
	r.PathPrefix("/debug/pprof/").HandlerFunc(pprof.Index)
}

// apiConfig is huma's configuration: strict JSON, our problems, and a description without third-party pages.
func apiConfig(version string) huma.Config {
	c := huma.DefaultConfig("IXC AI Hub", version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "/api/v1/openapi", "", ""
	c.Formats = map[string]huma.Format{"application/json": strictJSON, "json": strictJSON}
	c.CreateHooks = nil // no $schema links in the answers
	c.RejectUnknownQueryParameters = true
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{bearerScheme: {Type: "http", Scheme: "bearer", BearerFormat: "JWT"}}
	return c
}
