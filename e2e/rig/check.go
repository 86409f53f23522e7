package rig

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"aihub/e2e/upstream"
)

// Rest waits until nothing is under way any more: every run is final, every reservation settled, every conversation
// free. It returns how long that took; what is left at the limit is an error of the test.
func (w *World) Rest(limit time.Duration) time.Duration {
	w.T.Helper()
	begun := time.Now()
	for {
		left := w.unrest()
		if len(left) == 0 {
			return time.Since(begun)
		}
		if time.Since(begun) > limit {
			w.T.Errorf("after %v there is still under way: %s", limit, strings.Join(left[:min(len(left), 10)], "; "))
			return time.Since(begun)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (w *World) unrest() []string {
	var left []string
	for _, m := range w.DB.Messages(w.T) {
		if m.Run != nil && (!Terminal(m.Run.State) || !m.Run.Settled) {
			left = append(left, fmt.Sprintf("run %s is %s, settled: %v", m.Run.ID, m.Run.State, m.Run.Settled))
		}
	}
	for _, u := range w.DB.Usage(w.T) {
		if u.Open != 0 || len(u.Reserved) != 0 {
			left = append(left, fmt.Sprintf("%s of %s has %d open reservations: %v", u.UserID, u.Tenant, u.Open, slices.Collect(maps.Keys(u.Reserved))))
		}
	}
	for _, c := range w.DB.Conversations(w.T) {
		if c.Active.Run != "" {
			left = append(left, fmt.Sprintf("conversation %s is claimed by %s", c.ID, c.Active.Run))
		}
	}
	return left
}

// Check compares, at rest, what the clients saw with what is stored, what the model server was asked and what was
// charged. Every message of the test must carry a label of its own (see package upstream).
func (w *World) Check(devices ...*Device) {
	w.T.Helper()
	var bad []string
	breach := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	for _, d := range devices {
		bad = append(bad, d.Breaches()...)
	}
	bad = append(bad, differences(devices)...)

	messages := w.DB.Messages(w.T)
	byID, runs, cids := map[string]StoredMessage{}, map[string]StoredMessage{}, map[string]string{}
	for _, m := range messages {
		byID[m.ID] = m
		key := m.Conv + " " + m.Author + " " + m.CID
		if other, ok := cids[key]; ok && m.CID != "" {
			breach("messages %s and %s have the same cid", other, m.ID)
		}
		cids[key] = m.ID
		if m.Run != nil {
			if other, ok := runs[m.Run.ID]; ok {
				breach("answers %s and %s are of the same run", other.ID, m.ID)
			}
			runs[m.Run.ID] = m
		}
	}
	calls := map[string][]upstream.Call{}
	for _, c := range w.Up.Calls() {
		calls[c.Label] = append(calls[c.Label], c)
	}
	asked := map[string]string{} // label → run
	for id, m := range runs {
		said, question := "", byID[m.Parent]
		for question.Run != nil { // a continuation
			said, question = question.Text+said, byID[question.Parent]
		}
		script, err := upstream.Default().With(question.Text)
		if err != nil || script.Label == "" {
			continue
		}
		label := script.Label
		if said != "" {
			if script, err = script.Resume(said); err != nil {
				breach("run %s continues an answer that is not what the model said: %v", id, err)
				continue
			}
			label = fmt.Sprintf("%s+%d", label, script.From)
		}
		if other, ok := asked[label]; ok {
			breach("runs %s and %s answer the same message", other, id)
		}
		asked[label] = id
		if !w.setup.NoModel {
			bad = append(bad, checkAnswer(m, said, script, calls[label])...)
		}
	}
	for label, of := range calls {
		if _, ok := asked[label]; !ok {
			breach("the model server was asked for %s, of which no run is stored", label)
		}
		for _, c := range of[:len(of)-1] { // a further try is fine only as long as nothing was said
			if c.Sent > c.From {
				breach("the model server was asked %d times for %s, after it had sent %d tokens", len(of), label, c.Sent)
			}
		}
	}
	bad = append(bad, shownIsStored(devices, runs)...)
	bad = append(bad, w.checkCharges(runs)...)
	slices.Sort(bad)
	for i, b := range slices.Compact(bad) {
		if i == 30 {
			w.T.Errorf("… and %d more", len(bad)-30)
			break
		}
		w.T.Error(b)
	}
}

// checkAnswer compares a stored answer, behind what was said before it, with the script of its question and with what the
// model server says it sent.
func checkAnswer(m StoredMessage, said string, script upstream.Script, calls []upstream.Call) []string {
	var bad []string
	sum := sha256.Sum256([]byte(m.Text))
	if m.Run.Len != int64(len(m.Text)) || m.Run.SHA != hex.EncodeToString(sum[:]) {
		bad = append(bad, fmt.Sprintf("run %s: stored length or sha is not that of the stored text (%d bytes)", m.Run.ID, len(m.Text)))
	}
	sent, said := 0, said+m.Text
	if len(calls) > 0 {
		sent = calls[len(calls)-1].Sent
		if calls[len(calls)-1].End == "" {
			sent = script.Tokens // it has not noticed yet that the other side is gone
		}
	}
	// One token may be on its way when the other side hangs up, so that it is not counted as sent.
	full := upstream.Text(script.Label, min(sent+1, script.Tokens), script.Size)
	switch {
	case m.Run.State == "complete" && said != upstream.Text(script.Label, script.Tokens, script.Size):
		bad = append(bad, fmt.Sprintf("run %s (%s): complete, but its text is not what the model said", m.Run.ID, script.Label))
	case m.Run.State == "complete" && (len(calls) == 0 || calls[len(calls)-1].End != "complete"):
		bad = append(bad, fmt.Sprintf("run %s (%s): complete, but the model's answer was not", m.Run.ID, script.Label))
	case !strings.HasPrefix(full, said):
		bad = append(bad, fmt.Sprintf("run %s (%s, %s %s): its text is not a prefix of what the model said", m.Run.ID, script.Label, m.Run.State, m.Run.Code))
	case (m.Run.State == "failed" || m.Run.State == "interrupted") && m.Run.Code == "":
		bad = append(bad, fmt.Sprintf("run %s (%s): %s without a code", m.Run.ID, script.Label, m.Run.State))
	}
	return bad
}

func differences(devices []*Device) []string {
	all := map[string][]*View{}
	for _, d := range devices {
		d.Views(func(v *View) { all[v.Conv] = append(all[v.Conv], v) })
	}
	var out []string
	for _, views := range all {
		for _, v := range views[1:] {
			out = append(out, views[0].Differs(v)...)
		}
	}
	return out
}

// shownIsStored: each end that a client was told is what the database has, and nobody saw more than is stored.
func shownIsStored(devices []*Device, runs map[string]StoredMessage) []string {
	var bad []string
	for _, d := range devices {
		d.Views(func(v *View) {
			for id, a := range v.Runs {
				m, ok := runs[id]
				switch {
				case !ok:
					bad = append(bad, fmt.Sprintf("%s: run %s was shown and is not stored", d.Name, id))
				case a.Ended > 0 && (a.State != m.Run.State || string(a.Text) != m.Text):
					bad = append(bad, fmt.Sprintf("%s: run %s was shown as %s with %d bytes, and is stored as %s with %d", d.Name, id, a.State, len(a.Text), m.Run.State, len(m.Text)))
				case !strings.HasPrefix(m.Text, a.shown):
					bad = append(bad, fmt.Sprintf("%s: of run %s (%s) %d bytes were shown, which are not the beginning of the %d stored", d.Name, id, m.Run.State, len(a.shown), len(m.Text)))
				}
			}
		})
	}
	return bad
}

// checkCharges: what a person's counters say is what their runs cost, once each.
func (w *World) checkCharges(runs map[string]StoredMessage) []string {
	type spent struct{ messages, tokens int64 }
	want, got := map[string]spent{}, map[string]spent{}
	byID := map[string]StoredMessage{}
	for _, m := range w.DB.Messages(w.T) {
		byID[m.ID] = m
	}
	for _, m := range runs {
		if m.Run.State != "complete" && m.Run.Len == 0 {
			continue // nothing was produced: the message is given back
		}
		question := byID[m.Parent]
		for question.Run != nil { // a continuation
			question = byID[question.Parent]
		}
		who := m.Tenant + " usuario:" + question.Author
		s := want[who]
		want[who] = spent{s.messages + 1, s.tokens + m.Run.Usage.In + m.Run.Usage.Out}
	}
	for _, u := range w.DB.Usage(w.T) {
		if !strings.HasPrefix(u.ID, "usuario:") {
			continue
		}
		who, s := u.Tenant+" "+u.ID, spent{}
		for period, c := range u.Counters {
			if strings.HasPrefix(period, "mes:") {
				s.messages, s.tokens = s.messages+c.Messages, s.tokens+c.Tokens
			}
		}
		got[who] = s
	}
	var bad []string
	for who, s := range want {
		if got[who] != s {
			bad = append(bad, fmt.Sprintf("%s: the runs are %d messages and %d tokens, charged are %d and %d", who, s.messages, s.tokens, got[who].messages, got[who].tokens))
		}
	}
	for who, s := range got {
		if _, ok := want[who]; !ok && s != (spent{}) {
			bad = append(bad, fmt.Sprintf("%s: %d messages and %d tokens are charged for no run", who, s.messages, s.tokens))
		}
	}
	return bad
}
