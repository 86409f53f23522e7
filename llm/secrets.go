package llm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// A Sealer keeps keys of providers unreadable at rest. Its methods may be called concurrently.
//
// A sealed text is `s1.KEYID.BASE64(nonce, ciphertext)`, AES-256-GCM. Tenant and row are authenticated with it: a sealed
// key that is moved to another tenant or another row does not open.
type Sealer struct {
	current string // key id
	ciphers map[string]cipher.AEAD
}

const sealedForm = "s1"

// Errors of Open. None of them says anything about the text or the key.
var (
	ErrSealedForm    = errors.New("not a sealed key")
	ErrSealedUnknown = errors.New("the key was sealed with a master key that is not configured")
	ErrSealedForeign = errors.New("the sealed key was changed, or belongs to another tenant or configuration")
)

// NewSealer returns a sealer whose key is derived from the master key. Texts sealed under a previous master key still
// open. A master key has at least 16 bytes.
func NewSealer(key []byte, previous ...[]byte) (*Sealer, error) {
	s := &Sealer{ciphers: map[string]cipher.AEAD{}}
	for i, master := range append([][]byte{key}, previous...) {
		if len(master) < 16 {
			return nil, fmt.Errorf("master key %d of %d has less than 16 bytes", i+1, 1+len(previous))
		}
		// Derived for this purpose alone: whoever uses the same master key elsewhere gets unrelated bytes.
		derived, err := hkdf.Key(sha256.New, master, nil, "aihub/llm/secrets/v1", 36)
		if err != nil {
			return nil, fmt.Errorf("derive key: %w", err)
		}
		block, err := aes.NewCipher(derived[:32])
		if err != nil {
			return nil, fmt.Errorf("make cipher: %w", err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("make cipher: %w", err)
		}
		id := hex.EncodeToString(derived[32:])
		if i == 0 {
			s.current = id
		}
		s.ciphers[id] = aead
	}
	return s, nil
}

// Seal encrypts plain for a row of a tenant ("" for a global row).
func (s *Sealer) Seal(tenant, row, plain string) (string, error) {
	aead := s.ciphers[s.current]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("make nonce: %w", err)
	}
	sealed := aead.Seal(nonce, nonce, []byte(plain), owner(s.current, tenant, row))
	return sealedForm + "." + s.current + "." + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open decrypts what Seal made for the same row of the same tenant.
func (s *Sealer) Open(tenant, row, sealed string) (string, error) {
	id, body, ok := parseSealed(sealed)
	if !ok {
		return "", ErrSealedForm
	}
	aead, ok := s.ciphers[id]
	if !ok {
		return "", ErrSealedUnknown
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(raw) < aead.NonceSize() {
		return "", ErrSealedForm
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], owner(id, tenant, row))
	if err != nil {
		return "", ErrSealedForeign
	}
	return string(plain), nil
}

// Stale reports whether the text should be sealed anew because its master key is not the current one.
func (s *Sealer) Stale(sealed string) bool {
	id, _, ok := parseSealed(sealed)
	return !ok || id != s.current
}

func parseSealed(sealed string) (id, body string, ok bool) {
	form, rest, _ := strings.Cut(sealed, ".")
	id, body, ok = strings.Cut(rest, ".")
	return id, body, ok && form == sealedForm
}

// owner is the associated data: each part with its length, so that no two owners look alike.
func owner(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = append(binary.AppendUvarint(b, uint64(len(p))), p...)
	}
	return b
}
