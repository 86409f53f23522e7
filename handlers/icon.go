package handlers

import (
	"bytes"
	"fmt"
	"html"
	"image/png"
	"net/http"
	"unicode"

	"github.com/gorilla/mux"

	"aihub/store"
)

// icon serves a tenant's initial on its colour: its sign in tabs and on home screens where it has no logo. It fills the
// square, and the letter stands inside of what a round mask leaves.
func (s *Server) icon(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.tenantBySlug(r.Context(), mux.Vars(r)["slug"])
	if err != nil {
		sendProblem(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write([]byte(initialSVG(p)))
}

func initialSVG(p store.Profile) string {
	v := viewPortal(p)
	brand, _ := parseHex(v.Color)
	initial := "•"
	for _, c := range v.PortalName {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			initial = string(unicode.ToUpper(c))
			break
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="%s"/>`+
		`<text x="32" y="32" dy=".36em" text-anchor="middle" font-family="Inter,system-ui,sans-serif" font-weight="600" font-size="36" fill="%s">%s</text></svg>`,
		brand.hex(), textOn(brand), html.EscapeString(initial))
}

// initialURL is the address of the initial, which changes with its looks.
func initialURL(p store.Profile) string {
	return "/p/" + p.Slug + "/icon.svg?v=" + digest(initialSVG(p))[:12]
}

// iconURL is what a tab shows.
func iconURL(p store.Profile) string {
	if logo := viewPortal(p).LogoURL; logo != "" {
		return logo
	}
	return initialURL(p)
}

// manifestIcon is an icon of a web app manifest.
type manifestIcon struct {
	Source  string `json:"src"`
	Type    string `json:"type"`
	Sizes   string `json:"sizes"`
	Purpose string `json:"purpose"`
}

// manifestIcons are the logo, if there is one, and the initial, which alone may be cut to any shape.
func manifestIcons(p store.Profile) []manifestIcon {
	initial := manifestIcon{initialURL(p), "image/svg+xml", "any", "maskable"}
	kind, data, ok := logoOf(p)
	if !ok {
		initial.Purpose = "any maskable"
		return []manifestIcon{initial}
	}
	logo := manifestIcon{viewPortal(p).LogoURL, kind, "any", "any"}
	if kind == "image/png" {
		size, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			return []manifestIcon{initial}
		}
		logo.Sizes = fmt.Sprintf("%dx%d", size.Width, size.Height)
	}
	return []manifestIcon{logo, initial}
}
