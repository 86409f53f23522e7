package rig

import (
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A Cluster is three bus servers that keep the log together, inside the test's process. A node that is started again has
// the addresses and the files it had.
type Cluster struct {
	nodes   [3]*server.Server
	options [3]server.Options
}

// StartCluster starts a cluster; it ends with the test.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	for range 5 { // somebody else may take a port that was found free
		if c := tryCluster(t); c != nil {
			return c
		}
	}
	t.Fatal("the cluster does not come together")
	return nil
}

func tryCluster(t testing.TB) *Cluster {
	c := &Cluster{}
	var free []net.Listener
	port := func() int {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		free = append(free, l)
		return l.Addr().(*net.TCPAddr).Port
	}
	var routes []*url.URL
	for i := range c.options {
		cluster := server.ClusterOpts{Name: "aihub", Host: "127.0.0.1", Port: port()}
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", cluster.Port)})
		c.options[i] = server.Options{ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: port(), JetStream: true, StoreDir: t.TempDir(),
			NoSigs: true, NoLog: true, MaxPayload: 1 << 20, Cluster: cluster}
	}
	for _, l := range free { // not earlier, or two nodes may get the same port
		_ = l.Close()
	}
	for i := range c.options {
		c.options[i].Routes = routes
		if !c.begin(t, i) {
			return nil
		}
		t.Cleanup(func() { c.Stop(i) })
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c.ready(0) && c.ready(1) && c.ready(2) {
			return c
		}
	}
	return nil
}

func (c *Cluster) begin(t testing.TB, i int) bool {
	options := c.options[i]
	s, err := server.NewServer(&options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	c.nodes[i] = s
	return s.ReadyForConnections(20 * time.Second)
}

func (c *Cluster) ready(i int) bool {
	return c.nodes[i].ReadyForConnections(time.Second) && c.nodes[i].JetStreamIsCurrent()
}

// Addr is where node i listens.
func (c *Cluster) Addr(i int) string { return fmt.Sprintf("127.0.0.1:%d", c.options[i].Port) }

// Leader is the node that leads the log.
func (c *Cluster) Leader(t testing.TB) int {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for i, s := range c.nodes {
			if s.Running() && s.JetStreamIsStreamLeader("$G", "AIHUB_LOG") {
				return i
			}
		}
	}
	t.Fatal("the log has no leader")
	return 0
}

// Stop ends node i; what it has stored stays.
func (c *Cluster) Stop(i int) {
	c.nodes[i].Shutdown()
	c.nodes[i].WaitForShutdown()
}

// Start starts node i, which was stopped, and waits until it has caught up with the others.
func (c *Cluster) Start(t testing.TB, i int) {
	t.Helper()
	if !c.begin(t, i) {
		t.Fatal("a node of the bus does not start")
	}
	for end := time.Now().Add(30 * time.Second); !c.ready(i); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a node of the bus does not catch up")
		}
	}
}
