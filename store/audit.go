package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"aihub/store/internal/doc"
)

// An AuditEntry says who did what. Entries are only ever added; each holds the hash of the one before, so that a change,
// a gap or another order shows.
type AuditEntry struct {
	ID        string            `bson:"id" json:"id"` // N with zeros before it: the ids sort as the numbers do
	N         int64             `bson:"n" json:"n"`   // 1, 2, 3, … in each tenant
	At        time.Time         `bson:"em" json:"em"`
	Actor     string            `bson:"ator" json:"ator"`
	ActorRole string            `bson:"ator_papel" json:"ator_papel"`
	Action    string            `bson:"acao" json:"acao"`
	Target    string            `bson:"alvo" json:"alvo"`
	Detail    map[string]string `bson:"detalhe" json:"detalhe"` // ids and settings, never what people wrote
	IP        string            `bson:"ip" json:"ip"`
	Prev      string            `bson:"anterior" json:"anterior"`
	Hash      string            `bson:"hash" json:"hash"`
}

// An AuditHead is where a chain ends. Who keeps one elsewhere can later prove that nothing before it was touched, not
// even by somebody who could compute the hashes anew.
type AuditHead struct {
	N    int64
	Hash string
}

// ErrTampered says that an audit chain is not what was written.
var ErrTampered = errors.New("the audit chain is broken")

// sum covers everything but the id and the hash itself. Each part is preceded by its length, so that none can flow into
// the next.
func (e AuditEntry) sum() string {
	h := sha256.New()
	part := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	part(fmt.Sprint(e.N, " ", e.At.UnixMilli()))
	for _, s := range []string{e.Actor, e.ActorRole, e.Action, e.Target, e.IP, e.Prev} {
		part(s)
	}
	for _, k := range slices.Sorted(maps.Keys(e.Detail)) {
		part(k)
		part(e.Detail[k])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func auditID(n int64) string { return fmt.Sprintf("%012d", n) }

// Audit adds an entry to the tenant's chain and returns it. Its number, time and hashes are made here; whoever inserts a
// number has it, so that instances need no other order.
func (t *Tenant) Audit(ctx context.Context, e AuditEntry) (AuditEntry, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	for {
		last, err := t.audit.First(ctx, doc.Query{Desc: true})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return AuditEntry{}, err
		}
		e.N, e.At, e.Prev = last.N+1, t.now(), last.Hash
		e.ID, e.Hash = auditID(e.N), e.sum()
		err = t.audit.Insert(ctx, e.ID, e)
		if !errors.Is(err, ErrExists) {
			return e, err
		}
		select { // somebody else was faster
		case <-ctx.Done():
			return AuditEntry{}, fmt.Errorf("audit: %w: %w", ErrUnavailable, ctx.Err())
		case <-time.After(rand.N(5 * time.Millisecond)):
		}
	}
}

// An AuditFilter narrows a list of entries; empty fields do not.
type AuditFilter struct{ Actor, Action, Target string }

// AuditLog lists entries, the latest first.
func (t *Tenant) AuditLog(ctx context.Context, f AuditFilter, p Page) ([]AuditEntry, string, error) {
	q := doc.Query{Desc: true}
	for _, c := range []struct{ field, value string }{{"ator", f.Actor}, {"acao", f.Action}, {"alvo", f.Target}} {
		if c.value != "" {
			q.Where = append(q.Where, doc.Eq(c.field, c.value))
		}
	}
	return page(ctx, t.audit, q, p, func(e AuditEntry) string { return e.ID })
}

// VerifyAudit reads the whole chain and returns its head. known are heads of earlier times, which must still be in it.
// An error that is ErrTampered names the first entry that is not what was written.
func (t *Tenant) VerifyAudit(ctx context.Context, known ...AuditHead) (AuditHead, error) {
	var head AuditHead
	want := map[int64]string{}
	for _, k := range known {
		want[k.N] = k.Hash
	}
	for cursor := ""; ; {
		list, next, err := page(ctx, t.audit, doc.Query{}, Page{Cursor: cursor, Limit: 200}, func(e AuditEntry) string { return e.ID })
		if err != nil {
			return head, err
		}
		for _, e := range list {
			if e.N != head.N+1 || e.ID != auditID(e.N) || e.Prev != head.Hash || e.Hash != e.sum() || want[e.N] != "" && want[e.N] != e.Hash {
				return head, fmt.Errorf("entry %d: %w", head.N+1, ErrTampered)
			}
			head = AuditHead{e.N, e.Hash}
		}
		if next == "" {
			break
		}
		cursor = next
	}
	for n := range want {
		if n > head.N {
			return head, fmt.Errorf("entry %d: %w: the chain ends before it", n, ErrTampered)
		}
	}
	return head, nil
}
