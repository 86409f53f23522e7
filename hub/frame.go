package hub

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"aihub/store"
)

// Version is the version of the wire that hello announces.
const Version = 1

// A Pos is a place in a conversation's log as clients know it.
type Pos struct {
	Ep  string `json:"ep"`
	Seq int64  `json:"seq"`
}

// command is any frame a client may send. T decides which fields may be there (commandFields).
type command struct {
	T      string           `json:"t"`
	ID     jsontext.Value   `json:"id"`
	Token  string           `json:"token"`
	Conv   string           `json:"conv"`
	Since  *Pos             `json:"since"`
	CID    string           `json:"cid"`
	Text   *string          `json:"text"`
	Parent *string          `json:"parent"` // "": the message begins the conversation anew
	Msg    string           `json:"msg"`
	Model  string           `json:"model"`
	Locale string           `json:"locale"`
	Run    string           `json:"run"`
	Pos    map[string]int64 `json:"pos"`
	Epoch  *int64           `json:"epoch"`
	Note   string           `json:"note"`
	To     string           `json:"to"`
	Now    bool             `json:"now"`
	Cut    bool             `json:"cut"`
	Filter *liveFilter      `json:"filter"`
	// Of where a visitor is.
	Page  string            `json:"page"`
	Title string            `json:"title"`
	Data  map[string]string `json:"data"`

	question *Question // of a command that Ask made
}

// channel is where a conversation that the command makes comes from.
func (c command) channel(who Principal) string {
	switch {
	case c.question != nil:
		return "api"
	case who.Role == store.RoleVisitor:
		return "widget"
	}
	return "portal"
}

// commandFields lists what each command may carry besides t and id; the first group must be there.
var commandFields = map[string]struct{ must, may string }{
	"auth":     {"token", ""},
	"sub":      {"conv", "since"},
	"unsub":    {"conv", ""},
	"send":     {"cid text", "conv parent model locale"},
	"regen":    {"cid msg", "model"},
	"continue": {"cid msg", "model"},
	"stop":     {"run", ""},
	"typing":   {"conv", ""},
	"pong":     {"", "pos"},

	"watch":   {"", "filter"},
	"unwatch": {"", ""},
	"take":    {"conv epoch", "note"},
	"release": {"conv epoch", "note cut"},
	"call":    {"conv", ""},
	"whisper": {"conv text to", "cid now"},
	"end":     {"conv", "note"},
	"context": {"page", "title data"},
}

// decodeCommand reads one frame strictly: one object, unique and exactly spelt names, valid Unicode (also behind \u
// escapes), no field that the command does not have. The id is returned even with an error where it could be read, so
// that the refusal can name it.
func decodeCommand(data []byte) (command, *Error) {
	var c command
	err := jsonv2.Unmarshal(data, &c, jsonv2.RejectUnknownMembers(true))
	if err != nil { // it ends at the first fault, and the id may stand behind it
		var head struct {
			ID jsontext.Value `json:"id"`
		}
		if jsonv2.Unmarshal(data, &head) == nil {
			c.ID = head.ID
		}
	}
	if jsontext.Value(data).Kind() != '{' && err == nil {
		err = E("bad_json")
	}
	if !validID(c.ID) {
		if c.ID != nil && err == nil {
			err = Ef("bad_field", "id must be a string of at most 64 bytes or an integer")
		}
		c.ID = nil
	}
	if err != nil {
		return c, decodeError(err)
	}
	fields, ok := commandFields[c.T]
	if !ok {
		return c, E("bad_type")
	}
	var names map[string]jsontext.Value
	if err := jsonv2.Unmarshal(data, &names); err != nil {
		return c, decodeError(err)
	}
	for name, value := range names {
		if name != "t" && name != "id" && !hasWord(fields.must, name) && !hasWord(fields.may, name) {
			return c, Ef("bad_field", "unknown field "+quoteName(name))
		}
		if string(value) == "null" {
			return c, Ef("bad_field", "field "+quoteName(name)+" is null")
		}
	}
	for name := range strings.FieldsSeq(fields.must) {
		if _, ok := names[name]; !ok {
			return c, Ef("bad_field", "missing field "+quoteName(name))
		}
	}
	if c.T != "pong" && c.ID == nil {
		return c, Ef("bad_field", `missing field "id"`)
	}
	return c, nil
}

func hasWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}

// quoteName quotes a client's own field name for the answer, shortened so that it can't inflate it.
func quoteName(name string) string {
	if r := []rune(name); len(r) > 40 {
		name = string(r[:40]) + "…"
	}
	b, _ := json.Marshal(name)
	return string(b)
}

// validID reports whether a command's id is a short string or an integer.
func validID(v jsontext.Value) bool {
	if len(v) == 0 || len(v) > 66 {
		return false
	}
	switch v.Kind() {
	case '"':
		return true
	case '0':
		return !strings.ContainsAny(string(v), ".eE")
	}
	return false
}

// decodeError names what was wrong with a frame.
func decodeError(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	if errors.Is(err, jsonv2.ErrUnknownName) {
		return Ef("bad_field", "unknown field")
	}
	var semantic *jsonv2.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntactic):
		if strings.Contains(syntactic.Err.Error(), "UTF-8") || strings.Contains(syntactic.Err.Error(), "surrogate") {
			return E("bad_utf8")
		}
		return E("bad_json")
	case errors.As(err, &semantic) && semantic.JSONPointer != "":
		return Ef("bad_field", "wrong type at "+quoteName(string(semantic.JSONPointer)))
	}
	return E("bad_json")
}

// The server's answers and pushes. Events have a file of their own (event.go).

type helloFrame struct {
	T        string         `json:"t"`
	ID       jsontext.Value `json:"id,omitempty"`
	V        int            `json:"v"`
	Session  string         `json:"session"`
	User     helloUser      `json:"user"`
	Tenant   helloTenant    `json:"tenant"`
	PingMS   int64          `json:"ping_ms"`
	MaxBytes int            `json:"max_bytes"`
	Now      string         `json:"now"`
	Quota    []QuotaView    `json:"quota,omitempty"`
	Feat     []string       `json:"feat"`
}

type helloUser struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role"`
}

type helloTenant struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

type okFrame struct {
	T     string         `json:"t"`
	ID    jsontext.Value `json:"id,omitempty"`
	Conv  string         `json:"conv,omitempty"`
	Msg   string         `json:"msg,omitempty"`
	Run   string         `json:"run,omitempty"`
	Seq   int64          `json:"seq,omitempty"`
	Dup   *bool          `json:"dup,omitempty"`
	Queue bool           `json:"queued,omitempty"`
	Title string         `json:"title,omitempty"`
	Owner *OwnerView     `json:"owner,omitempty"`
	Entry string         `json:"entry,omitempty"` // of the staff log
}

type errFrame struct {
	T       string         `json:"t"`
	ID      jsontext.Value `json:"id,omitempty"`
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Retry   bool           `json:"retry"`
	RetryMS int64          `json:"retry_ms,omitempty"`
	ResetAt string         `json:"reset_at,omitempty"`
	Ref     string         `json:"ref,omitempty"`
	Owner   *OwnerView     `json:"owner,omitempty"`
}

type resumedFrame struct {
	T         string         `json:"t"`
	ID        jsontext.Value `json:"id,omitempty"`
	Conv      string         `json:"conv"`
	Ep        string         `json:"ep"`
	From      int64          `json:"from"`
	To        int64          `json:"to"`
	Recovered bool           `json:"recovered"`
}

type snapFrame struct {
	T        string         `json:"t"`
	ID       jsontext.Value `json:"id,omitempty"`
	Conv     string         `json:"conv"`
	Ep       string         `json:"ep"`
	Seq      int64          `json:"seq"`
	Title    string         `json:"title"`
	Messages []MessageView  `json:"messages"`
	Open     *openView      `json:"open"`
	Waiting  *waitingView   `json:"waiting,omitempty"`
	Owner    OwnerView      `json:"owner"`
	State    string         `json:"state"`
	More     bool           `json:"more"`
	// Recovered is false in the answer to a `sub` whose position is gone, and absent otherwise.
	Recovered *bool `json:"recovered,omitempty"`
}

// openView is the answer that is being written, with all of its text and reasoning so far; off is the text's length in
// bytes.
type openView struct {
	Run    string `json:"run"`
	Msg    string `json:"msg"`
	Parent string `json:"parent,omitempty"`
	Model  string `json:"model,omitempty"`
	Text   string `json:"text"`
	Off    int64  `json:"off"`
	// Reasoning is the model's, where the configuration shows it.
	Reasoning string `json:"reasoning,omitempty"`
}

// waitingView is the message that waits for its turn.
type waitingView struct {
	Run string `json:"run"`
	Msg string `json:"msg,omitempty"`
}

type typingFrame struct {
	T    string `json:"t"`
	Conv string `json:"conv"`
	By   By     `json:"by"`
}

type plainFrame struct {
	T    string `json:"t"`
	InMS int64  `json:"in_ms,omitempty"`
}

// encode returns a frame's bytes. Frames hold only strings, numbers and times, so it can't fail.
// HTML is not escaped: frames are never part of a page, and the escapes would make six bytes of one.
func encode(frame any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(frame); err != nil {
		panic("hub: encode frame: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}

func encodeError(id jsontext.Value, e *Error, ref string) []byte {
	f := errFrame{T: "err", ID: id, Code: e.Code, Message: e.Message, Retry: e.Retry, RetryMS: e.RetryIn.Milliseconds(), Ref: ref, Owner: e.Owner}
	if !e.ResetAt.IsZero() {
		f.ResetAt = stamp(e.ResetAt)
	}
	return encode(f)
}

// stamp formats a time for the wire: UTC with milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// shorten cuts s to at most n runes, for titles.
func shorten(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:n-1])) + "…"
}

// roleName is the role of a message on the wire.
func roleName(stored string) string {
	switch stored {
	case store.RoleAssistant:
		return "assistant"
	case store.RoleAgent:
		return "agent"
	}
	return "user"
}

// Commands lists the types of frames a client may send.
func Commands() []string { return slices.Sorted(maps.Keys(commandFields)) }
