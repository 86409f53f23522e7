package hub

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Kinds of events.
const (
	kindMsg       = "msg"
	kindRunStart  = "run.start"
	kindDelta     = "delta"
	kindReasoning = "reasoning"
	kindRunEnd    = "run.end"
	kindOwner     = "owner"
	kindConv      = "conv"
)

// Types of frames that carry events.
const (
	frameEvent = "ev"
	frameStaff = "staff"
)

// An Event is one element of a conversation's log, exactly as clients get it: what is appended to the bus is the
// frame itself, so that fanning it out costs no encoding.
type Event struct {
	T    string `json:"t"` // ev, or staff in the log of the staff
	Conv string `json:"conv"`
	Ep   string `json:"ep"`
	From int64  `json:"from,omitempty"` // first seq of a delta that stands for several; 0: Seq alone
	Seq  int64  `json:"seq"`
	K    string `json:"k"`

	Msg    string `json:"msg,omitempty"`
	CID    string `json:"cid,omitempty"`
	Role   string `json:"role,omitempty"`
	Parent string `json:"parent,omitempty"`
	By     *By    `json:"by,omitempty"`

	Run   string `json:"run,omitempty"`
	Model string `json:"model,omitempty"`
	Off   *int64 `json:"off,omitempty"` // bytes of the run's text, or of its reasoning, before this piece
	Text  string `json:"text,omitempty"`

	State    string       `json:"state,omitempty"`
	Code     string       `json:"code,omitempty"`
	Finish   string       `json:"finish,omitempty"`
	Len      *int64       `json:"len,omitempty"`
	SHA      string       `json:"sha,omitempty"`
	Usage    *UsageView   `json:"usage,omitempty"`
	Sources  []SourceView `json:"sources,omitempty"`
	Continue bool         `json:"continue,omitempty"` // the answer was cut short and can be continued
	Quota    *[]QuotaView `json:"quota,omitempty"`
	Owner    *OwnerView   `json:"owner,omitempty"`
	Title    string       `json:"title,omitempty"`

	Entry   string `json:"id,omitempty"`      // of the staff log
	Applied bool   `json:"applied,omitempty"` // a whisper that a run was told

	At string `json:"at,omitempty"`
}

// first is the first sequence number the event stands for.
func (e *Event) first() int64 {
	if e.From > 0 {
		return e.From
	}
	return e.Seq
}

// frame is an event with its bytes. It is shared by every session that receives it and never changed.
type frame struct {
	Event
	data []byte
}

func newFrame(e Event) *frame { return &frame{Event: e, data: encodeEvent(e)} }

// encodeEvent returns an event's bytes.
func encodeEvent(e Event) []byte {
	if b, ok := appendDelta(make([]byte, 0, 200+len(e.Text)+len(e.Text)/8), &e); ok {
		return b
	}
	return encode(e)
}

// parseFrame reads an event back from the log.
func parseFrame(data []byte) (*frame, error) {
	f := &frame{data: data}
	if !readDelta(data, &f.Event) {
		f.Event = Event{}
		if err := json.Unmarshal(data, &f.Event); err != nil {
			return nil, fmt.Errorf("parse event: %w", err)
		}
	}
	if (f.T != frameEvent && f.T != frameStaff) || f.Ep == "" || f.Seq < 1 || f.first() > f.Seq {
		return nil, fmt.Errorf("parse event: not an event of a log")
	}
	return f, nil
}

// grows reports whether the event is a piece of a text that grows: of an answer, or of a model's reasoning.
func (e *Event) grows() bool { return e.K == kindDelta || e.K == kindReasoning }

// maxMerged bounds the text of a delta, so that its frame stays below the 64 KiB a client must accept, even where JSON
// makes six bytes of one.
const maxMerged = 8 << 10

// follows reports whether b continues a's text directly, so that one piece can stand for both.
func follows(a, b *Event, textLen int) bool {
	return a.grows() && a.K == b.K && a.Run == b.Run && a.Conv == b.Conv && a.Ep == b.Ep &&
		a.Seq+1 == b.first() && *a.Off+int64(textLen) == *b.Off && textLen+len(b.Text) <= maxMerged
}

// mergeFrames joins adjacent pieces of one text, for replays.
func mergeFrames(in []*frame) []*frame {
	var out []*frame
	for i := 0; i < len(in); {
		j, text := i+1, []byte(nil)
		if in[i].grows() {
			text = append(text, in[i].Text...)
			last := &in[i].Event
			run := Event{K: last.K, Run: last.Run, Conv: last.Conv, Ep: last.Ep, Off: last.Off, Seq: last.Seq}
			for j < len(in) && follows(&run, &in[j].Event, len(text)) {
				text = append(text, in[j].Text...)
				run.Seq = in[j].Seq
				j++
			}
		}
		if j == i+1 {
			out = append(out, in[i])
		} else {
			e := in[i].Event
			e.From, e.Seq, e.Text = in[i].first(), in[j-1].Seq, string(text)
			out = append(out, newFrame(e))
		}
		i = j
	}
	return out
}

// cutRunes is the length of the longest prefix of b of at most limit bytes that ends between code points.
func cutRunes(b []byte, limit int) int {
	if len(b) <= limit {
		return len(b)
	}
	for limit > 0 && !utf8.RuneStart(b[limit]) {
		limit--
	}
	return limit
}

// stampNow is the time an event carries. Order comes from seq; but people compare times, too.
func (h *Hub) stampNow() string { return stamp(h.now()) }
