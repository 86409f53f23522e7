package store

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/google/uuid"
)

// NewIDAt is NewID by a clock that is ahead of this machine's by skew: the ids of instances whose clocks differ sort by
// one time.
func NewIDAt(prefix string, skew time.Duration) string {
	u := uuid.Must(uuid.NewV7()) // fails only when the system has no randomness
	var ms [8]byte
	copy(ms[2:], u[:6])
	binary.BigEndian.PutUint64(ms[:], binary.BigEndian.Uint64(ms[:])+uint64(skew.Milliseconds())) // wraps for a negative skew, as it should
	copy(u[:6], ms[2:])
	return prefix + "_" + strings.ToLower(idEncoding.EncodeToString(u[:]))
}
