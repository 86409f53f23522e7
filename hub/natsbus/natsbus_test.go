package natsbus_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"aihub/hub"
	"aihub/hub/bustest"
	"aihub/hub/natsbus"
	"aihub/store"
)

var silent = slog.New(slog.DiscardHandler)

func TestEmbedded(t *testing.T) {
	bustest.Run(t, func(t *testing.T) (hub.Bus, hub.Bus) {
		b, err := natsbus.Embedded(t.Context(), t.TempDir(), silent)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close(context.Background()) })
		return b, b
	})
}

func TestExternal(t *testing.T) {
	bustest.Run(t, func(t *testing.T) (hub.Bus, hub.Bus) {
		s := startServer(t, t.TempDir(), server.RANDOM_PORT)
		return connect(t, s), connect(t, s)
	})
}

// A server that starts again with an empty disk is used as if it were new; who followed goes on following.
func TestAnEmptiedServer(t *testing.T) {
	s := startServer(t, t.TempDir(), server.RANDOM_PORT)
	b := connect(t, s)
	topic, heard := follow(t, b)
	rev, err := b.Append(t.Context(), topic, 0, []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	<-heard
	port := s.Addr().(*net.TCPAddr).Port
	s.Shutdown()
	s.WaitForShutdown()
	if _, err := b.Append(t.Context(), topic, rev, []byte("lost")); err == nil || errors.Is(err, hub.ErrStale) {
		t.Errorf("append without a server: %v", err)
	}
	startServer(t, t.TempDir(), port)
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err = b.Append(t.Context(), topic, rev, []byte("stale")); errors.Is(err, hub.ErrStale) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("append to the emptied server: %v, want ErrStale", err)
		}
	}
	if last, err := b.Last(t.Context(), topic); err != nil || last.Rev != 0 {
		t.Errorf("last: %v, %v", last, err)
	}
	if _, err := b.Append(t.Context(), topic, 0, []byte("two")); err != nil {
		t.Errorf("append: %v", err)
	}
	for _, want := range []string{"", "two"} { // first that something may have been missed
		select {
		case e := <-heard:
			if string(e.Data) != want {
				t.Errorf("heard %q, not %q", e.Data, want)
			}
		case <-time.After(10 * time.Second):
			t.Error("the follower hears nothing")
		}
	}
	if _, err := b.Keep(t.Context(), topic.Tenant, "c_1", 0, []byte("kept")); err != nil {
		t.Errorf("keep: %v", err)
	}
	if err := b.Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
}

// follow hears what is appended to a new conversation of alfa.
func follow(t *testing.T, b *natsbus.Bus) (hub.Topic, <-chan hub.Entry) {
	t.Helper()
	alfa, err := store.ParseTenantID("alfa")
	if err != nil {
		t.Fatal(err)
	}
	topic, heard := hub.Topic{Tenant: alfa, Conv: store.NewID("c")}, make(chan hub.Entry, 100)
	stop, err := b.Follow(t.Context(), topic, func(e hub.Entry) { heard <- e })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return topic, heard
}

// startServer runs a NATS server with JetStream on the loopback interface.
func startServer(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server is not ready")
	}
	return s
}

func connect(t *testing.T, s *server.Server) *natsbus.Bus {
	t.Helper()
	b, err := natsbus.Connect(t.Context(), s.ClientURL(), 1, silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}

func TestAConnectionThatWasLostTellsFollowersToLookAgain(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir, server.RANDOM_PORT)
	b := connect(t, s)
	id, err := store.ParseTenantID("alfa")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan hub.Entry, 10)
	stop, err := b.Follow(t.Context(), hub.Topic{Tenant: id, Conv: "c_1"}, func(e hub.Entry) { got <- e })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	port := s.Addr().(*net.TCPAddr).Port
	s.Shutdown()
	s.WaitForShutdown()
	startServer(t, dir, port)
	select {
	case e := <-got:
		if e.Rev != 0 || e.Data != nil {
			t.Fatalf("received %+v, not the zero entry", e)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was received")
	}
}
