package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"

	"aihub/store/internal/doc"
)

// A Receipt proves what an export held or an erasure took away.
type Receipt struct {
	UserID        string    `json:"usuario_id"`
	At            time.Time `json:"em"`
	Conversations int64     `json:"conversas"`
	Messages      int64     `json:"interacoes"`
	Ratings       int64     `json:"avaliacoes"`
	SHA256        string    `json:"sha256,omitzero"` // of an export's lines before the receipt
}

// personal is what a person's own row shows them.
type personal struct {
	ID        string               `json:"id"`
	Email     string               `json:"email"`
	Name      string               `json:"nome"`
	Role      string               `json:"papel"`
	State     string               `json:"estado"`
	CreatedAt time.Time            `json:"criado_em"`
	Consents  map[string]Consented `json:"consentimentos"`
}

// personalVisitor is what a visitor's own row shows them.
type personalVisitor struct {
	ID        string               `json:"id"`
	Identity  string               `json:"identidade"`
	Name      string               `json:"nome"`
	Answers   map[string]string    `json:"campos"`
	Consents  map[string]Consented `json:"consentimentos"`
	Page      string               `json:"pagina"`
	Title     string               `json:"titulo"`
	Given     []Given              `json:"dados"`
	CreatedAt time.Time            `json:"criado_em"`
	SeenAt    time.Time            `json:"visto_em"`
}

// rowOf is a person's own row as they may see it, and its kind. ErrNotFound.
func (t *Tenant) rowOf(ctx context.Context, id string) (kind string, row any, err error) {
	u, err := t.User(ctx, id)
	if !errors.Is(err, ErrNotFound) {
		return "usuario", personal{u.ID, u.Email, u.Name, u.Role, u.State, u.CreatedAt, u.Consents}, err
	}
	v, err := t.Visitor(ctx, id)
	return "visitante", personalVisitor{v.ID, v.Identity, v.Name, v.Answers, v.Consents, v.Page, v.Title, v.Given, v.CreatedAt, v.SeenAt}, err
}

// Person is nil when there is a user or visitor with this id, else ErrNotFound.
func (t *Tenant) Person(ctx context.Context, id string) error {
	_, _, err := t.rowOf(ctx, id)
	return err
}

// ExportPerson writes everything that is kept of a user or visitor as JSON lines {"tipo", "valor"}: their row, their
// conversations with all messages, their ratings, their use; the receipt is the last line. ErrNotFound.
func (t *Tenant) ExportPerson(ctx context.Context, userID string, w io.Writer) (Receipt, error) {
	receipt := Receipt{UserID: userID, At: t.now()}
	kind, row, err := t.rowOf(ctx, userID)
	if err != nil {
		return receipt, err
	}
	sum := sha256.New()
	line := func(kind string, v any) error {
		b, err := json.Marshal(map[string]any{"tipo": kind, "valor": v}, json.Deterministic(true))
		if err != nil {
			return fmt.Errorf("export %s: %w", kind, err)
		}
		b = append(b, '\n')
		sum.Write(b)
		_, err = w.Write(b)
		return err
	}
	if err := line(kind, row); err != nil {
		return receipt, err
	}
	err = t.eachTalk(ctx, userID, func(c Conversation) error {
		receipt.Conversations++
		return line("conversa", c)
	}, func(m Interaction) error {
		receipt.Messages++
		return line("interacao", m)
	}, func(r Rating) error {
		receipt.Ratings++
		return line("avaliacao", r)
	})
	if err != nil {
		return receipt, err
	}
	use, err := get(ctx, t.usage, usageID(userID))
	if err == nil {
		err = line("uso", use.Counters)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return receipt, err
	}
	receipt.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return receipt, line("recibo", receipt)
}

// ErasePerson empties what a user or visitor wrote and was answered, the titles of their conversations and their comments, and
// makes their row nobody's: it can't log in, and says nothing of them. Counts stay. It may be repeated until it succeeds.
// by is who asked for it; the receipt stands in the audit ledger. ErrNotFound; ErrLastAdmin.
func (t *Tenant) ErasePerson(ctx context.Context, userID, by string) (Receipt, error) {
	receipt := Receipt{UserID: userID, At: t.now()}
	// First nobody can write as this person any more, then what they wrote goes.
	if err := t.emptyRow(ctx, userID, receipt.At); err != nil {
		return receipt, err
	}
	err := t.eachTalk(ctx, userID, func(c Conversation) error {
		receipt.Conversations++
		if err := t.emptyWhispers(ctx, c.ID, false); err != nil {
			return err
		}
		_, err := t.conversations.Update(ctx, c.ID, nil, doc.Mod{Set: map[string]any{"titulo": "", "estado": ConversationDeleted}})
		return err
	}, func(m Interaction) error {
		receipt.Messages++
		_, err := t.interactions.Update(ctx, m.ID, nil, doc.Mod{Set: map[string]any{"texto": "", "autor_nome": "", "esvaziada_em": receipt.At}})
		return err
	}, func(r Rating) error {
		receipt.Ratings++
		_, err := t.ratings.Update(ctx, r.ID, nil, doc.Mod{Set: map[string]any{"comentario": ""}})
		return err
	})
	if err != nil {
		return receipt, err
	}
	// In other people's conversations what this person wrote is the other's too; the name is not.
	err = each(ctx, t.interactions, doc.Query{Where: []doc.Cond{doc.Eq("autor", userID)}}, func(m Interaction) string { return m.ID }, func(m Interaction) error {
		_, err := t.interactions.Update(ctx, m.ID, nil, doc.Mod{Set: map[string]any{"autor_nome": ""}})
		return err
	})
	if err != nil {
		return receipt, err
	}
	_, err = t.Audit(ctx, AuditEntry{Actor: by, Action: "pessoa.apagada", Target: userID, Detail: map[string]string{
		"conversas": fmt.Sprint(receipt.Conversations), "interacoes": fmt.Sprint(receipt.Messages), "avaliacoes": fmt.Sprint(receipt.Ratings)}})
	return receipt, err
}

// emptyRow makes the row of a user or visitor nobody's. ErrNotFound; ErrLastAdmin.
func (t *Tenant) emptyRow(ctx context.Context, id string, now time.Time) error {
	u, err := t.User(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return t.emptyVisitor(ctx, id)
	}
	if err != nil {
		return err
	}
	if u.admin() {
		if err := t.uncountAdmin(ctx, id); err != nil {
			return err
		}
	}
	return t.changeUser(ctx, id, doc.Mod{Set: map[string]any{"email": id + "@apagado.invalid", "nome": "", "senha_hash": "", "externo": "",
		"estado": StateDisabled, "alterado_em": now}, Inc: map[string]int64{"epoca_token": 1, "rev": 1}})
}

// eachTalk goes through a person's conversations, deleted ones too, their messages and their ratings, until one of the
// functions fails.
func (t *Tenant) eachTalk(ctx context.Context, userID string, conv func(Conversation) error, msg func(Interaction) error, rating func(Rating) error) error {
	own := doc.Query{Where: []doc.Cond{doc.Eq("usuario_id", userID)}}
	return each(ctx, t.conversations, own, func(c Conversation) string { return c.ID }, func(c Conversation) error {
		if err := conv(c); err != nil {
			return err
		}
		in := doc.Query{Where: []doc.Cond{doc.Eq("conversa_id", c.ID)}}
		if err := each(ctx, t.interactions, in, func(m Interaction) string { return m.ID }, msg); err != nil {
			return err
		}
		return each(ctx, t.ratings, in, func(r Rating) string { return r.ID }, rating)
	})
}

// each calls f for all that q selects, in the order of the ids, a page at a time.
func each[T any](ctx context.Context, c doc.Coll[T], q doc.Query, id func(T) string, f func(T) error) error {
	for cursor := ""; ; {
		list, next, err := page(ctx, c, q, Page{Cursor: cursor, Limit: 200}, id)
		if err != nil {
			return err
		}
		for _, v := range list {
			if err := f(v); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}
