package handlers

import (
	"net/http"
	"net/http/pprof"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"
	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"aihub/llm/knowledge"
	"aihub/store"
)

// Who may call a route.
var (
	admins   = []string{store.RoleAdmin}
	operator = []string{store.RoleOperator}
	managers = []string{store.RoleAdmin, store.RoleOperator} // of their own rows: the operator's are every distributor's
	staff    = []string{store.RoleSupervisor, store.RoleAdmin}
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
	r.HandleFunc("/p/{slug}/icon.svg", s.icon).Methods("GET", "HEAD")
	r.HandleFunc("/p/{slug}/manifest.webmanifest", s.manifest).Methods("GET", "HEAD")
	r.HandleFunc("/auth/oidc/{slug}/start", s.startLogin).Methods("GET")
	r.HandleFunc("/auth/oidc/{slug}/callback", s.endLogin).Methods("GET")
	r.HandleFunc("/widget.js", s.widgetLoader).Methods("GET", "HEAD")
	r.HandleFunc("/widget/docs", s.widgetDocs).Methods("GET", "HEAD")
	r.HandleFunc("/widget.html", s.widgetFrame).Methods("GET", "HEAD")
	r.HandleFunc("/console", s.consolePage).Methods("GET", "HEAD")
	r.HandleFunc("/console.css", s.consoleCSS).Methods("GET", "HEAD")
	r.HandleFunc("/console/{slug}", s.consolePage).Methods("GET", "HEAD")
	r.HandleFunc("/console/{slug}/{rest:.*}", s.consolePage).Methods("GET", "HEAD")
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
	config := apiConfig()
	a := humamux.New(r, config)
	a.UseMiddleware(s.requireToken)
	r.HandleFunc("/api/v1/docs", s.docs(a.OpenAPI())).Methods("GET")

	public(a, "GET", "/api/v1/portal/{slug}", "A portal's name and looks", s.getPortal)
	public(a, "POST", "/api/v1/auth/login", "Log in with e-mail and password", s.login)
	public(a, "POST", "/api/v1/auth/refresh", "Get a new access token", s.refresh)
	publicEmpty(a, "POST", "/api/v1/auth/logout", "End the session of a refresh token", s.logout)

	public(a, "POST", "/api/v1/widget/sessions", "Begin or renew a visitor's session in the widget", s.openWidgetSession)
	privateEmpty(s, a, visitors, "DELETE", "/api/v1/widget/sessions", "End the visitor's session on this device", s.endWidgetSession)

	publicEmpty(a, "POST", "/api/v1/auth/invite", "Set a password with an invitation", s.acceptInvite)
	privateEmpty(s, a, everyone, "POST", "/api/v1/me/password", "Change the own password; ends all sessions", s.changePassword)
	private(s, a, everyone, "GET", "/api/v1/me", "The person, their plan, quota and models", s.getMe)
	privateEmpty(s, a, everyone, "PUT", "/api/v1/me/consent", "Agree to the notice", s.giveConsent)
	private(s, a, talkers, "GET", "/api/v1/conversations", "The person's conversations, the latest first", s.listConversations)
	private(s, a, talkers, "GET", "/api/v1/conversations/{id}", "One conversation", s.getConversation)
	private(s, a, everyone, "PATCH", "/api/v1/conversations/{id}", "Rename a conversation", s.renameConversation)
	privateEmpty(s, a, talkers, "DELETE", "/api/v1/conversations/{id}", "Delete a conversation", s.deleteConversation)
	private(s, a, talkers, "GET", "/api/v1/conversations/{id}/messages", "Its messages, the newest first", s.listMessages)
	private(s, a, talkers, "GET", "/api/v1/conversations/{id}/transcript", "The whole conversation as a file", s.transcript)
	private(s, a, talkers, "GET", "/api/v1/conversations/{id}/rating", "What its person thinks of it", s.getRating)
	privateEmpty(s, a, talkers, "PUT", "/api/v1/conversations/{id}/rating", "Rate a conversation that has ended", s.rate)
	accepted(s, a, talkers, "POST", "/api/v1/conversations/{id}/transcript/email", "Send the person their conversation by mail", s.mailTranscript)

	privateEmpty(s, a, talkers, "PUT", "/api/v1/messages/{id}/feedback", "Say whether an answer helped", s.giveFeedback)
	private(s, a, talkers, "GET", "/api/v1/search", "Find words in the person's conversations", s.search)

	s.supervision(a)
	s.management(a)
}

// supervision is the part of the REST interface for those who watch over conversations; the rest of it is live.
func (s *Server) supervision(a huma.API) {
	private(s, a, staff, "GET", "/api/v1/monitor/sessions", "The live conversations, as they are now", s.listSessions)
	private(s, a, staff, "GET", "/api/v1/monitor/sessions/{id}", "Who takes part in a conversation: their plan and earlier ones", s.getSession)
	privateEmpty(s, a, staff, "POST", "/api/v1/monitor/sessions/{id}/reveal", "Note that its personal data is looked at", s.reveal)

	private(s, a, staff, "PUT", "/api/v1/monitor/sessions/{id}/tags/{tag}", "Tag a conversation", s.setTag(true))
	private(s, a, staff, "DELETE", "/api/v1/monitor/sessions/{id}/tags/{tag}", "Take a tag away", s.setTag(false))
	rows(s, a, staff, "/api/v1/alerts", "Alerts of the last days, and how far their delivery is", s.listAlerts)

	rows(s, a, staff, "/api/v1/canned-replies", "Prepared answers", s.listReplies)
	create(s, a, staff, "/api/v1/canned-replies", "s", "Add a prepared answer", s.createReply, s.getReply)
	row(s, a, staff, "/api/v1/canned-replies/{id}", "A prepared answer", s.getReply)
	change(s, a, staff, "/api/v1/canned-replies/{id}", "Change a prepared answer", s.changeReply)
	remove(s, a, staff, "/api/v1/canned-replies/{id}", "Delete a prepared answer", s.deleteReply)
}

// management is the part of the REST interface for those who run a distributor, or the installation.
func (s *Server) management(a huma.API) {
	private(s, a, admins, "GET", "/api/v1/users", "The distributor's people", s.listUsers)
	create(s, a, admins, "/api/v1/users", "u", "Add a person", s.createUser, s.getUser)
	row(s, a, admins, "/api/v1/users/{id}", "A person", s.getUser)
	change(s, a, admins, "/api/v1/users/{id}", "Change a person's name, role or state", s.changeUser)
	remove(s, a, admins, "/api/v1/users/{id}", "Erase a person, user or visitor, and what they wrote", s.deleteUser)
	privateEmpty(s, a, admins, "POST", "/api/v1/users/{id}/revoke", "End all sessions of a person", s.revokeUser)
	private(s, a, admins, "POST", "/api/v1/users/{id}/invite", "Make an invitation to set a password", s.inviteUser)

	rows(s, a, managers, "/api/v1/plans", "Plans", s.listPlans)
	create(s, a, managers, "/api/v1/plans", "p", "Add a plan", s.createPlan, s.getPlan)
	row(s, a, managers, "/api/v1/plans/{id}", "A plan", s.getPlan)
	change(s, a, managers, "/api/v1/plans/{id}", "Change a plan; it counts from the next message on", s.changePlan)
	remove(s, a, managers, "/api/v1/plans/{id}", "Delete a plan that nobody is subscribed to", s.deletePlan)

	rows(s, a, admins, "/api/v1/subscriptions", "Who is on which plan", s.listSubscriptions)
	create(s, a, admins, "/api/v1/subscriptions", "a", "Put a person on a plan", s.createSubscription, s.getSubscription)
	row(s, a, admins, "/api/v1/subscriptions/{id}", "A subscription", s.getSubscription)
	change(s, a, admins, "/api/v1/subscriptions/{id}", "Change a subscription", s.changeSubscription)
	remove(s, a, admins, "/api/v1/subscriptions/{id}", "Put a person back on the default plan", s.deleteSubscription)

	rows(s, a, managers, "/api/v1/models", "The catalogue of models", s.listModels)
	create(s, a, managers, "/api/v1/models", "o", "Add a model", s.createModel, s.getModel)
	row(s, a, managers, "/api/v1/models/{id}", "A model", s.getModel)
	change(s, a, managers, "/api/v1/models/{id}", "Change a model", s.changeModel)
	remove(s, a, managers, "/api/v1/models/{id}", "Delete a model", s.deleteModel)

	rows(s, a, managers, "/api/v1/llm-configs", "Ways to reach models", s.listLLMConfigs)
	create(s, a, managers, "/api/v1/llm-configs", "l", "Add a way to reach models", s.createLLMConfig, s.getLLMConfig)
	row(s, a, managers, "/api/v1/llm-configs/{id}", "A way to reach models", s.getLLMConfig)
	change(s, a, managers, "/api/v1/llm-configs/{id}", "Change a way to reach models", s.changeLLMConfig)
	remove(s, a, managers, "/api/v1/llm-configs/{id}", "Delete a way to reach models", s.deleteLLMConfig)

	private(s, a, managers, "POST", "/api/v1/llm-configs/{id}/test", "Ask the model something small", s.testLLMConfig)

	rows(s, a, admins, "/api/v1/widget-keys", "The widget's keys", s.listWidgetKeys)
	create(s, a, admins, "/api/v1/widget-keys", "pk", "Add a key of the widget", s.createWidgetKey, s.getWidgetKey)
	row(s, a, admins, "/api/v1/widget-keys/{id}", "A key of the widget", s.getWidgetKey)
	change(s, a, admins, "/api/v1/widget-keys/{id}", "Change a key of the widget", s.changeWidgetKey)
	remove(s, a, admins, "/api/v1/widget-keys/{id}", "Delete a key of the widget", s.deleteWidgetKey)
	private(s, a, admins, "POST", "/api/v1/widget-keys/{id}/secret", "Make a new secret that signs visitors' identities", s.renewWidgetSecret)

	rows(s, a, admins, "/api/v1/api-keys", "Keys of programs", s.listAPIKeys)
	create(s, a, admins, "/api/v1/api-keys", "k", "Make a key for a program", s.createAPIKey, s.getAPIKey)
	row(s, a, admins, "/api/v1/api-keys/{id}", "A program's key", s.getAPIKey)
	change(s, a, admins, "/api/v1/api-keys/{id}", "Change a program's key", s.changeAPIKey)
	remove(s, a, admins, "/api/v1/api-keys/{id}", "Delete a program's key", s.deleteAPIKey)

	rows(s, a, managers, "/api/v1/issuers", "Other identity providers whose tokens are trusted", s.listIssuers)
	create(s, a, managers, "/api/v1/issuers", "e", "Trust another identity provider", s.createIssuer, s.getIssuer)
	row(s, a, managers, "/api/v1/issuers/{id}", "Another identity provider", s.getIssuer)
	change(s, a, managers, "/api/v1/issuers/{id}", "Change another identity provider", s.changeIssuer)
	remove(s, a, managers, "/api/v1/issuers/{id}", "Trust an identity provider no more", s.deleteIssuer)

	rows(s, a, admins, "/api/v1/login-providers", "OpenID Connect providers at which people may log in", s.listLoginProviders)
	create(s, a, admins, "/api/v1/login-providers", "g", "Let people log in at an OpenID Connect provider", s.createLoginProvider, s.getLoginProvider)
	row(s, a, admins, "/api/v1/login-providers/{id}", "An OpenID Connect provider", s.getLoginProvider)
	change(s, a, admins, "/api/v1/login-providers/{id}", "Change an OpenID Connect provider", s.changeLoginProvider)
	remove(s, a, admins, "/api/v1/login-providers/{id}", "Let people log in at an OpenID Connect provider no more", s.deleteLoginProvider)

	private(s, a, admins, "GET", "/api/v1/knowledge", "Articles that answers draw on", s.listArticles)
	create(s, a, admins, "/api/v1/knowledge", "b", "Add an article", s.createArticle, s.getArticle)
	private(s, a, admins, "GET", "/api/v1/knowledge/passages", "What an answer to a question would be given", s.findPassages)
	row(s, a, admins, "/api/v1/knowledge/{id}", "An article", s.getArticle)
	change(s, a, admins, "/api/v1/knowledge/{id}", "Change an article", s.changeArticle)
	remove(s, a, admins, "/api/v1/knowledge/{id}", "Delete an article", s.deleteArticle)
	upload(s, a, admins, "/api/v1/knowledge/files", "Make an article of a file", knowledge.MaxFile, s.uploadArticle)

	one(s, a, admins, "/api/v1/branding", "How the portal looks", s.getBranding)
	changeOne(s, a, admins, "/api/v1/branding", "Change how the portal looks", s.changeBranding)
	one(s, a, admins, "/api/v1/retention", "How long things are kept", s.getRetention)
	changeOne(s, a, admins, "/api/v1/retention", "Change how long things are kept", s.changeRetention)
	one(s, a, admins, "/api/v1/privacy", "What is masked and told", s.getPrivacy)
	changeOne(s, a, admins, "/api/v1/privacy", "Change what is masked and told", s.changePrivacy)
	one(s, a, admins, "/api/v1/alert-settings", "Where alerts are sent", s.getAlerts)
	changeOne(s, a, admins, "/api/v1/alert-settings", "Change where alerts are sent", s.changeAlerts)
	privateEmpty(s, a, admins, "POST", "/api/v1/alert-settings/test", "Send an alert about nothing", s.testAlerts)

	private(s, a, admins, "GET", "/api/v1/usage", "What was used, by day, model, channel or key", s.getUsage)
	private(s, a, admins, "GET", "/api/v1/usage/people", "What each person used", s.getPeopleUse)
	private(s, a, managers, "GET", "/api/v1/audit", "Who did what, the latest first", s.getAudit)
	private(s, a, admins, "GET", "/api/v1/audit/file", "What the ledger has of one person, as a table", s.auditFile)
	private(s, a, managers, "GET", "/api/v1/audit/check", "Whether the audit log is what was written", s.checkAudit)

	rows(s, a, admins, "/api/v1/exports", "Exports of people's data", s.listExports)
	create(s, a, admins, "/api/v1/exports", "x", "Export what is kept of a person", s.createExport, s.getExport)
	row(s, a, admins, "/api/v1/exports/{id}", "An export", s.getExport)
	remove(s, a, admins, "/api/v1/exports/{id}", "Take an export back", s.deleteExport)
	private(s, a, admins, "GET", "/api/v1/exports/{id}/file", "Download an export", s.downloadExport)

	rows(s, a, operator, "/api/v1/tenants", "Distributors", s.listTenants)
	create(s, a, operator, "/api/v1/tenants", "u", "Add a distributor with its first administrator", s.createTenant, s.getTenant)
	row(s, a, operator, "/api/v1/tenants/{id}", "A distributor", s.getTenant)
	change(s, a, operator, "/api/v1/tenants/{id}", "Change a distributor", s.changeTenant)
	remove(s, a, operator, "/api/v1/tenants/{id}", "Delete a distributor after 30 days", s.deleteTenant)
	private(s, a, operator, "POST", "/api/v1/tenants/{id}/suspend", "Suspend a distributor", s.setTenantState(store.StateSuspended, "suspender"))
	private(s, a, operator, "POST", "/api/v1/tenants/{id}/resume", "Let a distributor go on, or take its deletion back", s.setTenantState(store.StateActive, "retomar"))
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
func apiConfig() huma.Config {
	c := huma.DefaultConfig("IXC AI Hub", "1") // of the interface, as in its path
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "/api/v1/openapi", "", ""
	c.Formats = map[string]huma.Format{"application/json": strictJSON, "json": strictJSON}
	c.CreateHooks = nil // no $schema links in the answers
	c.RejectUnknownQueryParameters = true
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{bearerScheme: {Type: "http", Scheme: "bearer", BearerFormat: "JWT"}}
	return c
}
