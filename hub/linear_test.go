package hub_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"aihub/hub"
)

// histories is how many histories are checked.
var histories = flag.Int("histories", 12, "concurrent histories to check for linearizability")

// ownerState is who answers in a conversation.
type ownerState struct {
	kind, id string
	epoch    int64
}

func stateOf(o *hub.OwnerView) ownerState {
	if o == nil {
		return ownerState{}
	}
	return ownerState{o.Kind, o.ID, o.Epoch}
}

type ownerCall struct {
	op    string // take, release, read
	who   string
	admin bool
	epoch int64 // of take and release
}

type ownerAnswer struct {
	verdict string // ok, or an error's code
	owner   ownerState
}

// ownerModel is the ownership of one conversation as docs/protocol.md has it.
var ownerModel = porcupine.Model{
	Init: func() any { return ownerState{kind: "ai"} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(ownerState), input.(ownerCall), output.(ownerAnswer)
		mine := s.kind == "human" && (s.id == in.who || in.admin)
		verdict := "ok"
		switch {
		case in.op == "take" && s.kind == "human" && s.id == in.who: // a copy of the command
		case in.op == "take" && s.kind == "human":
			verdict = "conv_human"
		case in.op == "take" && s.epoch != in.epoch:
			verdict = "conflict"
		case in.op == "take":
			s = ownerState{"human", in.who, s.epoch + 1}
		case in.op == "release" && s.kind == "ai" && s.epoch == in.epoch+1: // a copy of the command
		case in.op == "release" && s.kind == "human" && !mine:
			verdict = "conv_human"
		case in.op == "release" && (s.epoch != in.epoch || !mine):
			verdict = "conflict"
		case in.op == "release":
			s = ownerState{"ai", "", s.epoch + 1}
		}
		return out == ownerAnswer{verdict, s}, s
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
}

// ownerHistory lets the staff take, release and look at one conversation at the same time over all hubs.
func ownerHistory(t *testing.T, clients []*client, names []string, conv string, seed uint64, lie func(ownerAnswer) ownerAnswer) []porcupine.Operation {
	t.Helper()
	var mu sync.Mutex
	var history []porcupine.Operation
	var racing sync.WaitGroup
	begun := time.Now()
	for i, c := range clients {
		racing.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			known := ownerState{kind: "ai"} // what this client last heard
			for range 7 {
				in := ownerCall{op: []string{"take", "take", "release", "read"}[r.IntN(4)], who: "u_alfa_" + names[i], admin: names[i] == "admin", epoch: known.epoch}
				cmd := map[string]any{"t": in.op, "conv": conv, "epoch": in.epoch}
				if in.op == "read" {
					cmd = map[string]any{"t": "sub", "conv": conv}
				}
				called := time.Since(begun)
				f := c.do(cmd)
				for f.Code == "rate_limited" {
					time.Sleep(100 * time.Millisecond)
					called = time.Since(begun)
					f = c.do(cmd)
				}
				returned := time.Since(begun)
				out := ownerAnswer{"ok", stateOf(f.Owner)}
				if f.T == "err" {
					out.verdict = f.Code
				}
				known = out.owner
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: i, Input: in, Call: called.Nanoseconds(), Output: lie(out), Return: returned.Nanoseconds()})
				mu.Unlock()
			}
		})
	}
	racing.Wait()
	return history
}

func told(out ownerAnswer) ownerAnswer { return out }

// Who owns a conversation is one truth on all instances: whatever the staff does at the same time has the outcome of some
// order in which they do it one after the other, and nobody is told of an owner who is not.
func TestOwnershipIsLinearizable(t *testing.T) {
	w := newWorld(t, unlimited)
	hubs := []*hub.Hub{w.hub(), w.hub(), w.hub()}
	participant := connect(t, hubs[0], "alfa/usuario")
	names := []string{"supervisor", "segundo", "admin", "supervisor+2", "supervisor+3"}
	var clients []*client
	for i, name := range names {
		clients = append(clients, connect(t, hubs[i%3], "alfa/"+name))
	}
	seed := rand.Uint64()
	for i := range *histories {
		sent := participant.ask("", fmt.Sprint("cid-", i), "n=2")
		participant.ended(sent.Run)
		history := ownerHistory(t, clients, names, sent.Conv, seed+uint64(i), told)
		if got := porcupine.CheckOperationsTimeout(ownerModel, history, time.Minute); got != porcupine.Ok {
			text := ""
			for _, o := range history {
				text += fmt.Sprintf("%d %9d %9d %+v → %+v\n", o.ClientId, o.Call, o.Return, o.Input, o.Output)
			}
			t.Fatalf("history %d of %d calls: %s\n%s", i, len(history), got, text)
		}
		if i == 0 { // the check finds a hub that lets everyone have it
			lied := ownerHistory(t, clients, names, sent.Conv, seed, func(out ownerAnswer) ownerAnswer {
				if out.verdict == "conv_human" {
					out.verdict = "ok"
				}
				return out
			})
			if got := porcupine.CheckOperationsTimeout(ownerModel, lied, time.Minute); got != porcupine.Illegal {
				t.Errorf("a history with an owner too many is %s", got)
			}
		}
	}
	t.Logf("%d histories over %d instances", *histories, len(hubs))
}
