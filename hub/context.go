package hub

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"aihub/store"
)

// Where a visitor is, as their site says: the page, its title and a few named values. The staff see it beside the
// conversation; the model never does, because any script of the page may have written it.

// Bounds of what a site may say.
const (
	contextMost  = 20  // values
	contextName  = 40  // characters
	contextValue = 200 // characters, also of the title
	contextPage  = 2000
)

// at is where a session's person is. A page that was told later is worth more.
type at struct {
	page string
	told int64
}

// placeVisitor notes where a visitor is and shows it to the staff.
func (h *Hub) placeVisitor(ctx context.Context, s *Session, c command) error {
	who := s.principal()
	if who.Role != store.RoleVisitor {
		return E("forbidden")
	}
	place, err := contextOf(c)
	if err != nil {
		return err
	}
	if err := who.Tenant.NoteContext(ctx, who.User, place); err != nil {
		return storeError(err)
	}
	s.at.Store(&at{place.Page, h.now().UnixNano()})
	s.mu.Lock()
	rooms := slices.Collect(maps.Values(s.rooms))
	s.mu.Unlock()
	for _, r := range rooms {
		r.retouch()
	}
	return nil
}

// contextOf checks what a site says.
func contextOf(c command) (store.VisitorContext, error) {
	place := store.VisitorContext{Page: CleanPage(c.Page), Title: shorten(c.Title, contextValue), Given: []store.Given{}}
	switch {
	case len(c.Page) > contextPage || len(c.Title) > contextPage:
		return place, E("too_big")
	case len(c.Data) > contextMost:
		return place, Ef("bad_field", "data has too many values")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Data)) {
		value := c.Data[name]
		if name == "" || utf8.RuneCountInString(name) > contextName || utf8.RuneCountInString(value) > contextValue ||
			strings.ContainsFunc(name+value, unicode.IsControl) {
			return place, Ef("bad_field", "data has a name or value that is empty, too long or not one line of text")
		}
		place.Given = append(place.Given, store.Given{Name: name, Value: value})
	}
	return place, nil
}

// CleanPage keeps of an address what may be stored: neither query nor fragment, where tokens and names stand.
func CleanPage(address string) string {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}
