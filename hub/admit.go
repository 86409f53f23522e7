package hub

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"aihub/store"
)

// accepted is the answer to a message: where it stands, and the run to start if it is the first of its cid.
type accepted struct {
	conv   store.Conversation
	made   bool // the conversation does not exist before this message
	msg    string
	run    string
	place  Pos
	dup    bool
	queued bool   // the run waits for the one before it
	title  string // of a conversation this message made
	start  *run
}

// derivedID names what a command makes after what makes the command unique, so that copies of it, on whatever
// instances, speak of the same conversation and the same run: its reservation and its claim are taken once.
func derivedID(prefix string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return prefix + "_" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// runID names the run that answers a message.
func runID(conv, author, cid string) string { return derivedID("r", conv, author, cid) }

// furtherID names the run of a further answer: a regen or a continue.
func furtherID(conv, author, cid, command string) string {
	return derivedID("r", conv, author, cid, command)
}

// errAgain says that the conversation changed under an admission, which decides anew.
var errAgain = errors.New("the conversation has changed")

// accept takes a message in. Every step is arbitrated by the store, in an order that lets any copy of the command, and
// the retry after a crash between two steps, come to the same end:
//
//	claim        the conversation answers one message at a time; one further message may wait for its turn
//	reserve      the plan's limits, under the run's id
//	persist      the message (unique by cid), then the answer it will get (unique by run); who inserts that runs it
//	append       msg, run.start
//
// A refused message leaves nothing behind; what a failure of the store leaves is given back by the reaper.
func (h *Hub) accept(ctx context.Context, who Principal, c command) (accepted, error) {
	for range 5 {
		a, err := h.acceptOnce(ctx, who, c)
		if !errors.Is(err, errAgain) {
			return a, err
		}
	}
	return accepted{}, busy()
}

func (h *Hub) acceptOnce(ctx context.Context, who Principal, c command) (accepted, error) {
	a, err := h.converse(ctx, who, c)
	if err != nil {
		return a, err
	}
	if !a.made {
		if done, err := h.earlier(ctx, who, c, &a); done || err != nil {
			return a, err
		}
	}
	if a.conv.State != store.ConversationOpen {
		return a, E("conversation_closed")
	}
	w, err := h.writeTo(ctx, who.Tenant, a.conv) // before anything is taken: no bus, no message
	if err != nil {
		return a, err
	}
	if a.conv.Owner.Kind != store.OwnerAI {
		return h.acceptForPerson(ctx, who, c, a, w)
	}
	if a.conv.UserID != who.User {
		return a, E("forbidden") // staff speak in a conversation only when they own it
	}
	return h.acceptForRun(ctx, who, c, a, w)
}

// earlier answers a command that was accepted before, and refuses another one of the same cid.
func (h *Hub) earlier(ctx context.Context, who Principal, c command, a *accepted) (bool, error) {
	m, err := who.Tenant.MessageByCID(ctx, a.conv.ID, who.User, c.CID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, storeError(err)
	}
	if m.Text != *c.Text || (c.Parent != nil && m.Parent != *c.Parent) {
		return false, E("idem_mismatch")
	}
	run := runID(a.conv.ID, who.User, c.CID)
	_, err = who.Tenant.RunByID(ctx, run)
	switch {
	case err == nil:
		return true, h.duplicate(ctx, who, a, m, run)
	case !errors.Is(err, store.ErrNotFound):
		return false, storeError(err)
	case m.ForPerson:
		return true, h.duplicate(ctx, who, a, m, "")
	case a.conv.Waiting.Run == run:
		a.queued = true
		return true, h.duplicate(ctx, who, a, m, run)
	}
	return false, nil
}

// duplicate fills in the answer of an earlier copy. The place is read from the log while the log may differ from what
// the first copy expected of it.
func (h *Hub) duplicate(ctx context.Context, who Principal, a *accepted, m store.Interaction, run string) error {
	a.msg, a.run, a.dup = m.ID, run, true
	a.place = Pos{Ep: m.LogEpoch, Seq: m.LogSeq}
	if h.now().Sub(m.At) > placeKnown {
		return nil
	}
	for wait := 5 * time.Millisecond; ; wait *= 2 {
		entries, err := h.bus.Read(ctx, Topic{who.Tenant.ID(), a.conv.ID}, 0)
		if err != nil {
			return busError(err)
		}
		for _, entry := range entries {
			if f, err := parseFrame(entry.Data); err == nil && f.K == kindMsg && f.Msg == m.ID {
				a.place = Pos{f.Ep, f.Seq}
				return nil
			}
		}
		if wait > 300*time.Millisecond {
			return nil
		}
		select {
		case <-time.After(wait): // the first copy is about to append it
		case <-ctx.Done():
			return busError(ctx.Err())
		}
	}
}

// converse finds the conversation the message belongs to, or prepares the one that it makes.
func (h *Hub) converse(ctx context.Context, who Principal, c command) (accepted, error) {
	var a accepted
	if c.Conv != "" {
		conv, err := readable(ctx, who, c.Conv)
		a.conv = conv
		return a, err
	}
	if c.Parent != nil && *c.Parent != "" {
		return a, E("not_found")
	}
	a.title = shorten(*c.Text, titleLength)
	id := derivedID("c", who.Tenant.ID().String(), who.User, c.CID)
	conv, err := who.Tenant.Conversation(ctx, id)
	if err == nil {
		a.conv = conv
		return a, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return a, storeError(err)
	}
	now := h.now()
	a.made = true
	a.conv = store.Conversation{ID: id, UserID: who.User, Channel: c.channel(who), Title: a.title, Owner: store.Owner{Kind: store.OwnerAI},
		State: store.ConversationOpen, CreatedAt: now, UpdatedAt: now, CID: c.CID}
	return a, nil
}

// acceptForRun takes in a message that a model will answer.
func (h *Hub) acceptForRun(ctx context.Context, who Principal, c command, a accepted, w *logWriter) (accepted, error) {
	ctx, cancel := context.WithTimeout(ctx, admitWithin)
	defer cancel()
	t, id := who.Tenant, runID(a.conv.ID, who.User, c.CID)
	if !h.runs.reserve() {
		return a, E("draining")
	}
	defer func() {
		if a.start == nil {
			h.runs.unreserve()
		}
	}()
	p, err := h.plan(ctx, t, who.User, c.Model)
	if err != nil {
		return a, err
	}
	if !a.made {
		err := h.claim(ctx, t, a.conv, id)
		if asError(err).Code == "conv_busy" && c.question == nil {
			return h.enqueue(ctx, who, c, a, w)
		}
		if err != nil {
			return a, err
		}
	}
	r := h.newRun(t, who.User, a.conv, id, w, p)
	parent, recent := "", []store.Interaction{}
	if !a.made {
		if recent, err = t.Messages(ctx, a.conv.ID, "", historyMessages); err == nil {
			parent, err = parentOf(ctx, t, a.conv.ID, c.Parent, recent)
		}
		if err != nil {
			h.giveUp(t, a.conv.ID, id)
			return a, storeError(err)
		}
	}
	msg := h.newMessage(who, c, a.conv.ID, parent, store.RoleUser, w)
	if err := r.prepare(ctx, thread{question: msg, recent: recent}, c.question); err != nil {
		return a.refused(ctx, h, who, c, id, err)
	}
	if a.made {
		a.conv.Active = store.Claim{Run: id, Since: h.now()}
		conv, made, err := t.CreateConversation(ctx, a.conv)
		if err != nil {
			return a, storeError(err)
		}
		if !made && (conv.State != store.ConversationOpen || conv.Active.Run != id) {
			return a, errAgain // a copy made it and is further than this one
		}
	}
	first, err := h.persist(ctx, t, &msg)
	if err != nil {
		return a, err
	}
	if msg.Text != *c.Text {
		return a, E("idem_mismatch") // the claim and the reservation are the other copy's
	}
	a.dup = !first
	r.question = msg.ID
	if a.made {
		r.opening = msg.Text
	}
	switch err := t.AddMessage(ctx, r.answerToBe()); {
	case errors.Is(err, store.ErrExists):
		return a.lateCopy(ctx, h, who, c, id)
	case err != nil:
		return a, storeError(err)
	}
	a.msg, a.run = msg.ID, id
	if a.place, err = h.appendMessage(ctx, t, w, msg, byOf(who, false), ""); err == nil {
		err = r.begin(ctx)
	}
	if err != nil {
		r.abandon(err)
		return a, busError(err)
	}
	a.start = r
	return a, nil
}

// refused undoes the claim of a message whose quota is exceeded. A copy that comes after its run has ended is told of
// the run instead.
func (a accepted) refused(ctx context.Context, h *Hub, who Principal, c command, run string, err error) (accepted, error) {
	if errors.Is(err, store.ErrExists) {
		return a.lateCopy(ctx, h, who, c, run)
	}
	if asError(err).Code == "quota_exceeded" {
		h.giveUp(who.Tenant, a.conv.ID, run)
	}
	return a, err
}

// lateCopy answers a command whose run another copy has taken.
func (a accepted) lateCopy(ctx context.Context, h *Hub, who Principal, c command, run string) (accepted, error) {
	msg, err := who.Tenant.MessageByCID(ctx, a.conv.ID, who.User, c.CID)
	if err != nil {
		return a, storeError(err)
	}
	if answer, err := who.Tenant.RunByID(ctx, run); err == nil && terminal(answer.Run.State) {
		// The claim this copy took after the run had ended would otherwise stay.
		if err := who.Tenant.ReleaseConversation(ctx, a.conv.ID, run); err != nil {
			return a, storeError(err)
		}
	}
	return a, h.duplicate(ctx, who, &a, msg, run)
}

// newMessage is a person's message as it is stored.
func (h *Hub) newMessage(who Principal, c command, conv, parent, role string, w *logWriter) store.Interaction {
	return store.Interaction{ID: h.newID("m"), ConversationID: conv, Role: role, Author: who.User, AuthorName: who.Name,
		Parent: parent, Text: *c.Text, Locale: c.Locale, CID: c.CID, At: h.now(), LogEpoch: w.ep, LogSeq: w.seq + 1}
}

// persist stores a message; when a copy has stored it before, m becomes that one and first is false.
func (h *Hub) persist(ctx context.Context, t *store.Tenant, m *store.Interaction) (first bool, err error) {
	err = t.AddMessage(ctx, *m)
	if errors.Is(err, store.ErrExists) {
		*m, err = t.MessageByCID(ctx, m.ConversationID, m.Author, m.CID)
		return false, storeError(err)
	}
	return true, storeError(err)
}

// parentOf is the message that a new one goes on from: the chosen one, or the newest of the recent ones.
func parentOf(ctx context.Context, t *store.Tenant, conv string, chosen *string, recent []store.Interaction) (string, error) {
	switch {
	case chosen == nil && len(recent) > 0:
		return recent[0].ID, nil
	case chosen == nil || *chosen == "":
		return "", nil
	}
	m, err := t.Message(ctx, *chosen)
	if err != nil {
		return "", storeError(err)
	}
	if m.ConversationID != conv {
		return "", E("not_found")
	}
	return m.ID, nil
}

// claim makes the run the one that answers in the conversation. A claim that an instance left behind when it died
// between two steps is given back when it is old enough.
func (h *Hub) claim(ctx context.Context, t *store.Tenant, conv store.Conversation, run string) error {
	epoch := conv.Owner.Epoch
	for range 10 {
		err := t.ClaimConversation(ctx, conv.ID, run, epoch)
		if !errors.Is(err, store.ErrConflict) {
			return storeError(err)
		}
		if conv, err = t.Conversation(ctx, conv.ID); err != nil {
			return storeError(err)
		}
		switch {
		case conv.State != store.ConversationOpen || conv.Owner.Epoch != epoch:
			return errAgain
		case conv.Active.Run == "" || conv.Active.Run == run:
			continue // it came free, or a copy of this command came and went
		}
		answer, err := t.RunByID(ctx, conv.Active.Run)
		dead := errors.Is(err, store.ErrNotFound) && h.now().Sub(conv.Active.Since) > orphanAfter
		ended := err == nil && terminal(answer.Run.State) && answer.Run.Settled
		if !dead && !ended {
			return busy()
		}
		if err := t.ReleaseConversation(ctx, conv.ID, conv.Active.Run); err != nil {
			return storeError(err)
		}
	}
	return busy()
}

func busy() error {
	e := E("conv_busy")
	e.RetryIn = time.Second
	return e
}

// giveUp undoes a claim. When that fails, the claim expires.
func (h *Hub) giveUp(t *store.Tenant, conv, run string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), 5*time.Second)
	defer cancel()
	if err := t.ReleaseConversation(ctx, conv, run); err != nil {
		h.log.Warn("claim left to expire", "tenant", t.ID().String(), "conversation", conv, "run", run, "error", err)
	}
}

// appendMessage puts a stored message into the log, and its place into the store when that differs from the expected.
// run is the one that will answer it when its turn has come; "": it is answered now, or by a person.
func (h *Hub) appendMessage(ctx context.Context, t *store.Tenant, w *logWriter, m store.Interaction, by By, run string) (Pos, error) {
	e := Event{K: kindMsg, Msg: m.ID, CID: m.CID, Role: roleName(m.Role), Parent: m.Parent, By: &by, Text: m.Text, Run: run, At: stamp(m.At)}
	if run != "" {
		e.State = stateQueued
	}
	e, err := w.appendAlways(ctx, e)
	if err != nil {
		return Pos{}, err
	}
	if e.Ep != m.LogEpoch || e.Seq != m.LogSeq {
		if err := t.SetMessagePlace(ctx, m.ID, e.Ep, e.Seq); err != nil {
			h.log.Warn("place of a message not stored", "tenant", t.ID().String(), "message", m.ID, "error", err)
		}
	}
	return Pos{e.Ep, e.Seq}, nil
}
