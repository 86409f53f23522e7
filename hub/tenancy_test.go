package hub_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"aihub/hub"
	"aihub/store"
)

// Every command that names something, sent by every role of beta with the ids of alfa, gets exactly the bytes that an
// unknown id gets; and nothing of alfa reaches beta. A command without a case here fails.
func TestForeignIDsAreUnknownIDs(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	alfa := connect(t, h, "alfa/usuario")
	const canary = "canário-de-alfa"
	ok := alfa.ask("", "um", canary+" n=3")
	end := alfa.ended(ok.Run)
	live := alfa.ask("", "dois", canary+" n=100000 gap=5ms")
	queued := alfa.ask(live.Conv, "três", canary+" n=1")
	names := map[string][]string{"conv": {ok.Conv, live.Conv}, "run": {ok.Run, live.Run, queued.Run}, "msg": {ok.Msg, end.Msg}, "parent": {ok.Msg, end.Msg}}
	for _, command := range hub.Commands() {
		cases := foreignCases(command)
		if cases == nil {
			t.Errorf("no case for the command %s", command)
		}
		for _, role := range []string{"usuario", "supervisor", "admin"} {
			for _, fields := range cases {
				for field, ids := range names {
					if !strings.Contains(fields, "$"+field) {
						continue
					}
					for _, id := range ids {
						c := connect(t, h, "beta/"+role)
						foreign := answerTo(c, command, strings.ReplaceAll(fields, "$"+field, id))
						unknown := answerTo(c, command, strings.ReplaceAll(fields, "$"+field, store.NewID(id[:1])))
						if !bytes.Equal(foreign, unknown) {
							t.Errorf("%s as %s of beta with %s=%s:\n%s\nan unknown one:\n%s", command, role, field, id, foreign, unknown)
						}
						if !bytes.Contains(foreign, []byte(`"code":"not_found"`)) && command != "unsub" && !(forStaff(command) && role == "usuario") {
							t.Errorf("%s as %s: %s", command, role, foreign)
						}
						for _, f := range c.all() {
							if bytes.Contains(f.raw, []byte(canary)) || bytes.Contains(f.raw, []byte("u_alfa")) {
								t.Errorf("alfa in beta's frame: %s", f.raw)
							}
						}
						c.end()
						<-c.done
					}
				}
			}
		}
	}
	if _, err := alfa.awaitFor(1, func(f in) bool { return f.K == "run.end" && f.Run == live.Run }); err == nil {
		t.Error("beta stopped alfa's answer")
	}
	alfa.do(map[string]any{"t": "stop", "run": queued.Run})
	alfa.do(map[string]any{"t": "stop", "run": live.Run})
	alfa.ended(live.Run)
	stranger := connect(t, h, "alfa/outro")
	for _, f := range []in{stranger.do(map[string]any{"t": "sub", "conv": ok.Conv}), stranger.do(map[string]any{"t": "stop", "run": live.Run}),
		stranger.do(map[string]any{"t": "send", "cid": "x", "text": "x", "conv": ok.Conv})} {
		if f.Code != "not_found" {
			t.Errorf("another person of the tenant: %s", f.raw)
		}
	}
}

// forStaff reports whether a participant is refused before anything is looked up.
func forStaff(command string) bool { return command == "take" || command == "whisper" }

// foreignCases are the ways in which a command can name something, with $conv, $run, $msg or $parent for the id.
func foreignCases(command string) []string {
	switch command {
	case "sub":
		return []string{`"conv":"$conv"`, `"conv":"$conv","since":{"ep":"e1","seq":1}`, `"conv":"$conv","since":{"ep":"","seq":0}`}
	case "unsub", "typing":
		return []string{`"conv":"$conv"`}
	case "send":
		return []string{`"cid":"x","text":"x","conv":"$conv"`, `"cid":"y","text":"x","parent":"$parent"`}
	case "regen", "continue":
		return []string{`"cid":"x","msg":"$msg"`}
	case "stop":
		return []string{`"run":"$run"`}
	case "take", "release":
		return []string{`"conv":"$conv","epoch":0`, `"conv":"$conv","epoch":1,"note":"x"`}
	case "call", "end":
		return []string{`"conv":"$conv"`}
	case "whisper":
		return []string{`"conv":"$conv","text":"x","to":"ai"`, `"conv":"$conv","text":"x","to":"staff","cid":"x"`}
	case "auth", "pong", "watch", "unwatch", "context":
		return []string{} // they name nothing
	}
	return nil
}

// answerTo sends a command with the id 77 and returns the answer's bytes, without the names that the command gave.
func answerTo(c *client, command, fields string) []byte {
	before := len(c.all())
	c.raw(fmt.Sprintf(`{"t":%q,"id":77,%s}`, command, fields))
	f := c.await("an answer", func(f in) bool { return string(f.ID) == "77" && len(c.frames) > before })
	for _, g := range c.frames[before:] {
		if string(g.ID) == "77" {
			f = g
		}
	}
	out := f.raw
	for _, part := range strings.Split(fields, `"`) {
		if len(part) == 28 && part[1] == '_' {
			out = bytes.ReplaceAll(out, []byte(part), []byte("ID"))
		}
	}
	return out
}
