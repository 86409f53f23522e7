package rig

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A NATS is a bus server with JetStream inside the test's process. It keeps its port when it is started again.
type NATS struct {
	server *server.Server
	dir    string
	port   int
}

// StartNATS starts a bus; it ends with the test.
func StartNATS(t testing.TB) *NATS {
	t.Helper()
	n := &NATS{dir: t.TempDir(), port: server.RANDOM_PORT}
	n.Start(t)
	t.Cleanup(n.Stop)
	return n
}

// URL is where it listens.
func (n *NATS) URL() string { return n.server.ClientURL() }

// Addr is the address behind URL.
func (n *NATS) Addr() string { return n.server.Addr().String() }

// Start starts a stopped bus with what it had stored.
func (n *NATS) Start(t testing.TB) {
	t.Helper()
	s, err := server.NewServer(&server.Options{ServerName: "test", Host: "127.0.0.1", Port: n.port, JetStream: true, StoreDir: n.dir,
		NoSigs: true, NoLog: true, MaxPayload: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the bus does not start")
	}
	n.server = s
	n.port = s.Addr().(*net.TCPAddr).Port
}

// Stop stops the bus; what it has stored stays.
func (n *NATS) Stop() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}

// Forget deletes what a stopped bus has stored.
func (n *NATS) Forget(t testing.TB) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(n.dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
}
