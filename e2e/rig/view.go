package rig

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// A View is what a client knows of one conversation. Apply follows the client's rule of docs/protocol.md and notes each
// breach of what the protocol promises. It is not safe for concurrent use.
type View struct {
	Conv     string
	Ep       string
	Seq      int64
	Messages map[string]Message
	Order    []string
	Runs     map[string]*Answer
	Owner    Owner
	Breaches []string
	Gaps     int // events that did not continue what was there, so that it had to ask again

	loaded  bool
	asked   bool            // a sub is under way
	left    bool            // it is not followed any more
	told    Owner           // of the last event owner in this log
	owners  map[int64]int64 // epoch → seq of its event
	places  map[string]string
	endedAt map[string]int64 // seq of each run's end
}

// An Answer is a run as a client has it.
type Answer struct {
	Run, Msg  string
	Text      []byte
	State     string // streaming until run.end
	Code      string
	Finish    string
	Usage     Usage
	Continue  bool   // it was cut short, and the server offers to go on
	Ended     int    // run.end events with different content
	Restarted int    // new logs in which it began anew
	shown     string // the longest text that was on the screen
}

// show notes what is on the screen now. Text may begin anew in a new log, but at the end all of it must be there.
func (a *Answer) show() {
	if len(a.Text) > len(a.shown) {
		a.shown = string(a.Text)
	}
}

// NewView is of a conversation that nothing is known of.
func NewView(conv string) *View {
	return &View{Conv: conv, Messages: map[string]Message{}, Runs: map[string]*Answer{}, places: map[string]string{}, endedAt: map[string]int64{}, owners: map[int64]int64{}}
}

func (v *View) breach(format string, args ...any) {
	v.Breaches = append(v.Breaches, v.Conv+": "+fmt.Sprintf(format, args...))
}

// Verdicts of Apply.
const (
	Applied = iota
	Dropped
	Gap  // subscribe again, from the view's position
	Lost // subscribe again, without a position
)

// Apply takes a frame of the conversation in.
func (v *View) Apply(f Frame) int {
	switch f.T {
	case "snap":
		v.asked = false
		v.snapshot(f)
		return Applied
	case "resumed":
		v.asked = false
		if f.Recovered == nil || !*f.Recovered || f.Ep != v.Ep {
			v.breach("resumed in the log %q at %q: %s", v.Ep, f.Ep, f.Raw)
		}
		return Applied
	case "ev":
		return v.event(f)
	}
	return Dropped
}

func (v *View) snapshot(f Frame) {
	if v.Ep != f.Ep {
		v.told = Owner{}
	}
	v.loaded, v.Ep, v.Seq = true, f.Ep, f.Seq
	if f.Owner != nil {
		v.own(*f.Owner) // the store may know already what the log is about to tell
	}
	v.Messages, v.Order = map[string]Message{}, nil
	for _, m := range f.Messages {
		v.put(m)
		if m.Run == nil || !Terminal(m.Run.State) || m.Cut || (f.Open != nil && f.Open.Run == m.Run.ID) {
			continue // not ended, not whole, or stored already while the log has not come to its end
		}
		a := v.Runs[m.Run.ID]
		if a == nil {
			a = &Answer{Run: m.Run.ID, Msg: m.ID}
			v.Runs[m.Run.ID] = a
		}
		if a.Ended == 0 { // otherwise the end was seen in the log, and what follows only repeats it
			a.Text, a.Continue = []byte(m.Text), m.Run.Continue
			v.end(a, m.Run.State, m.Run.Code, m.Run.Finish, m.Run.Len, m.Run.SHA, m.Run.Usage)
		} else if a.State != m.Run.State || string(a.Text) != m.Text {
			v.breach("run %s: ended as %s, the snapshot says %s; texts equal: %v", a.Run, a.State, m.Run.State, string(a.Text) == m.Text)
		}
	}
	if o := f.Open; o != nil {
		if int64(len(o.Text)) != o.Off {
			v.breach("run %s: the snapshot's off %d is not the text's length %d", o.Run, o.Off, len(o.Text))
		}
		a := v.Runs[o.Run]
		if a == nil {
			a = &Answer{Run: o.Run, Msg: o.Msg, State: "streaming"}
			v.Runs[o.Run] = a
		}
		if a.Ended > 0 {
			v.breach("run %s: shown as ended at %d, open again in a snapshot at %d", o.Run, v.endedAt[o.Run], f.Seq)
			a.Ended, a.State = 0, "streaming" // what follows is judged from here on
		}
		if !strings.HasPrefix(o.Text, a.shown) && !strings.HasPrefix(a.shown, o.Text) {
			v.breach("run %s: the snapshot's open text (%d bytes) is not what was shown (%d bytes)", o.Run, len(o.Text), len(a.shown))
		}
		a.Text = []byte(o.Text)
		a.show()
	}
}

func (v *View) put(m Message) {
	if _, ok := v.Messages[m.ID]; !ok {
		v.Order = append(v.Order, m.ID)
	}
	v.Messages[m.ID] = m
}

func (v *View) event(f Frame) int {
	first := f.Seq
	if f.From > 0 {
		first = f.From
	}
	if f.Ep == "" || first < 1 || first > f.Seq {
		v.breach("an event without a place: %s", f.Raw)
		return Dropped
	}
	if f.Ep != v.Ep {
		if v.Ep != "" || first != 1 {
			return Lost
		}
		v.Ep, v.Seq, v.told = f.Ep, 0, Owner{}
	}
	switch {
	case f.Seq <= v.Seq:
		return Dropped
	case first > v.Seq+1:
		v.Gaps++
		return Gap
	}
	v.loaded = true
	v.Seq = f.Seq
	place := fmt.Sprintf("%s/%d", f.Ep, f.Seq)
	if f.K != "delta" {
		v.places[place] = f.K + " " + f.Msg + " " + f.Run + " " + f.State
	}
	if v.told.Kind == "human" && (f.K == "run.start" || f.K == "delta") {
		v.breach("the AI goes on while %s answers: %s", v.told.Name, f.Raw)
	}
	switch f.K {
	case "owner":
		if f.Owner == nil || f.Owner.Epoch <= v.told.Epoch {
			v.breach("an event owner without one, or of an epoch that is over: %s", f.Raw)
			return Applied
		}
		v.told, v.owners[f.Owner.Epoch] = *f.Owner, f.Seq
		v.own(*f.Owner)
	case "msg":
		v.put(Message{ID: f.Msg, Role: f.Role, Text: f.Text, CID: f.CID})
	case "run.start":
		v.start(f)
	case "delta":
		v.delta(f)
	case "run.end":
		v.ended(f)
	}
	return Applied
}

// own notes who answers: an epoch has one owner.
func (v *View) own(o Owner) {
	if o.Epoch == v.Owner.Epoch && v.Owner.Kind != "" && o != v.Owner {
		v.breach("in epoch %d both %q and %q answer", o.Epoch, v.Owner.ID, o.ID)
	}
	v.Owner = o
}

// OwnerAt is the seq of the event with which an epoch of the owner began; 0: it was not seen.
func (v *View) OwnerAt(epoch int64) int64 { return v.owners[epoch] }

// Mark is all that a client knows of the conversation, in short: clients with the same mark know the same.
func (v *View) Mark() string {
	mark := fmt.Sprintf("%s/%d %s %d", v.Ep, v.Seq, v.Owner.Kind, v.Owner.Epoch)
	for _, id := range slices.Sorted(maps.Keys(v.Messages)) {
		if id != "" {
			mark += " " + id
		}
	}
	for _, id := range slices.Sorted(maps.Keys(v.Runs)) {
		mark += fmt.Sprintf(" %s:%s:%x", id, v.Runs[id].State, sha256.Sum256(v.Runs[id].Text))
	}
	return mark
}

func (v *View) start(f Frame) {
	a := v.Runs[f.Run]
	if a == nil {
		v.Runs[f.Run] = &Answer{Run: f.Run, Msg: f.Msg, State: "streaming"}
		return
	}
	if a.Ended > 0 {
		v.breach("run %s: started after its end", f.Run)
	}
	a.Restarted++
	a.Text = nil
}

func (v *View) delta(f Frame) {
	a := v.Runs[f.Run]
	if a == nil || f.Off == nil {
		v.breach("a delta of no run or without off: %s", f.Raw)
		return
	}
	off := *f.Off
	switch {
	case a.Ended > 0:
		v.breach("run %s: a delta after its end: %s", f.Run, f.Raw)
	case off > int64(len(a.Text)):
		v.breach("run %s: lost bytes %d to %d", f.Run, len(a.Text), off)
	case !utf8.ValidString(f.Text):
		v.breach("run %s: a delta splits a code point at %d", f.Run, off)
	default:
		known := string(a.Text[off:])
		if !strings.HasPrefix(known, f.Text) && !strings.HasPrefix(f.Text, known) {
			v.breach("run %s: other text at %d than shown before", f.Run, off)
		}
		if end := off + int64(len(f.Text)); end > int64(len(a.Text)) {
			a.Text = append(a.Text[:off], f.Text...)
			a.show()
		}
	}
}

func (v *View) ended(f Frame) {
	if f.Msg == "" {
		return // of a run that waited and whose turn will not come
	}
	v.endedAt[f.Run] = f.Seq
	a := v.Runs[f.Run]
	if a == nil {
		a = &Answer{Run: f.Run, Msg: f.Msg}
		v.Runs[f.Run] = a
		if f.Len > 0 {
			v.breach("run %s: ended without having begun", f.Run)
			return
		}
	}
	a.Continue = f.Continue
	v.end(a, f.State, f.Code, f.Finish, f.Len, f.SHA, f.Usage)
	v.put(Message{ID: f.Msg, Role: "assistant", Text: string(a.Text), Run: &Run{ID: f.Run, State: f.State, Code: f.Code, Len: f.Len, SHA: f.SHA}})
}

// end proves that the client has all of the text.
func (v *View) end(a *Answer, state, code, finish string, length int64, sha string, usage Usage) {
	if a.Ended > 0 && (a.State != state || a.Code != code) {
		v.breach("run %s: ended as %s %s and again as %s %s", a.Run, a.State, a.Code, state, code)
	}
	if !Terminal(state) {
		v.breach("run %s: ended in the state %q", a.Run, state)
	}
	a.Ended++
	a.State, a.Code, a.Finish, a.Usage = state, code, finish, usage
	sum := sha256.Sum256(a.Text)
	if int64(len(a.Text)) != length || hex.EncodeToString(sum[:]) != sha {
		v.breach("run %s (%s %s): the client has %d bytes, the end says %d; sha equal: %v", a.Run, state, code, len(a.Text), length,
			hex.EncodeToString(sum[:]) == sha)
	}
	if !strings.HasPrefix(string(a.Text), a.shown) {
		v.breach("run %s (%s %s): %d bytes were shown that the end does not have", a.Run, state, code, len(a.shown))
	}
	if state == "complete" && finish == "" {
		v.breach("run %s: complete without a finish reason", a.Run)
	}
}

// Differs compares two clients' views of a conversation: every place of the log that both saw must hold the same event.
func (v *View) Differs(o *View) []string {
	var out []string
	for place, what := range v.places {
		if other, ok := o.places[place]; ok && other != what {
			out = append(out, fmt.Sprintf("%s: at %s one client saw %q, another %q", v.Conv, place, what, other))
		}
	}
	for run, a := range v.Runs {
		if b := o.Runs[run]; b != nil && a.Ended > 0 && b.Ended > 0 && (a.State != b.State || string(a.Text) != string(b.Text)) {
			out = append(out, fmt.Sprintf("%s: run %s is %s with %d bytes for one client, %s with %d for another", v.Conv, run, a.State, len(a.Text), b.State, len(b.Text)))
		}
	}
	return out
}
