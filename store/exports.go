package store

import (
	"context"
	"time"

	"aihub/store/internal/doc"
)

// An Export is the permission to download everything that is kept of a person until it ends. The data itself is read
// when it is downloaded; no copy of it lies about.
type Export struct {
	ID        string    `bson:"id" json:"id"`
	UserID    string    `bson:"usuario_id" json:"usuario_id"`
	By        string    `bson:"por" json:"por"`
	EndsAt    time.Time `bson:"fim" json:"fim"`
	Rev       int64     `bson:"rev" json:"rev"`
	CreatedAt time.Time `bson:"criado_em" json:"criado_em"`
}

// Exports lists the tenant's exports.
func (t *Tenant) Exports(ctx context.Context, p Page) ([]Export, string, error) {
	return page(ctx, t.exports, doc.Query{}, p, func(e Export) string { return e.ID })
}

// Export returns the export with this id, or ErrNotFound.
func (t *Tenant) Export(ctx context.Context, id string) (Export, error) {
	return get(ctx, t.exports, id)
}

// CreateExport adds an export. ErrNotFound: there is no such person.
func (t *Tenant) CreateExport(ctx context.Context, e Export) (Export, error) {
	if err := t.Person(ctx, e.UserID); err != nil {
		return Export{}, err
	}
	e.Rev, e.CreatedAt, e.EndsAt = 1, t.now(), milli(e.EndsAt)
	return e, add(ctx, t.exports, e.ID, e)
}

// DeleteExport takes the permission back. ErrNotFound, ErrConflict.
func (t *Tenant) DeleteExport(ctx context.Context, id string, rev int64) error {
	return remove(ctx, t.exports, id, rev)
}
