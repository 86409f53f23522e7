package natsbus_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"aihub/hub"
	"aihub/hub/bustest"
	"aihub/hub/natsbus"
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
	b, err := natsbus.Connect(t.Context(), s.ClientURL(), silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}
