package handlers

import (
	"html/template"
	"net"
	"net/http"

	"github.com/gorilla/mux"
)

// demoPage is a distributor's site, in development alone: with old-fashioned style sheets that reach for everything, and
// a policy that forbids everything which the documentation does not ask for. It includes the widget from another origin,
// as a real site does.
var demoPage = template.Must(template.New("demo").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Name}}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/demo/{{.Slug}}/site.css">
</head>
<body>
<header><strong>{{.Name}}</strong><nav>{{range .Pages}}<a href="{{.Href}}"{{if .Current}} aria-current="page"{{end}}>{{.Text}}</a>{{end}}</nav></header>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
<p><button type="button">Assine já</button> <a href="https://wa.me/5549999990000">WhatsApp</a></p>
<h2>Este site é de mentira</h2>
<p>Ele tem folhas de estilo hostis, uma política de segurança (CSP) estrita com Trusted Types e nenhum script além do widget.</p>
</main>
<footer>{{.Name}} · CNPJ 00.000.000/0001-91</footer>
<script async src="{{.Hub}}/widget.js" data-key="{{.Key}}"
{{- with .Options.locale}} data-locale="{{.}}"{{end}}
{{- with .Options.position}} data-position="{{.}}"{{end}}
{{- with .Options.theme}} data-theme="{{.}}"{{end}}
{{- with .Options.color}} data-color="{{.}}"{{end}}
{{- with .Options.launcher}} data-launcher="{{.}}"{{end}}
{{- with .Options.consent}} data-consent="{{.}}"{{end}}
{{- with index .Options "open-on"}} data-open-on="{{.}}"{{end}}
{{- with .Options.greeting}} data-greeting="{{.}}"{{end}}></script>
</body>
</html>
`))

// demoCSS is as bad as sites are.
const demoCSS = `*{all:revert;box-sizing:content-box}
html{font-size:10px}
body{margin:0;font:1.7rem/1.5 Georgia,serif;color:#222;background:#f4f1ea}
header,footer{background:#123a52;color:#fff;padding:24px 48px;display:flex;gap:32px;flex-wrap:wrap;align-items:baseline}
nav a{color:#fff;margin-right:24px}
main{max-width:70rem;padding:32px 48px;min-height:60vh}
button{background:red!important;color:#fff!important;font-size:24px!important;border:6px dashed purple!important;padding:8px 16px!important}
div{position:static!important;float:left!important;transform:none!important}
iframe{width:100%!important;height:150px!important;border:9px solid lime!important;display:inline!important}
svg{fill:red!important;width:200px!important}
`

type demoLink struct {
	Href, Text string
	Current    bool
}

// demoTexts are the site's pages: title and text.
var demoTexts = []struct{ path, link, title, text string }{
	{"", "Início", "Internet que chega antes", "Fibra de verdade até a sua casa, com instalação em 48 horas. Planos a partir de R$ 89,90."},
	{"planos", "Planos", "Planos", "Fibra 300, Fibra 600 e Fibra 1 Giga: sem fidelidade e com Wi-Fi 6 incluído."},
	{"contato", "Contato", "Contato", "Atendimento de segunda a sábado, das 8h às 20h, pelo chat nesta página."},
}

// demoSite serves the pages and the style sheet of a tenant's demo site.
func (s *Server) demoSite(w http.ResponseWriter, r *http.Request) {
	vars := mux.Vars(r)
	h := w.Header()
	if vars["page"] == "site.css" {
		h.Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write([]byte(demoCSS))
		return
	}
	tenant, profile, err := s.tenantBySlug(r.Context(), vars["slug"])
	list, listErr := s.widgets.within(r.Context(), keysRetry)
	if err != nil || listErr != nil {
		notFoundPage(w, r)
		return
	}
	hubOrigin := otherName(r.Host)
	data := struct {
		Lang, Slug, Name, Title, Text, Hub, Key string
		Pages                                   []demoLink
		Options                                 map[string]string
	}{Lang: "pt-BR", Slug: profile.Slug, Name: profile.Name, Hub: hubOrigin, Key: list.byTenant[tenant.ID()], Options: map[string]string{}}
	for name := range r.URL.Query() {
		data.Options[name] = r.URL.Query().Get(name)
	}
	for _, p := range demoTexts {
		href := "/demo/" + profile.Slug
		if p.path != "" {
			href += "/" + p.path
		}
		current := p.path == vars["page"]
		data.Pages = append(data.Pages, demoLink{href, p.link, current})
		if current {
			data.Title, data.Text = p.title, p.text
		}
	}
	if data.Title == "" {
		notFoundPage(w, r)
		return
	}
	h.Set("Content-Security-Policy", "default-src 'none'; script-src "+hubOrigin+"; frame-src "+hubOrigin+"; style-src 'self'; img-src 'self' data:; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin") // the browsers' own, as a site has it
	h.Set("Content-Type", "text/html; charset=utf-8")
	if err := demoPage.Execute(w, data); err != nil {
		s.log.Warn("demo page", "error", err)
	}
}

// otherName is this machine under another name, and so another origin.
func otherName(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, "80"
	}
	other := "localhost"
	if name == "localhost" {
		other = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(other, port)
}
