package hub

// A strand is one of the two texts of a run, the answer or the model's reasoning, on its way into the log. The strands
// grow apart: neither is part of the other's offsets, length or hash.
type strand struct {
	kind    string // of its events
	logged  int    // bytes in the present log; less than len(shown) only while a new log begins
	shown   []byte // appended
	waiting []byte // arrived, not yet appended
	full    bool   // what arrives now is left out
}

// reasoningBytes bounds how much of a model's reasoning is shown: its beginning.
const reasoningBytes = 16 << 10

// addWithin takes what fits into limit bytes. Behind the first piece that does not fit, nothing is taken any more.
func (s *strand) addWithin(limit int, piece string) {
	if s.full {
		return
	}
	n := cutRunes([]byte(piece), limit-s.size())
	s.waiting = append(s.waiting, piece[:n]...)
	s.full = n < len(piece)
}

// size is how many bytes have arrived.
func (s *strand) size() int { return len(s.shown) + len(s.waiting) }

// piece is what the present log lacks next; empty: nothing.
func (s *strand) piece() []byte {
	rest := s.waiting
	if s.logged < len(s.shown) {
		rest = s.shown[s.logged:]
	}
	return rest[:cutRunes(rest, maxMerged)]
}

// advance notes that the first n bytes of what the log lacked are in it.
func (s *strand) advance(n int) {
	if s.logged == len(s.shown) {
		s.shown, s.waiting = append(s.shown, s.waiting[:n]...), s.waiting[n:]
	}
	if s.logged += n; len(s.waiting) == 0 {
		s.waiting = nil
	}
}
