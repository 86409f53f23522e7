package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	jsonv2 "github.com/go-json-experiment/json"

	"aihub/hub"
	"aihub/store"
)

// Managed rows are what administrators keep: plans, people, keys. Each has an id and a revision, is listed by pages,
// changed by a partial body under If-Match, and made at most once under an Idempotency-Key. What changes one is audited.
// The functions here register such routes; a file per kind of row says what it is.

// Meta is what every managed row shows of itself.
type Meta struct {
	ID        string `json:"id"`
	CreatedAt string `json:"created_at,omitempty"`
	ChangedAt string `json:"changed_at,omitempty"`

	rev int64
}

func metaOf(id string, rev int64, created, changed time.Time) Meta {
	return Meta{id, optionalStamp(created), optionalStamp(changed), rev}
}

func (m Meta) meta() Meta { return m }

// optionalStamp is "" for no time.
func optionalStamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return stamp(t)
}

// managed is a row as it is shown.
type managed interface{ meta() Meta }

// Item is part of the input of every route that names a row.
type Item struct {
	Bearer
	ID string `path:"id" maxLength:"80"`
}

// Match is part of the input of every route that changes a row.
type Match struct {
	IfMatch string `header:"If-Match" maxLength:"40" doc:"the ETag that the change is based on"`
}

// rev returns the revision that must still be there; 0: any.
func (m Match) rev() (int64, error) {
	if m.IfMatch == "" || m.IfMatch == "*" {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.Trim(m.IfMatch, `"`), 10, 64)
	if err != nil || n < 1 {
		return 0, hub.Ef("bad_field", "If-Match is none of our ETags")
	}
	return n, nil
}

type rowOutput[V managed] struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     V
}

func showRow[V managed](v V) *rowOutput[V] {
	return &rowOutput[V]{ETag: `"` + strconv.FormatInt(v.meta().rev, 10) + `"`, Body: v}
}

type rowsOutput[V any] struct{ Body rowsBody[V] }

type rowsBody[V any] struct {
	Items      []V    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty"`
}

// rows registers a route that lists.
func rows[V any](s *Server, a huma.API, roles []string, path, summary string, do func(context.Context, hub.Principal, store.Page) ([]V, string, error)) {
	private(s, a, roles, "GET", path, summary, func(ctx context.Context, who hub.Principal, in *listInput) (*rowsOutput[V], error) {
		items, next, err := do(ctx, who, store.Page{Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return showRows(items, next), nil
	})
}

func showRows[V any](items []V, next string) *rowsOutput[V] {
	return &rowsOutput[V]{rowsBody[V]{orNone(items), next}}
}

// orNone makes an absent list an empty one, as clients expect.
func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// viewAll shows every row of a list.
func viewAll[T, V any](list []T, view func(T) V) []V {
	out := make([]V, 0, len(list))
	for _, row := range list {
		out = append(out, view(row))
	}
	return out
}

// row registers a route that shows one row.
func row[V managed](s *Server, a huma.API, roles []string, path, summary string, do func(context.Context, hub.Principal, string) (V, error)) {
	private(s, a, roles, "GET", path, summary, func(ctx context.Context, who hub.Principal, in *Item) (*rowOutput[V], error) {
		v, err := do(ctx, who, in.ID)
		if err != nil {
			return nil, err
		}
		return showRow(v), nil
	})
}

type createInput[B any] struct {
	Bearer
	Key  string `header:"Idempotency-Key" maxLength:"100" doc:"a repetition with the same key and body gets the same row"`
	Body B
}

// create registers a route that makes a row. do gets the id to give it; get finds what an earlier copy has made.
func create[B any, V managed](s *Server, a huma.API, roles []string, path, prefix, summary string,
	do func(context.Context, hub.Principal, string, B) (V, error), get func(context.Context, hub.Principal, string) (V, error)) {
	op := operation("POST", path, summary, http.StatusCreated)
	register(s, a, roles, op, func(ctx context.Context, who hub.Principal, in *createInput[B]) (*rowOutput[V], error) {
		id, repeatable := s.store.NewID(prefix), in.Key != ""
		if repeatable {
			var err error
			if id, err = remember(ctx, who, path, in.Key, in.Body, id); err != nil {
				return nil, err
			}
		}
		v, err := do(ctx, who, id, in.Body)
		if repeatable && errors.Is(err, store.ErrExists) {
			if made, getErr := get(ctx, who, id); getErr == nil {
				v, err = made, nil
			}
		}
		if err != nil {
			return nil, err
		}
		s.audit(ctx, who, in.Bearer, path, "criar", v.meta().ID, nil)
		out := showRow(v)
		out.Location = path + "/" + v.meta().ID
		return out, nil
	})
}

// remember returns the id that the first request with this key gave its row.
func remember(ctx context.Context, who hub.Principal, path, key string, body any, id string) (string, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	name, content := sha256.Sum256([]byte(who.User+"\x00"+path+"\x00"+key)), sha256.Sum256(data)
	made, err := who.Tenant.Remember(ctx, hex.EncodeToString(name[:16]), hex.EncodeToString(content[:16]), id)
	if errors.Is(err, store.ErrConflict) {
		return "", hub.Ef("idem_mismatch", "this Idempotency-Key was used with another body")
	}
	return made, err
}

// Partial is a body in which every field of B is optional: what is not there stays as it is.
type Partial[B any] struct{ data []byte }

// UnmarshalJSON keeps the body until it is known what it changes.
func (p *Partial[B]) UnmarshalJSON(data []byte) error {
	p.data = slices.Clone(data)
	return nil
}

// Schema implements huma.SchemaProvider: B's schema without required fields.
func (Partial[B]) Schema(r huma.Registry) *huma.Schema {
	s := huma.SchemaFromType(r, reflect.TypeFor[B]())
	s.Required = nil
	s.PrecomputeMessages()
	return s
}

// apply sets the fields that are there. Only what may be absent can be null.
func (p *Partial[B]) apply(to *B) error {
	var names map[string]json.RawMessage
	if err := json.Unmarshal(p.data, &names); err != nil {
		return hub.E("bad_field")
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[B]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if string(names[name]) == "null" && f.Type.Kind() != reflect.Pointer {
			return hub.Ef("bad_field", name+" can't be null")
		}
	}
	if err := jsonv2.Unmarshal(p.data, to, jsonv2.RejectUnknownMembers(true)); err != nil {
		return hub.E("bad_field")
	}
	return nil
}

// fields names what the body changes, for the audit log.
func (p *Partial[B]) fields() string {
	var names map[string]json.RawMessage
	_ = json.Unmarshal(p.data, &names)
	var out []string
	for name := range names {
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

type changeInput[B any] struct {
	Item
	Match
	Body Partial[B]
}

// change registers a route that changes a row. do reads the row, applies the body to it, and writes it under rev; 0 is the
// revision it has read.
func change[B any, V managed](s *Server, a huma.API, roles []string, path, summary string,
	do func(ctx context.Context, who hub.Principal, id string, rev int64, apply func(*B) error) (V, error)) {
	private(s, a, roles, "PATCH", path, summary, func(ctx context.Context, who hub.Principal, in *changeInput[B]) (*rowOutput[V], error) {
		rev, err := in.rev()
		if err != nil {
			return nil, err
		}
		v, err := do(ctx, who, in.ID, rev, in.Body.apply)
		if err != nil {
			return nil, stale(err, rev)
		}
		s.audit(ctx, who, in.Bearer, path, "alterar", v.meta().ID, map[string]string{"campos": in.Body.fields()})
		return showRow(v), nil
	})
}

type changeOneInput[B any] struct {
	Bearer
	Match
	Body Partial[B]
}

// one and changeOne are row and change for what there is once.
func one[V managed](s *Server, a huma.API, roles []string, path, summary string, do func(context.Context, hub.Principal) (V, error)) {
	private(s, a, roles, "GET", path, summary, func(ctx context.Context, who hub.Principal, _ *meInput) (*rowOutput[V], error) {
		v, err := do(ctx, who)
		if err != nil {
			return nil, err
		}
		return showRow(v), nil
	})
}

func changeOne[B any, V managed](s *Server, a huma.API, roles []string, path, summary string,
	do func(ctx context.Context, who hub.Principal, rev int64, apply func(*B) error) (V, error)) {
	private(s, a, roles, "PATCH", path, summary, func(ctx context.Context, who hub.Principal, in *changeOneInput[B]) (*rowOutput[V], error) {
		rev, err := in.rev()
		if err != nil {
			return nil, err
		}
		v, err := do(ctx, who, rev, in.Body.apply)
		if err != nil {
			return nil, stale(err, rev)
		}
		s.audit(ctx, who, in.Bearer, path, "alterar", v.meta().ID, map[string]string{"campos": in.Body.fields()})
		return showRow(v), nil
	})
}

type removeInput struct {
	Item
	Match
}

// remove registers a route that deletes a row.
func remove(s *Server, a huma.API, roles []string, path, summary string, do func(ctx context.Context, who hub.Principal, id string, rev int64) error) {
	privateEmpty(s, a, roles, "DELETE", path, summary, func(ctx context.Context, who hub.Principal, in *removeInput) error {
		rev, err := in.rev()
		if err == nil {
			err = do(ctx, who, in.ID, rev)
		}
		if err != nil {
			return stale(err, rev)
		}
		s.audit(ctx, who, in.Bearer, path, "excluir", in.ID, nil)
		return nil
	})
}

// stale makes a conflict the answer to If-Match where there was one.
func stale(err error, rev int64) error {
	p := problemOf(err)
	if rev != 0 && errors.Is(err, store.ErrConflict) {
		p.Status, p.Title = http.StatusPreconditionFailed, http.StatusText(http.StatusPreconditionFailed)
	}
	return p
}

// revision is the one a change is based on: the client's, else the one that was read.
func revision(seen, read int64) int64 {
	if seen != 0 {
		return seen
	}
	return read
}

// nouns are what the audit log calls the rows of a route.
var nouns = map[string]string{"plans": "plano", "subscriptions": "assinatura", "users": "pessoa", "models": "modelo", "llm-configs": "configuracao_llm",
	"widget-keys": "chave_widget", "api-keys": "chave_api", "issuers": "emissor", "tenants": "distribuidor", "exports": "exportacao", "branding": "marca",
	"canned-replies": "resposta_pronta", "login-providers": "provedor_login", "retention": "retencao", "knowledge": "artigo", "privacy": "privacidade", "alert-settings": "alertas"}

// audit notes what was done. It is done already: that it can't be noted is an error in the log, not in the answer.
func (s *Server) audit(ctx context.Context, who hub.Principal, from Bearer, path, verb, target string, detail map[string]string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	e := store.AuditEntry{Actor: who.User, ActorRole: who.Role, Action: nouns[tag(path)] + "." + verb, Target: target, Detail: detail, IP: from.address}
	if _, err := who.Tenant.Audit(ctx, e); err != nil {
		s.log.Error("not audited", "tenant", who.Tenant.ID().String(), "actor", e.Actor, "action", e.Action, "target", target, "error", err)
	}
}
