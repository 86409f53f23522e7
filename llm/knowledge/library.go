package knowledge

import (
	"context"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// A Source is where articles are kept.
type Source interface {
	// Version returns a text that changes whenever the tenant's articles do.
	Version(ctx context.Context, tenant string) (string, error)
	// Articles returns the tenant's articles.
	Articles(ctx context.Context, tenant string) ([]Article, error)
}

const (
	// libraryTenants is how many tenants' indexes are kept; the one not asked for the longest is forgotten.
	libraryTenants = 256
	// checkEvery is how long a change of the articles may stay unseen.
	checkEvery = 5 * time.Second
)

// A Library answers from the articles of every tenant, each from its own index. It is safe for concurrent use.
type Library struct {
	source  Source
	mu      sync.Mutex
	shelves *lru.Cache[string, *shelf]
	now     func() time.Time
}

// shelf is one tenant's index. Its lock is held while the index is built, so that it is built once.
type shelf struct {
	building chan struct{} // a slot: whoever holds it may change the rest
	index    *Index
	version  string
	checked  time.Time
}

// NewLibrary returns a library of what the source holds.
func NewLibrary(s Source) *Library {
	shelves, err := lru.New[string, *shelf](libraryTenants)
	if err != nil {
		panic("knowledge: " + err.Error()) // only for a size that is not positive
	}
	return &Library{source: s, shelves: shelves, now: time.Now}
}

// Search returns the at most n passages of the tenant that match the question best. It ends with its context.
func (l *Library) Search(ctx context.Context, tenant, question string, n int) ([]Passage, error) {
	index, err := l.index(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return index.Search(ctx, question, n)
}

func (l *Library) index(ctx context.Context, tenant string) (*Index, error) {
	l.mu.Lock()
	s, ok := l.shelves.Get(tenant)
	if !ok {
		s = &shelf{building: make(chan struct{}, 1)}
		l.shelves.Add(tenant, s)
	}
	l.mu.Unlock()
	select {
	case s.building <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.building }()
	if s.index != nil && l.now().Sub(s.checked) < checkEvery {
		return s.index, nil
	}
	version, err := l.source.Version(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("look for new articles: %w", err)
	}
	if s.index == nil || version != s.version {
		articles, err := l.source.Articles(ctx, tenant)
		if err != nil {
			return nil, fmt.Errorf("read articles: %w", err)
		}
		if s.index, err = NewIndex(articles); err != nil {
			return nil, err
		}
		s.version = version
	}
	s.checked = l.now()
	return s.index, nil
}
