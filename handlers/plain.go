package handlers

import (
	"errors"
	"html/template"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"aihub/store"
)

// The pages that need no application: the way in, "not found", and the description of the REST interface. They carry
// neither script nor style, so that their policy can forbid everything.

var plainPage = template.Must(template.New("plain").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<h1>{{.Title}}</h1>
{{with .Text}}<p>{{.}}</p>{{end}}
{{with .Links}}<ul>{{range .}}<li><a href="{{.Href}}">{{.Text}}</a></li>{{end}}</ul>{{end}}
{{range .Operations}}<h2><code>{{.Method}} {{.Path}}</code></h2>
<p>{{.Summary}}{{if .Private}} · <strong>bearer</strong>{{end}}</p>
{{with .Fields}}<ul>{{range .}}<li><code>{{.}}</code></li>{{end}}</ul>{{end}}
{{end}}</html>
`))

type plainData struct {
	Lang, Title, Text string
	Links             []plainLink
	Operations        []plainOperation
}

type plainLink struct{ Href, Text string }

type plainOperation struct {
	Method, Path, Summary string
	Private               bool
	Fields                []string
}

func sendPlain(w http.ResponseWriter, status int, data plainData) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = plainPage.Execute(w, data)
}

// home leads to the portal whose own domain was asked for. Elsewhere it lists the portals in development, and tells
// nothing of who is a customer in production.
func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	_, p, err := s.store.Directory().TenantByDomain(r.Context(), strings.ToLower(host))
	if err == nil {
		http.Redirect(w, r, "/p/"+p.Slug, http.StatusTemporaryRedirect)
		return
	}
	if !errors.Is(err, store.ErrNotFound) {
		sendProblem(w, err)
		return
	}
	data := plainData{Lang: language(r), Title: "IXC AI Hub", Text: "Use o endereço do portal que o seu provedor informou."}
	if data.Lang == "en" {
		data.Text = "Use the address of the portal that your provider gave you."
	}
	if s.dev {
		profiles, err := s.store.Directory().Tenants(r.Context())
		if err != nil {
			sendProblem(w, err)
			return
		}
		data.Text = ""
		for _, p := range profiles {
			data.Links = append(data.Links, plainLink{"/p/" + p.Slug, p.Name}, plainLink{"/console/" + p.Slug, "Console · " + p.Name})
		}
		data.Links = append(data.Links, plainLink{"/api/v1/docs", "API"}, plainLink{"/dev/gallery", "Gallery"})
	}
	sendPlain(w, http.StatusOK, data)
}

func notFoundPage(w http.ResponseWriter, r *http.Request) {
	data := plainData{Lang: language(r), Title: "Página não encontrada", Text: "Confira o endereço, ou peça-o ao seu provedor."}
	if data.Lang == "en" {
		data.Title, data.Text = "Page not found", "Check the address, or ask your provider for it."
	}
	sendPlain(w, http.StatusNotFound, data)
}

// docs is the readable page of the REST interface; openapi.json beside it is the contract.
func (s *Server) docs(api *huma.OpenAPI) http.HandlerFunc {
	data := plainData{Lang: "en", Title: "IXC AI Hub: REST interface", Text: "Version " + s.version + ". The contract is the OpenAPI document. Errors are RFC 9457 problems with a code of the protocol.",
		Links: []plainLink{{"/api/v1/openapi.json", "openapi.json"}}}
	for _, path := range slices.Sorted(maps.Keys(api.Paths)) {
		item := api.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				data.Operations = append(data.Operations, plainOperation{op.Method, path, op.Summary, len(op.Security) > 0, bodyFields(api, op)})
			}
		}
	}
	return func(w http.ResponseWriter, _ *http.Request) { sendPlain(w, http.StatusOK, data) }
}

// bodyFields lists a request body's fields, the optional ones with a question mark.
func bodyFields(api *huma.OpenAPI, op *huma.Operation) []string {
	if op.RequestBody == nil || op.RequestBody.Content["application/json"] == nil {
		return nil
	}
	schema := op.RequestBody.Content["application/json"].Schema
	if schema.Ref != "" {
		schema = api.Components.Schemas.SchemaFromRef(schema.Ref)
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		optional := ""
		if !slices.Contains(schema.Required, name) {
			optional = "?"
		}
		out = append(out, name+optional)
	}
	return out
}
