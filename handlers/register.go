package handlers

import (
	"context"
	"net"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"aihub/hub"
)

const (
	bearerScheme = "bearer"
	// maxBody is the largest request body, in bytes.
	maxBody = 1 << 20
)

// Bearer is part of every private route's input.
type Bearer struct {
	Authorization string `header:"Authorization" hidden:"true"`

	address string // where the request comes from, for the audit log
}

// Resolve implements huma.Resolver.
func (b *Bearer) Resolve(c huma.Context) []error {
	b.address, _, _ = net.SplitHostPort(c.RemoteAddr())
	return nil
}

func (b *Bearer) credentials() string { return b.Authorization }

// public registers a route that needs no person.
func public[I, O any](a huma.API, method, path, summary string, do func(context.Context, *I) (*O, error)) {
	huma.Register(a, operation(method, path, summary, http.StatusOK), func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		return out, asProblem(err)
	})
}

// publicEmpty is public for a route that answers 204.
func publicEmpty[I, O any](a huma.API, method, path, summary string, do func(context.Context, *I) (*O, error)) {
	huma.Register(a, operation(method, path, summary, http.StatusNoContent), func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		return out, asProblem(err)
	})
}

// private registers a route for people of the given roles. The handler gets who calls, with the only door to data.
func private[I any, P interface {
	*I
	credentials() string
}, O any](s *Server, a huma.API, roles []string, method, path, summary string, do func(context.Context, hub.Principal, P) (*O, error)) {
	register[I, P](s, a, roles, operation(method, path, summary, http.StatusOK), do)
}

// upload registers a private route that takes a file of at most limit bytes and makes a row of it.
func upload[I any, P interface {
	*I
	credentials() string
}, O any](s *Server, a huma.API, roles []string, path, summary string, limit int64, do func(context.Context, hub.Principal, P) (*O, error)) {
	op := operation("POST", path, summary, http.StatusCreated)
	op.MaxBodyBytes = limit + 1 // so that it is the file that is called too big
	register[I, P](s, a, roles, op, do)
}

// accepted is private for a route that answers 202: what was asked is done later.
func accepted[I any, P interface {
	*I
	credentials() string
}, O any](s *Server, a huma.API, roles []string, method, path, summary string, do func(context.Context, hub.Principal, P) (*O, error)) {
	register[I, P](s, a, roles, operation(method, path, summary, http.StatusAccepted), do)
}

// privateEmpty is private for a route that answers 204.
func privateEmpty[I any, P interface {
	*I
	credentials() string
}](s *Server, a huma.API, roles []string, method, path, summary string, do func(context.Context, hub.Principal, P) error) {
	register[I, P](s, a, roles, operation(method, path, summary, http.StatusNoContent), func(ctx context.Context, who hub.Principal, in P) (*struct{}, error) {
		return nil, do(ctx, who, in)
	})
}

func register[I any, P interface {
	*I
	credentials() string
}, O any](s *Server, a huma.API, roles []string, op huma.Operation, do func(context.Context, hub.Principal, P) (*O, error)) {
	op.Security = []map[string][]string{{bearerScheme: {}}}
	huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) {
		who, err := s.tokens.bearer(ctx, P(in).credentials(), roles)
		if err != nil {
			return nil, asProblem(err)
		}
		out, err := do(ctx, who, P(in))
		return out, asProblem(err)
	})
}

func operation(method, path, summary string, status int) huma.Operation {
	return huma.Operation{OperationID: operationID(method, path), Method: method, Path: path, Summary: summary, DefaultStatus: status,
		MaxBodyBytes: maxBody, Tags: []string{tag(path)}}
}

// operationID names a route for generated clients: "get-conversations-id-messages".
func operationID(method, path string) string {
	path = strings.NewReplacer("/api/v1/", "", "{", "", "}", "", "/", "-").Replace(path)
	return strings.ToLower(method) + "-" + path
}

func tag(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/v1/"), "/")
	return first
}

// requireToken refuses a private route's request without a token, or of somebody who asks too often, before anything of it
// is read.
func (s *Server) requireToken(c huma.Context, next func(huma.Context)) {
	if len(c.Operation().Security) > 0 {
		who, err := s.tokens.check(c.Context(), c.Header("Authorization"))
		if err == nil {
			err = s.paces.ask(who)
		}
		if err != nil {
			writeProblem(c, problemOf(err))
			return
		}
	}
	next(c)
}
