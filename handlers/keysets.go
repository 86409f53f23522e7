package handlers

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/hashicorp/golang-lru/v2/expirable"
)

// Bounds of what is fetched of other identity providers' keys.
const (
	keySets       = 1000             // issuers whose keys are remembered; beyond, the one not used for the longest is forgotten
	keySetFresh   = time.Hour        // then the set is fetched again; until that works the old keys stay good
	keySetBetween = 10 * time.Second // between two fetches, whatever key ids tokens name
	keySetBytes   = 256 << 10
	keySetTime    = 5 * time.Second
	minRSA        = 2048 // bits
)

var errUnknownKey = errors.New("no such key")

// keyCache fetches other identity providers' public keys and remembers them by issuer and key id.
type keyCache struct {
	client *http.Client
	now    func() time.Time
	mu     sync.Mutex
	sets   *expirable.LRU[string, *keySet]
}

// keySet is one issuer's keys.
type keySet struct {
	mu       sync.Mutex
	keys     []jose.JSONWebKey
	fetched  time.Time     // of keys
	tried    time.Time     // of the last attempt
	fetching chan struct{} // closed when the fetch under way ends; nil: there is none
}

func newKeyCache(client *http.Client) *keyCache {
	return &keyCache{client: client, now: time.Now, sets: expirable.NewLRU[string, *keySet](keySets, nil, 0)}
}

// key returns the key that kid names among those at url, for an algorithm. issuer tells apart issuers with the same
// address.
func (c *keyCache) key(ctx context.Context, issuer, url, kid, algorithm string) (crypto.PublicKey, error) {
	c.mu.Lock()
	name := issuer + "\x00" + url
	set, ok := c.sets.Get(name)
	if !ok {
		set = &keySet{}
		c.sets.Add(name, set)
	}
	c.mu.Unlock()
	for {
		set.mu.Lock()
		key, err := pick(set.keys, kid, algorithm)
		now := c.now()
		if err == nil && now.Sub(set.fetched) < keySetFresh || set.fetching == nil && !set.tried.IsZero() && now.Sub(set.tried) < keySetBetween {
			set.mu.Unlock()
			return key, err
		}
		wait := set.fetching
		if wait == nil {
			set.fetching, set.tried = make(chan struct{}), now
			set.mu.Unlock()
			set.refresh(ctx, c, url)
			continue
		}
		set.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// refresh replaces the keys; when that fails the old ones stay.
func (s *keySet) refresh(ctx context.Context, c *keyCache, url string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keySetTime) // others wait for it too
	defer cancel()
	keys, err := c.fetch(ctx, url)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.keys, s.fetched = keys, c.now()
	}
	close(s.fetching)
	s.fetching = nil
}

func (c *keyCache) fetch(ctx context.Context, url string) ([]jose.JSONWebKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	res, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, keySetBytes+1))
	if err != nil || len(body) > keySetBytes {
		return nil, errors.New("unreadable or too big")
	}
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, data := range raw.Keys { // one key of a kind that we don't know must not hide the others
		var k jose.JSONWebKey
		if json.Unmarshal(data, &k) == nil && k.IsPublic() && k.Valid() && (k.Use == "" || k.Use == "sig") {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no keys")
	}
	return keys, nil
}

// pick returns the key with this id that fits the algorithm. Without an id there must be only one that does.
func pick(keys []jose.JSONWebKey, kid, algorithm string) (crypto.PublicKey, error) {
	var found []crypto.PublicKey
	for _, k := range keys {
		if (kid == "" || k.KeyID == kid) && (k.Algorithm == "" || k.Algorithm == algorithm) && fits(k.Key, algorithm) {
			found = append(found, k.Key)
		}
	}
	if len(found) != 1 {
		return nil, errUnknownKey
	}
	return found[0], nil
}

// fits reports whether a key is of the algorithm's kind, and strong enough.
func fits(key crypto.PublicKey, algorithm string) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return (strings.HasPrefix(algorithm, "RS") || strings.HasPrefix(algorithm, "PS")) && k.N.BitLen() >= minRSA
	case *ecdsa.PublicKey:
		return map[string]int{"ES256": 256, "ES384": 384, "ES512": 521}[algorithm] == k.Curve.Params().BitSize
	case ed25519.PublicKey:
		return algorithm == "EdDSA"
	}
	return false
}
