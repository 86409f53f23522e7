package hub

import (
	"context"

	"aihub/store"
)

// A tenant may decide that people are told when somebody of the staff watches their conversation. Then the participant's
// connection is a witness of the tenant's board, and gets a frame `watched` whenever that begins or ends. Otherwise
// nothing here happens, and the frames are the same with and without a watcher.

type watchedFrame struct {
	T    string `json:"t"`
	Conv string `json:"conv"`
	On   bool   `json:"on"`
}

// tellWatched makes a participant's session hear from now on whether somebody watches, if the tenant wants it told.
func (h *Hub) tellWatched(ctx context.Context, s *Session, conv store.Conversation) {
	who := s.principal()
	if conv.UserID != who.User {
		return
	}
	f, err := h.facts(ctx, who.Tenant)
	if err == nil && !f.privacy.TellWatched {
		return
	}
	for err == nil {
		var b *board
		if b, err = h.readBoard(ctx, who.Tenant.ID()); err != nil {
			break
		}
		s.mu.Lock()
		s.witnessing = b
		s.mu.Unlock()
		if b.witness(s, conv.ID) {
			return
		} // its last member left just now
	}
	h.log.Warn("a person is not told who watches", "tenant", who.Tenant.ID().String(), "conversation", conv.ID, "error", err)
}

// unheeded ends what tellWatched began for a conversation.
func (h *Hub) unheeded(s *Session, conv string) {
	s.mu.Lock()
	b := s.witnessing
	s.mu.Unlock()
	if b != nil {
		b.forgetWitness(s, conv)
	}
}

// witness makes s hear whether a conversation is watched, beginning with the fact that it is. It is false when the board
// has ended meanwhile.
func (b *board) witness(s *Session, conv string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return false
	}
	if b.witnesses[s] == nil {
		b.witnesses[s] = map[string]bool{}
	}
	b.witnesses[s][conv] = false // also of one who has subscribed again, and may have forgotten
	b.tellWitness(s, conv)
	return true
}

func (b *board) forgetWitness(s *Session, conv string) {
	b.mu.Lock()
	delete(b.witnesses[s], conv)
	b.mu.Unlock()
}

// tellWitness tells a witness of a conversation what it does not know. The caller holds mu.
func (b *board) tellWitness(s *Session, conv string) {
	on := len(b.watchers[conv]) > 0
	if b.witnesses[s][conv] == on {
		return
	}
	b.witnesses[s][conv] = on
	s.push(encode(watchedFrame{T: "watched", Conv: conv, On: on}))
}
