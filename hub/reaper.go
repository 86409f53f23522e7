package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"aihub/llm"
	"aihub/store"
)

// reap ends what dead instances left behind: runs whose lease has ended, quotas not settled, reservations without a
// run. Every instance does it; the store decides who does each.
func (h *Hub) reap() {
	tick := time.NewTicker(reapEvery)
	defer tick.Stop()
	absent := absences{}
	var jumped time.Time // when the shared clock was last found to have jumped
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(h.ctx, 30*time.Second)
		off, err := h.setClock(ctx)
		if err == nil && off.Abs() > clockJump {
			h.log.Warn("the shared clock jumped", "by", off.Round(time.Millisecond))
			jumped = time.Now()
		}
		if err == nil && time.Since(jumped) > leaseFor { // before, leases that live instances took by the old time would seem to have ended
			err = errors.Join(h.reapAll(ctx), h.returnAbandoned(ctx, absent))
		}
		if err != nil && ctx.Err() == nil {
			h.log.Warn("reaper", "error", err)
		}
		cancel()
	}
}

func (h *Hub) reapAll(ctx context.Context) error {
	tenants, err := h.store.Directory().Busy(ctx)
	if err != nil {
		return err
	}
	for _, id := range tenants {
		t := h.store.Tenant(id)
		stale, err := t.StaleRuns(ctx, h.now(), 50)
		if err != nil {
			return err
		}
		// In an order of its own, so that the instances that reap do not all try the same run at the same time.
		rand.Shuffle(len(stale), func(i, j int) { stale[i], stale[j] = stale[j], stale[i] })
		var ending errgroup.Group
		ending.SetLimit(reapAtOnce)
		for _, m := range stale {
			ending.Go(func() error {
				h.reapRun(ctx, t, m)
				return nil
			})
		}
		_ = ending.Wait() // what fails is left to the next time
		open, err := t.OpenReservations(ctx, h.now().Add(-orphanAfter))
		if err != nil {
			return err
		}
		for _, o := range open {
			h.reapReservation(ctx, t, o)
		}
		waiting, err := t.WaitingConversations(ctx, 50)
		if err != nil {
			return err
		}
		for _, conv := range waiting {
			if h.now().Sub(conv.Waiting.Since) > reapEvery {
				h.next(ctx, t, conv.ID)
			}
		}
	}
	return nil
}

// reapRun ends a run whose instance is gone, with the text that was shown, or settles one that was only stored.
func (h *Hub) reapRun(ctx context.Context, t *store.Tenant, m store.Interaction) {
	log := h.log.With("tenant", t.ID().String(), "conversation", m.ConversationID, "run", m.Run.ID)
	late := settled{hub: h, tenant: t, user: m.Run.UserID, conv: m.ConversationID, question: m.Parent, msg: m.ID, run: m.Run.ID}
	late.final = store.Final{Text: m.Text, State: m.Run.State, Code: m.Run.Code, Finish: m.Run.Finish,
		Model: m.Run.Model, Asked: m.Run.Asked, Provider: m.Run.Provider, KeyFrom: m.Run.KeyFrom, Len: m.Run.Len, SHA: m.Run.SHA, Usage: m.Run.Usage}
	if terminal(m.Run.State) {
		seen, err := h.shown(ctx, t, m)
		if err == nil && seen.end == nil {
			err = seen.log.appendOnce(ctx, late.endEvent(ctx))
		}
		if err != nil {
			log.Warn("reaper can't tell the end of a run yet", "error", err)
			return
		}
		late.account(ctx, log, nil)
		return
	}
	if h.runs.get(m.Run.ID) != nil {
		return // it is alive, here; the store was slow to take its checkpoint
	}
	now := h.now()
	fence, err := t.TakeOverRun(ctx, m.ID, m.Run.Fence, now, now.Add(leaseFor), h.instance)
	if errors.Is(err, store.ErrConflict) {
		return // another instance was faster, or the run's own came back in time
	}
	if err == nil {
		late.final, err = h.conclude(ctx, t, m)
	}
	if err == nil {
		err = t.FinishRun(ctx, m.ID, fence, late.final)
	}
	if err != nil {
		log.Warn("reaper can't end a run yet", "error", err)
		return
	}
	log.Info("run of a lost instance ended", "instance", m.Run.Instance)
	h.metrics.reaped()
	late.account(ctx, log, nil)
}

// conclude appends the end of a lost run at the very place up to which it read what was shown, so that its old owner,
// should it wake up, can show nothing more. That is why this end, unlike all others, is told before it is stored; if
// this instance dies in between, the next reaper finds it in the log.
func (h *Hub) conclude(ctx context.Context, t *store.Tenant, m store.Interaction) (store.Final, error) {
	for {
		seen, err := h.shown(ctx, t, m)
		if err != nil {
			return store.Final{}, err
		}
		sum := sha256.Sum256(seen.text)
		final := store.Final{Text: string(seen.text), State: store.RunInterrupted, Code: "instance_lost", Model: m.Run.Model, Asked: m.Run.Asked, Provider: m.Run.Provider,
			KeyFrom: m.Run.KeyFrom, SHA: hex.EncodeToString(sum[:]), Len: int64(len(seen.text)), FirstTokenMS: m.Run.FirstTokenMS,
			TotalMS: h.now().Sub(m.Run.StartedAt).Milliseconds()}
		if seen.taken {
			final.State, final.Code = store.RunTakenOver, ""
		}
		if seen.end != nil {
			final.State, final.Code, final.Finish = seen.end.State, seen.end.Code, seen.end.Finish
		}
		if len(seen.text) > 0 {
			final.Usage = store.Usage{In: h.askedTokens(ctx, t, m), Out: llm.CountTokens(string(seen.text)), Estimated: true}
		}
		if seen.end != nil {
			return final, nil
		}
		end := settled{hub: h, tenant: t, question: m.Parent, msg: m.ID, run: m.Run.ID, final: final}.endEvent(ctx)
		if _, err = seen.log.append(ctx, end); !errors.Is(err, ErrStale) {
			return final, err
		}
	}
}

// seen is what people have seen of a run.
type seen struct {
	text  []byte
	end   *frame     // the run's end, if the log has it
	taken bool       // a person has taken the conversation over since the run began
	log   *logWriter // at the end of what was read
}

// shown rebuilds what people have seen of a run: the log's deltas over the last checkpoint, which also serves where the
// log is gone.
func (h *Hub) shown(ctx context.Context, t *store.Tenant, m store.Interaction) (seen, error) {
	topic := Topic{t.ID(), m.ConversationID}
	entries, err := h.bus.Read(ctx, topic, 0)
	if err != nil {
		return seen{}, err
	}
	s := seen{text: []byte(m.Text), log: &logWriter{bus: h.bus, topic: topic}}
	var last Entry
	for _, entry := range entries {
		last = entry
		f, err := parseFrame(entry.Data)
		switch {
		case err != nil:
		case takenBy(f):
			s.taken = true
		case f.Run != m.Run.ID:
		case f.K == kindRunStart:
			s.taken = false
		case f.K == kindRunEnd:
			s.end = f
		case f.K == kindDelta && f.Off != nil && *f.Off <= int64(len(s.text)) && *f.Off+int64(len(f.Text)) > int64(len(s.text)):
			s.text = append(s.text[:*f.Off], f.Text...)
		}
	}
	return s, s.log.moveTo(last)
}

// askedTokens estimates the prompt of a run from its question alone: the reaper does not know more.
func (h *Hub) askedTokens(ctx context.Context, t *store.Tenant, m store.Interaction) int64 {
	question, err := t.Message(ctx, m.Parent)
	if err != nil {
		return 0
	}
	return llm.CountTokens(question.Text)
}

// reapReservation gives back a reservation whose run was never stored.
func (h *Hub) reapReservation(ctx context.Context, t *store.Tenant, o store.OpenReservation) {
	m, err := t.RunByID(ctx, o.Run)
	switch {
	case errors.Is(err, store.ErrNotFound): // the client may send its command again, which then is a new one
		err = t.GiveBack(ctx, o.UserID, o.Run, h.now().Add(-orphanAfter))
	case err == nil && m.Run.Settled:
		err = t.Settle(ctx, o.UserID, o.Run, 0, true)
	}
	if err != nil {
		h.log.Warn("reaper can't give a reservation back", "tenant", t.ID().String(), "run", o.Run, "error", err)
	}
}
