package handlers

import (
	"context"
	"errors"
	"net/http"

	"github.com/gorilla/mux"

	"aihub/hub"
	"aihub/store"
)

// consolePage serves the console of a tenant's staff; the application in it reads the rest of the address. Without a
// tenant it asks which one.
func (s *Server) consolePage(w http.ResponseWriter, r *http.Request) {
	data := pageData{Lang: language(r), Theme: theme(r), Title: "Console", Color: defaultColor, BrandCSS: consoleBrand}
	if slug := mux.Vars(r)["slug"]; slug != "" {
		_, p, err := s.tenantBySlug(r.Context(), slug)
		if errors.Is(err, store.ErrNotFound) {
			notFoundPage(w, r)
			return
		}
		if err != nil {
			sendProblem(w, err)
			return
		}
		v := viewPortal(p)
		data.Slug, data.Title, data.Color, data.Icon = p.Slug, "Console · "+v.Name, v.Color, iconURL(p)
		data.BrandCSS = "/p/" + p.Slug + "/brand.css?v=" + brandVersion(p.Brand.Color)
	}
	s.page(w, r, "console.html", data, s.pagePolicy(r, "'none'"))
}

// consoleBrand are the colours of the console before it is known whose it is.
const consoleBrand = "/console.css"

func (s *Server) consoleCSS(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write([]byte(brandCSS(defaultColor)))
}

type sessionsOutput struct {
	Body struct {
		Items []hub.LiveView `json:"items"`
	}
}

// listSessions is the live list as it is now; over the live connection the same list stays current.
func (s *Server) listSessions(ctx context.Context, who hub.Principal, _ *meInput) (*sessionsOutput, error) {
	list, err := s.hub.Sessions(ctx, who)
	out := &sessionsOutput{}
	out.Body.Items = list
	return out, err
}

type contextOutput struct {
	Body struct {
		Participant participantView   `json:"participant"`
		Plan        string            `json:"plan" doc:"its name; empty: none"`
		Quota       []hub.QuotaView   `json:"quota"`
		Context     *siteContext      `json:"context,omitempty" doc:"where a visitor is, as the site says"`
		Previous    []previousSession `json:"previous" doc:"the person's latest other conversations"`
		Tags        []string          `json:"tags"`
		Rating      *ratingView       `json:"rating,omitempty" doc:"what the person thinks of it as a whole, once it has ended"`
	}
}

type participantView struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
	Role  string `json:"role"`
}

// siteContext is what a site says of its visitor; nothing proves it.
type siteContext struct {
	Page  string      `json:"page"`
	Title string      `json:"title"`
	Data  []siteValue `json:"data"`
}

type siteValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type previousSession struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	State     string `json:"state" enum:"open,closed"`
	UpdatedAt string `json:"updated_at"`
}

// previousMost is how many other conversations of a person the staff sees at once.
const previousMost = 8

// getSession is what the staff sees beside a conversation: whose it is, their plan, and what they talked about before.
func (s *Server) getSession(ctx context.Context, who hub.Principal, in *ConversationInput) (*contextOutput, error) {
	c, err := hub.Readable(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	out := &contextOutput{}
	if out.Body.Participant, out.Body.Context, err = participant(ctx, who.Tenant, c.UserID); err != nil {
		return nil, err
	}
	out.Body.Tags = c.TagList()
	if out.Body.Rating, err = ratingOf(ctx, who.Tenant, c); err != nil {
		return nil, err
	}
	out.Body.Quota, out.Body.Previous = []hub.QuotaView{}, []previousSession{}
	switch plan, err := who.Tenant.PlanOf(ctx, c.UserID); {
	case err == nil:
		uses, err := who.Tenant.QuotaOf(ctx, c.UserID, plan)
		if err != nil {
			return nil, err
		}
		out.Body.Plan, out.Body.Quota = plan.Name, hub.ViewQuota(uses)
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	list, _, err := who.Tenant.Conversations(ctx, c.UserID, "", previousMost+1)
	if err != nil {
		return nil, err
	}
	for _, other := range list {
		if other.ID != c.ID && len(out.Body.Previous) < previousMost {
			v := viewConversation(other)
			out.Body.Previous = append(out.Body.Previous, previousSession{v.ID, v.Title, v.State, v.UpdatedAt})
		}
	}
	return out, nil
}

// participant finds who takes part in a conversation: a person with an account, or a visitor of a widget and where they
// are. One who is gone leaves their id.
func participant(ctx context.Context, t *store.Tenant, id string) (participantView, *siteContext, error) {
	u, err := t.User(ctx, id)
	if err == nil {
		return participantView{u.ID, u.Name, u.Email, u.Role}, nil, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return participantView{}, nil, err
	}
	v, err := t.Visitor(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return participantView{ID: id}, nil, nil
	}
	return participantView{ID: v.ID, Name: v.Name, Email: v.Answers["email"], Role: store.RoleVisitor},
		&siteContext{v.Page, v.Title, viewAll(v.Given, func(g store.Given) siteValue { return siteValue(g) })}, err
}

// reveal notes that somebody of the staff asked to see a conversation's personal data. Who can't be noted sees nothing.
func (s *Server) reveal(ctx context.Context, who hub.Principal, in *ConversationInput) error {
	c, err := hub.Readable(ctx, who, in.ID)
	if err != nil {
		return err
	}
	_, err = who.Tenant.Audit(ctx, store.AuditEntry{Actor: who.User, ActorRole: who.Role, Action: "conversa.revelada", Target: c.ID, IP: in.address})
	return err
}
