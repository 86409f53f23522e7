package store

import (
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A TenantID is a distribuidor_id that has been checked. The zero TenantID names no one. It is safe as a part of a bus
// subject, as a key and in a log.
type TenantID struct{ s string }

var tenantID = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// ParseTenantID checks s, which comes from a token, an address or a key's record.
func ParseTenantID(s string) (TenantID, error) {
	if !tenantID.MatchString(s) {
		return TenantID{}, fmt.Errorf("not a tenant id")
	}
	return TenantID{s}, nil
}

func (id TenantID) String() string { return id.s }

// MarshalText implements encoding.TextMarshaler.
func (id TenantID) MarshalText() ([]byte, error) { return []byte(id.s), nil }

var idEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

// NewID returns a fresh id: the prefix, "_", and a UUIDv7 as 26 characters that sort by time.
func NewID(prefix string) string {
	u := uuid.Must(uuid.NewV7()) // fails only when the system has no randomness
	return prefix + "_" + strings.ToLower(idEncoding.EncodeToString(u[:]))
}

// ValidID reports whether id has the shape NewID gives it. Ids from outside pass it before they are used.
func ValidID(prefix, id string) bool {
	rest, ok := strings.CutPrefix(id, prefix+"_")
	if !ok || len(rest) != 26 {
		return false
	}
	return strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'v') }) < 0
}

// idAt is an id that sorts before all ids of this prefix that are made at t or later, and after all earlier ones.
func idAt(prefix string, t time.Time) string {
	var u uuid.UUID
	ms := uint64(max(t.UnixMilli(), 0))
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	return prefix + "_" + strings.ToLower(idEncoding.EncodeToString(u[:]))
}
