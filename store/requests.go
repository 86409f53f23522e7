package store

import (
	"context"
	"errors"
	"time"

	"aihub/store/internal/doc"
)

// requestFor is how long a creating request may be repeated.
const requestFor = 24 * time.Hour

// request notes what a creating request made, so that a copy of it makes nothing more.
type request struct {
	ID   string    `bson:"id" json:"id"`
	Body string    `bson:"corpo" json:"corpo"` // hash
	Made string    `bson:"feito" json:"feito"`
	At   time.Time `bson:"em" json:"em"`
}

// Remember notes that the request named key, with a body of this hash, makes the row made, and returns the id of the row
// that the first such request makes. ErrConflict: the name was used with another body.
func (t *Tenant) Remember(ctx context.Context, key, body, made string) (string, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	for range 2 {
		err := t.requests.Insert(ctx, key, request{ID: key, Body: body, Made: made, At: t.now()})
		if !errors.Is(err, ErrExists) {
			return made, err
		}
		r, err := t.requests.Get(ctx, key)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		if t.now().Sub(r.At) < requestFor {
			if r.Body != body {
				return "", ErrConflict
			}
			return r.Made, nil
		}
		if _, err := t.requests.Delete(ctx, key, []doc.Cond{doc.Eq("em", r.At)}); err != nil {
			return "", err
		}
	}
	return "", ErrConflict
}
