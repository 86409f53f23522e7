package hub

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"aihub/llm"
	"aihub/store"
)

// accepted is the answer to a message: where it stands, and the run to start if it is the first of its cid.
type accepted struct {
	conv  store.Conversation
	msg   string
	run   string
	place Pos
	dup   bool
	title string // of a conversation this message made
	start *run
}

// runID names the run that answers a message. It is derived from what makes the command unique, so that copies of a
// command, on whatever instances, speak of the same run: its reservation and its claim are taken once.
func runID(conv, author, cid string) string {
	sum := sha256.Sum256([]byte(conv + "\x00" + author + "\x00" + cid))
	return "r_" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// accept takes a message in. Every step is arbitrated by the store, in an order that lets any copy of the command, and
// the retry after a crash between two steps, come to the same end:
//
//	claim        the conversation answers one message at a time
//	reserve      the plan's limits, under the run's id
//	persist      the message (unique by cid), then the answer it will get (unique by run); who inserts that runs it
//	append       msg, run.start
func (h *Hub) accept(ctx context.Context, who Principal, c command) (accepted, error) {
	a, err := h.converse(ctx, who, c)
	if err != nil {
		return a, err
	}
	if a.conv.State != store.ConversationOpen {
		return a, E("conversation_closed")
	}
	earlier, err := who.Tenant.MessageByCID(ctx, a.conv.ID, who.User, c.CID)
	if err == nil {
		if earlier.Text != *c.Text || (c.Parent != "" && earlier.Parent != c.Parent) {
			return a, E("idem_mismatch")
		}
		if answer, err := who.Tenant.RunByID(ctx, runID(a.conv.ID, who.User, c.CID)); err == nil {
			return a.duplicate(earlier, answer.Run.ID), nil
		}
	} else if !errors.Is(err, store.ErrNotFound) {
		return a, storeError(err)
	}
	w, err := openLog(ctx, h.bus, Topic{who.Tenant.ID(), a.conv.ID}) // before anything is taken: no bus, no message
	if err != nil {
		return a, busError(err)
	}
	if a.conv.Owner.Kind != store.OwnerAI {
		return h.acceptForHuman(ctx, who, c, a, w)
	}
	return h.acceptForRun(ctx, who, c, a, w)
}

// converse finds the conversation the message belongs to, or makes it.
func (h *Hub) converse(ctx context.Context, who Principal, c command) (accepted, error) {
	var a accepted
	if c.Conv != "" {
		conv, err := readable(ctx, who, c.Conv)
		if err != nil {
			return a, err
		}
		if conv.UserID != who.User && conv.Owner.ID != who.User {
			return a, E("forbidden") // staff speak in a conversation only when they own it
		}
		a.conv = conv
		return a, nil
	}
	if h.runs.isClosed() {
		return a, E("draining")
	}
	now := time.Now()
	a.title = shorten(*c.Text, 60)
	conv, _, err := who.Tenant.CreateConversation(ctx, store.Conversation{ID: store.NewID("c"), UserID: who.User, Channel: c.channel(who), Title: a.title,
		Owner: store.Owner{Kind: store.OwnerAI}, State: store.ConversationOpen, CreatedAt: now, UpdatedAt: now, CID: c.CID})
	if err != nil {
		return a, storeError(err)
	}
	a.conv = conv
	return a, nil
}

func (a accepted) duplicate(m store.Interaction, run string) accepted {
	a.msg, a.run, a.dup = m.ID, run, true
	a.place = Pos{Ep: m.LogEpoch, Seq: m.LogSeq}
	return a
}

// acceptForRun takes in a message that a model will answer.
func (h *Hub) acceptForRun(ctx context.Context, who Principal, c command, a accepted, w *logWriter) (accepted, error) {
	t, id := who.Tenant, runID(a.conv.ID, who.User, c.CID)
	plan, err := t.PlanOf(ctx, who.User)
	if err != nil {
		return a, quotaUnavailable(err)
	}
	targets, instructions, err := h.targets(ctx, t, plan, c.Model)
	if err != nil {
		return a, err
	}
	var request llm.Request
	if c.question != nil {
		request = c.question.request(instructions)
		c.question.tune(targets)
	} else if request, err = h.prompt(ctx, t, a.conv.ID, instructions, *c.Text); err != nil {
		return a, err
	}
	in := promptTokens(request)
	if !h.runs.reserve() {
		return a, E("draining")
	}
	defer func() {
		if a.start == nil {
			h.runs.unreserve()
		}
	}()
	if err := h.claim(ctx, t, a.conv, id); err != nil {
		return a, err
	}
	reservation, err := t.Reserve(ctx, who.User, id, plan, in+sliceTokens)
	if errors.Is(err, store.ErrExists) { // this very run has been settled: the command is a late copy
		return a.lateCopy(ctx, who, c, id)
	}
	if err != nil {
		h.giveUp(t, a.conv.ID, id, who.User, false)
		return a, quotaUnavailable(err)
	}
	msg := store.Interaction{ID: store.NewID("m"), ConversationID: a.conv.ID, Role: store.RoleUser, Author: who.User, AuthorName: who.Name,
		Parent: c.Parent, Text: *c.Text, CID: c.CID, At: time.Now(), LogEpoch: w.ep, LogSeq: w.seq + 1}
	switch err := t.AddMessage(ctx, msg); {
	case errors.Is(err, store.ErrExists):
		if msg, err = t.MessageByCID(ctx, a.conv.ID, who.User, c.CID); err != nil {
			return a, storeError(err)
		}
		if msg.Text != *c.Text {
			return a, E("idem_mismatch") // the claim and the reservation are the other copy's
		}
		a.dup = true
	case err != nil:
		h.giveUp(t, a.conv.ID, id, who.User, true)
		return a, storeError(err)
	}
	now := time.Now()
	answer := store.Interaction{ID: store.NewID("m"), ConversationID: a.conv.ID, Role: store.RoleAssistant, Author: "ia", Parent: msg.ID,
		CID: id, At: now, Run: &store.Run{ID: id, UserID: who.User, State: store.RunAccepted, Fence: 1, LeaseUntil: now.Add(leaseFor), Instance: h.instance,
			Model: targets[0].Model, Provider: targets[0].Provider, KeyFrom: targets[0].KeyFrom, StartedAt: now}}
	switch err := t.AddMessage(ctx, answer); {
	case errors.Is(err, store.ErrExists):
		return a.lateCopy(ctx, who, c, id)
	case err != nil:
		h.giveUp(t, a.conv.ID, id, who.User, true)
		return a, storeError(err)
	}
	a.msg, a.run = msg.ID, id
	r := &run{hub: h, who: who, tenant: t, conv: a.conv.ID, msg: answer.ID, id: id, log: w, fence: 1, plan: plan, reservation: reservation,
		targets: targets, request: request, promptTokens: in, started: now, model: targets[0].Model, target: targets[0], halted: make(chan halt, 1), done: make(chan struct{})}
	if err := r.announce(ctx, msg, &a); err != nil {
		r.abandon(err)
		return a, busError(err)
	}
	a.start = r
	return a, nil
}

// lateCopy answers a command whose run another copy has taken.
func (a accepted) lateCopy(ctx context.Context, who Principal, c command, run string) (accepted, error) {
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
	return a.duplicate(msg, run), nil
}

// claim makes the run the one that answers in the conversation. A claim that an instance left behind when it died
// between two steps is given back when it is old enough.
func (h *Hub) claim(ctx context.Context, t *store.Tenant, conv store.Conversation, run string) error {
	for range 2 {
		err := t.ClaimConversation(ctx, conv.ID, run, conv.Owner.Epoch)
		if !errors.Is(err, store.ErrConflict) {
			return storeError(err)
		}
		if conv, err = t.Conversation(ctx, conv.ID); err != nil {
			return storeError(err)
		}
		switch {
		case conv.State != store.ConversationOpen:
			return E("conversation_closed")
		case conv.Owner.Kind != store.OwnerAI:
			return E("conv_human")
		case conv.Active.Run == "":
			continue
		}
		answer, err := t.RunByID(ctx, conv.Active.Run)
		dead := errors.Is(err, store.ErrNotFound) && time.Since(conv.Active.Since) > orphanAfter
		ended := err == nil && terminal(answer.Run.State) && answer.Run.Settled
		if !dead && !ended {
			e := E("conv_busy")
			e.RetryIn = time.Second
			return e
		}
		if err := t.ReleaseConversation(ctx, conv.ID, conv.Active.Run); err != nil {
			return storeError(err)
		}
	}
	return E("conv_busy")
}

// giveUp undoes a claim and, if it was taken, a reservation. What can't be undone now is undone by the reaper.
func (h *Hub) giveUp(t *store.Tenant, conv, run, user string, reserved bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), 5*time.Second)
	defer cancel()
	if reserved {
		if err := t.Settle(ctx, user, run, 0, true); err != nil {
			h.log.Warn("reservation left to the reaper", "tenant", t.ID().String(), "run", run, "error", err)
		}
	}
	if err := t.ReleaseConversation(ctx, conv, run); err != nil {
		h.log.Warn("claim left to expire", "tenant", t.ID().String(), "conversation", conv, "run", run, "error", err)
	}
}

// quotaUnavailable refuses when the quota can't be checked: nothing is spent that is not counted.
func quotaUnavailable(err error) error {
	if err := storeError(err); asError(err).Code == "quota_exceeded" {
		return err
	}
	e := E("quota_unavailable")
	e.RetryIn = time.Second
	return e
}

// acceptForHuman takes in a message that a person answers: it costs no quota and starts no run.
func (h *Hub) acceptForHuman(ctx context.Context, who Principal, c command, a accepted, w *logWriter) (accepted, error) {
	role, agent := store.RoleUser, a.conv.Owner.ID == who.User && a.conv.UserID != who.User
	if agent {
		role = store.RoleAgent
	}
	msg := store.Interaction{ID: store.NewID("m"), ConversationID: a.conv.ID, Role: role, Author: who.User, AuthorName: who.Name,
		Parent: c.Parent, Text: *c.Text, CID: c.CID, At: time.Now(), LogEpoch: w.ep, LogSeq: w.seq + 1}
	err := who.Tenant.AddMessage(ctx, msg)
	if errors.Is(err, store.ErrExists) {
		if msg, err = who.Tenant.MessageByCID(ctx, a.conv.ID, who.User, c.CID); err != nil {
			return a, storeError(err)
		}
		return a.duplicate(msg, ""), nil
	}
	if err != nil {
		return a, storeError(err)
	}
	a.msg = msg.ID
	a.place, err = h.appendMessage(ctx, who, w, msg, agent)
	return a, err
}

// appendMessage puts a stored message into the log, and its place into the store when that differs from the expected.
func (h *Hub) appendMessage(ctx context.Context, who Principal, w *logWriter, m store.Interaction, agent bool) (Pos, error) {
	by := byOf(who, agent)
	e, err := w.appendAlways(ctx, Event{K: kindMsg, Msg: m.ID, CID: m.CID, Role: roleName(m.Role), Parent: m.Parent, By: &by, Text: m.Text, At: stamp(m.At)})
	if err != nil {
		return Pos{}, busError(err)
	}
	if e.Ep != m.LogEpoch || e.Seq != m.LogSeq {
		if err := who.Tenant.SetMessagePlace(ctx, m.ID, e.Ep, e.Seq); err != nil {
			h.log.Warn("place of a message not stored", "tenant", who.Tenant.ID().String(), "message", m.ID, "error", err)
		}
	}
	return Pos{e.Ep, e.Seq}, nil
}

// promptTokens estimates what a request costs before the provider says it.
func promptTokens(r llm.Request) int64 {
	var n int64
	for _, m := range r.Messages {
		n += llm.CountTokens(m.Text) + 4 // the frame that the chat format puts round a message
	}
	return n
}
