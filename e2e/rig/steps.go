package rig

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Steps is a line to a MongoDB-compatible server that can break at one single command: the first after Arm, the second,
// and so on. What a driver asks on its own, to know its server, does not count.
type Steps struct {
	*Proxy

	mu    sync.Mutex
	armed bool
	lose  bool // the command arrives and its answer does not; else neither does
	left  int  // commands until the line breaks
	away  time.Duration
	seen  []string // the commands since Arm
	mends chan struct{}
}

// NewSteps listens on loopback and ends with the test.
func NewSteps(t testing.TB, server string) *Steps {
	t.Helper()
	s := &Steps{Proxy: listen(t, server)}
	s.forward = s.pass
	go s.accept()
	return s
}

// Arm makes the line break at the n-th command from now on, for the time given, and then mend. lose: the server still
// gets that command, and its answer is lost. n 0 only notes the commands.
func (s *Steps) Arm(n int, lose bool, away time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed, s.left, s.lose, s.away, s.seen, s.mends = true, n, lose, away, nil, make(chan struct{})
}

// Disarm returns the commands since Arm up to that at which the line broke, and waits until it is mended. It reports
// whether the line broke at all.
func (s *Steps) Disarm() (seen []string, broke bool) {
	s.mu.Lock()
	broke, seen = !s.armed, s.seen
	s.armed = false
	mends := s.mends
	s.mu.Unlock()
	if broke {
		<-mends
	}
	return seen, broke
}

// pass hands whole commands on, up to the one at which the line breaks.
func (s *Steps) pass(server io.Writer, client io.Reader) {
	for {
		message, name, err := readCommand(client)
		if err != nil {
			return
		}
		breaks, lose, away, mends := s.count(name)
		if breaks {
			if lose {
				s.Stall() // the answer is held back, and lost with the connection
				_, _ = server.Write(message)
				time.Sleep(100 * time.Millisecond) // it is carried out
			}
			s.Down()
			s.Resume()
			time.AfterFunc(away, func() {
				s.Up()
				close(mends)
			})
			return
		}
		if _, err := server.Write(message); err != nil {
			return
		}
	}
}

func (s *Steps) count(name string) (breaks, lose bool, away time.Duration, mends chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch verb, _, _ := strings.Cut(name, " "); {
	case !s.armed, verb == "", verb == "hello", verb == "isMaster", verb == "ismaster", verb == "ping", verb == "endSessions":
		return false, false, 0, nil
	}
	s.seen = append(s.seen, name)
	s.left--
	s.armed = s.left != 0
	return !s.armed, s.lose, s.away, s.mends
}

// opMsg is the code of the message that every command since MongoDB 3.6 is.
const opMsg = 2013

// readCommand reads one message and names its command, like "update conversas"; "" when it is none.
func readCommand(r io.Reader) (message []byte, name string, err error) {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, "", err
	}
	size := binary.LittleEndian.Uint32(head[:4])
	if size < 16 || size > 48<<20 {
		return nil, "", fmt.Errorf("a message of %d bytes", size)
	}
	message = make([]byte, size)
	copy(message, head[:])
	if _, err := io.ReadFull(r, message[16:]); err != nil {
		return nil, "", err
	}
	if binary.LittleEndian.Uint32(head[12:]) != opMsg || size < 26 || message[20] != 0 {
		return message, "", nil
	}
	// 16 bytes of head, 4 of flags, the section's kind, and the command, whose first element names it and its collection.
	elements, err := bson.Raw(message[21:]).Elements()
	if err != nil || len(elements) == 0 {
		return message, "", nil
	}
	name = elements[0].Key()
	if coll, ok := elements[0].Value().StringValueOK(); ok {
		name += " " + coll
	}
	return message, name, nil
}
