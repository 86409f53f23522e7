package hub

import (
	"context"
	"slices"

	"aihub/store"
)

// Bounds of a snapshot, so that its frame stays below the 64 KiB a client must accept.
const (
	snapMessages = 50
	snapBytes    = 50 << 10 // of the messages, encoded
	snapMessage  = 24 << 10 // of one message, encoded; a longer one is cut
	// snapText is what is left of a longer text: its beginning.
	snapText = maxMerged
)

// snapshot reads what the store knows of a conversation: the newest messages that fit.
func snapshot(ctx context.Context, t *store.Tenant, c command, conv string) (snapFrame, error) {
	head, err := t.Conversation(ctx, conv)
	if err != nil {
		return snapFrame{}, storeError(err)
	}
	messages, err := t.Messages(ctx, conv, "", snapMessages+1)
	if err != nil {
		return snapFrame{}, storeError(err)
	}
	f := snapFrame{T: "snap", ID: c.ID, Conv: conv, Title: head.Title, State: stateName(head.State), Owner: ViewOwner(head.Owner), Messages: []MessageView{}}
	if c.Since != nil {
		recovered := false
		f.Recovered = &recovered
	}
	views, err := ViewMessages(ctx, t, conv, messages)
	if err != nil {
		return snapFrame{}, storeError(err)
	}
	size := 0
	for i, view := range views { // newest first
		n := len(encode(view))
		if n > snapMessage {
			view.Text, view.Cut = view.Text[:cutRunes([]byte(view.Text), snapText)], true
			n = len(encode(view))
		}
		if i == snapMessages || size+n > snapBytes {
			f.More = true
			break
		}
		size += n
		f.Messages = append(f.Messages, view)
	}
	slices.Reverse(f.Messages)
	if turn := head.Waiting; turn.Run != "" {
		f.Waiting = &waitingView{Run: turn.Run}
		for _, m := range messages {
			if m.Author == turn.Author && m.CID == turn.CID {
				f.Waiting.Msg = m.ID
			}
		}
	}
	return f, nil
}

// joinSnapshot makes s a member with a snapshot. read reads the messages from the store and is called without the
// lock; when the log moves by more than deltas meanwhile, it is read again, so that the snapshot is of one moment.
func (r *room) joinSnapshot(ctx context.Context, s *Session, read func(context.Context) (snapFrame, error)) error {
	for try := 0; ; try++ {
		r.mu.Lock()
		before := r.solid()
		r.mu.Unlock()
		snap, err := read(ctx)
		if err != nil {
			return err
		}
		r.mu.Lock()
		if r.closed {
			r.mu.Unlock()
			return errRoomClosed
		}
		if (r.solid() == before && !r.loading) || try == 3 {
			r.complete(&snap)
			s.push(encode(snap))
			s.setSent(r.topic.Conv, snap.Seq)
			for _, f := range mergeFrames(r.after(snap.Seq)) {
				s.deliver(f)
			}
			r.members[s] = struct{}{}
			r.mu.Unlock()
			return nil
		}
		r.mu.Unlock()
	}
}

// solid identifies the last event that is not a piece of a growing text.
func (r *room) solid() Pos {
	for i := len(r.frames) - 1; i >= 0; i-- {
		if !r.frames[i].grows() {
			return Pos{r.ep, r.frames[i].Seq}
		}
	}
	return Pos{r.ep, r.last - r.kept()}
}

// complete fills in the place and the answer that is being written. Of a long answer the snapshot has the beginning and
// stands there; the rest follows as the events after that place. The caller holds mu.
func (r *room) complete(snap *snapFrame) {
	snap.Ep, snap.Seq = r.ep, r.last
	if r.open == nil {
		return
	}
	open := r.open
	if len(open.text)+len(open.reasoning) > snapText {
		if seq, then, ok := r.placeWithin(snapText); ok {
			snap.Seq, open = seq, then
		}
	}
	snap.Open = &openView{Run: open.run, Msg: open.msg, Parent: open.parent, Model: open.model, Text: string(open.text), Off: int64(len(open.text)),
		Reasoning: string(open.reasoning)}
	for i := range snap.Messages {
		if m := &snap.Messages[i]; m.ID == r.open.msg {
			m.Text, m.Cut = "", false
			m.Run = &RunView{ID: r.open.run, State: store.RunStreaming, Model: r.open.model}
		}
	}
}

// placeWithin finds the last place at which the open answer has at most limit bytes of text and reasoning, and the answer
// as it was there. ok is false when the room does not have that place any more. The caller holds mu.
func (r *room) placeWithin(limit int) (seq int64, then *openRun, ok bool) {
	for _, f := range r.frames {
		switch {
		case f.Run != r.open.run:
		case f.K == kindRunStart:
			seq, then = f.Seq, &openRun{run: r.open.run, msg: r.open.msg, parent: r.open.parent, model: r.open.model}
		case then == nil || !f.grows():
		case len(then.text)+len(then.reasoning)+len(f.Text) > limit:
			return seq, then, true
		default:
			then.grow(&f.Event)
			seq = f.Seq
		}
	}
	return seq, then, then != nil
}
