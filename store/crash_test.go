package store_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aihub/store"
)

// crashChild is set for the process that the crash test starts and kills.
const crashChild = "AIHUB_TEST_CRASH_CHILD"

const crashTenant = "loja"

// writeUntilKilled stores messages and reservations and says each name once it is acknowledged.
func writeUntilKilled(path string) {
	ctx := context.Background()
	s, err := store.Open(ctx, "sqlite:"+path, store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	id, err := store.ParseTenantID(crashTenant)
	if err != nil {
		fmt.Println("error", err)
		return
	}
	a := s.Tenant(id)
	race(4, func(i int) {
		for {
			msg, run := store.NewID("m"), store.NewID("r")
			if _, err := a.Reserve(ctx, fmt.Sprint("u_", i), run, store.Plan{}, 10); err != nil {
				fmt.Println("error", err)
				return
			}
			m := store.Interaction{ID: msg, ConversationID: "c_1", Author: "u_1", CID: msg, Text: strings.Repeat("texto ", 200), At: time.Now()}
			if err := a.AddMessage(ctx, m); err != nil {
				fmt.Println("error", err)
				return
			}
			_, _ = os.Stdout.WriteString("stored " + msg + " " + run + "\n")
			if rand.N(2) == 0 {
				if err := a.Settle(ctx, fmt.Sprint("u_", i), run, 7, false); err != nil {
					fmt.Println("error", err)
					return
				}
				_, _ = os.Stdout.WriteString("settled " + msg + " " + run + "\n")
			}
		}
	})
}

// A process that is killed at any moment has lost nothing that it acknowledged, and leaves every document whole.
func TestAKilledProcessLosesNothingItAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crash.db")
	ctx := t.Context()
	stored, settled := map[string]string{}, map[string]bool{}
	const rounds, enough = 12, 50
	for round := 0; round < rounds || (len(stored) < enough && round < 10*rounds); round++ { // a slow machine needs more of them
		child := exec.CommandContext(ctx, os.Args[0])
		child.Env = append(os.Environ(), crashChild+"="+path)
		out, err := child.StdoutPipe()
		must(t, err)
		must(t, child.Start())
		var killed *time.Timer
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if killed == nil { // it has begun
				killed = time.AfterFunc(rand.N(120*time.Millisecond), func() { _ = child.Process.Kill() })
			}
			part := strings.Fields(lines.Text())
			switch {
			case len(part) == 3 && part[0] == "stored":
				stored[part[1]] = part[2]
			case len(part) == 3 && part[0] == "settled":
				settled[part[2]] = true
			case len(part) > 0 && part[0] == "error":
				t.Fatal(lines.Text())
			}
		}
		_ = child.Wait()

		s, err := store.Open(ctx, "sqlite:"+path, store.Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
		must(t, err)
		id, err := store.ParseTenantID(crashTenant)
		must(t, err)
		a := s.Tenant(id)
		for msg := range stored {
			if _, err := a.Message(ctx, msg); err != nil {
				t.Errorf("round %d: message %s: %v", round, msg, err)
			}
		}
		open := map[string]bool{}
		for i := range 4 {
			l, err := store.LedgerOf(ctx, a, fmt.Sprint("u_", i))
			must(t, err)
			if l.Documents == 1 && l.Open != int64(l.Reserved) {
				t.Errorf("round %d: half a change: %+v", round, l)
			}
		}
		list, err := a.OpenReservations(ctx, time.Now().Add(time.Hour))
		must(t, err)
		for _, o := range list {
			open[o.Run] = true
		}
		for _, run := range stored {
			if !settled[run] && !open[run] {
				// Settled, and killed before it could say so: never one of an earlier round.
				settled[run] = true
			} else if settled[run] && open[run] {
				t.Errorf("round %d: run %s is open again", round, run)
			}
		}
		must(t, s.Close(ctx))
		must(t, store.Backup(ctx, "sqlite:"+path, fmt.Sprint(path, ".", round))) // it checks the whole file
	}
	if len(stored) < enough {
		t.Errorf("only %d messages were stored: the test shows little", len(stored))
	}
	t.Logf("%d messages and reservations acknowledged over at least %d kills", len(stored), rounds)
}
