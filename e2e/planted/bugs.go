// Package planted asks whether the harness finds bugs: each entry of [Bugs] breaks one promise of the program on purpose,
// and a test of package e2e, which knows only the public protocol, must then fail. The program's files stay as they are;
// the compiler is handed the changed ones beside them.
package planted

// A Bug is a change of the program and the test that finds it.
type Bug struct {
	Name string // what the program then does
	File string
	Old  string // stands there exactly once
	New  string
	Test string // of package e2e, as go test -run has it
}

// Bugs are all of them.
var Bugs = []Bug{
	// Streams and resuming.
	{"counts code points where the protocol counts bytes", "hub/run.go",
		`piece, off := s.piece(), int64(s.logged)`, `piece, off := s.piece(), int64(len([]rune(string(s.shown[:s.logged]))))`, `TestAMessageIsAnswered.*/embedded`},
	{"cuts a delta inside a code point", "hub/event.go",
		`for limit > 0 && !utf8.RuneStart(b[limit]) {`, `for limit < 0 && !utf8.RuneStart(b[limit]) {`, `TestAFastAnswer`},
	{"resumes one event too late", "hub/room.go",
		`for _, f := range mergeFrames(r.after(since.Seq)) {`, `for _, f := range mergeFrames(r.after(since.Seq + 1)) {`, `TestAReload.*/embedded`},
	{"claims more in a snapshot than it holds", "hub/snapshot.go",
		`snap.Ep, snap.Seq = r.ep, r.last`, `snap.Ep, snap.Seq = r.ep, r.last+1`, `TestAReload.*/embedded`},
	{"leaves out what follows the beginning of a long answer", "hub/snapshot.go",
		`for _, f := range mergeFrames(r.after(snap.Seq)) {`, `for _, f := range mergeFrames(r.after(r.last)) {`, `TestAFastAnswer`},
	{"calls an answer complete that broke off", "hub/run.go",
		`return outcome{state: store.RunFailed, code: e.Code}, true`, `return outcome{state: store.RunComplete, finish: "stop"}, true`, `TestAFaultOfTheModel`},
	{"does not tell the text again in a new log", "hub/run.go",
		`r.log.lost, r.begun, r.answer.logged, r.thoughts.logged = false, false, 0, 0`, `r.log.lost = false`, `TestAnEmptiedBus`},
	{"appends to the log without looking at its end", "hub/natsbus/natsbus.go",
		`jetstream.WithExpectLastSequencePerSubject(after), jetstream.WithRetryAttempts(0)`, `jetstream.WithRetryAttempts(0)`, `TestTakeovers`},

	// Runs.
	{"does not stop the model", "hub/commands.go",
		"\t\t\tr.halt(haltOf(how))\n", "", `TestStopReaches.*/embedded`},
	{"leaves the runs of dead instances", "hub/reaper.go",
		`h.reapRun(ctx, t, m)`, `_ = m`, `TestAnInterruptedAnswer`},
	{"does not wait for live answers when it stops", "hub/hub.go",
		`if !h.runs.wait(drained) {`, `if drained.Err() == nil {`, `TestCtrlC`},
	{"writes behind a person who took over", "hub/run.go",
		`if r.log.taken > r.epoch {`, `if r.log.taken > r.epoch+1<<30 {`, `TestTakeovers`},
	{"tells the model to go on without what was said", "hub/prompt.go",
		`if th.said == "" {`, `if th.said != "\x00" {`, `TestAnInterruptedAnswer`},

	// Idempotency and quota.
	{"takes every copy for a message of its own", "hub/admit.go",
		`func runID(conv, author, cid string) string { return derivedID("r", conv, author, cid) }`,
		`func runID(conv, author, cid string) string { return derivedID("r", conv, author, cid, newEp()) }`, `TestCopies`},
	{"accepts another text under the same cid", "hub/admit.go",
		`if m.Text != *c.Text || (c.Parent`, `if (c.Parent`, `TestCopies`},
	{"never settles the quota", "hub/settle.go",
		`return s.tenant.Settle(ctx, s.user, s.run, tokens, refund)`, `_, _ = tokens, refund; return nil`, `TestAMessageIsAnswered.*/embedded`},
	{"charges for an answer that never came", "hub/settle.go",
		`refund := s.final.Len == 0 && s.final.State != store.RunComplete`, `refund := s.final.Len < 0`, `TestAFaultOfTheModel`},
	{"passes an estimate off as the provider's count", "hub/settle.go",
		`Out: llm.CountTokens(string(text)), Estimated: true}`, `Out: llm.CountTokens(string(text))}`, `TestAFaultOfTheModel`},
	{"admits one more than the limit", "store/quota.go", `fits(key, l, 1, want.Tokens)`, `fits(key, l, 0, want.Tokens)`, `TestExactlyAsMany`},

	// Tenants and people.
	{"reads other tenants' documents", "store/internal/sqlitedoc/sqlitedoc.go",
		`clause, args = "tenant = ? AND "+clause, []any{t}`, `clause, args = "tenant > ? AND "+clause, []any{t[:0]}`, `TestAnotherTenantGetsNotFoundOnEveryFrame`},
	{"shows a conversation to whoever asks", "hub/commands.go",
		`if (c.UserID != who.User && !who.staff()) || c.State`, `if c.State`, `TestAnotherPerson`},

	// The wire.
	{"waits for ever for the first frame", "hub/session.go",
		`checkAt: time.Now().Add(authTimeout)`, `checkAt: time.Now().Add(1000 * authTimeout)`, `TestWhoDoesNotAuthenticate`},
	{"reads frames of any size", "handlers/ws.go",
		`ws.SetReadLimit(hub.MaxFrame)`, `ws.SetReadLimit(1000 * hub.MaxFrame)`, `TestWhatIsNotUTF8`},
	{"takes bytes that are not UTF-8", "hub/session.go",
		`if !utf8.Valid(data) {`, `if len(data) < 0 && !utf8.Valid(data) {`, `TestWhatIsNotUTF8`},
	{"accepts fields that a command does not have", "hub/frame.go",
		`!hasWord(fields.must, name) && !hasWord(fields.may, name)`, `name == ""`, `TestABadFrame`},
	{"lets a flood through", "hub/session.go",
		`return s.limiter.Allow() && s.circle.allow(s.principal().User)`, `return true`, `TestAFlood`},
}
