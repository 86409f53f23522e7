package natsbus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"aihub/hub"
	"aihub/hub/bustest"
	"aihub/hub/natsbus"
)

// startCluster runs three NATS servers that keep their streams together.
func startCluster(t *testing.T) []*server.Server {
	t.Helper()
	for range 5 { // somebody else may take a port that was found free
		if nodes := tryCluster(t); nodes != nil {
			return nodes
		}
	}
	t.Fatal("the cluster finds no leader")
	return nil
}

// tryCluster returns nil when the servers do not come together.
func tryCluster(t *testing.T) []*server.Server {
	t.Helper()
	var routes []*url.URL
	ports := make([]int, 3)
	var free []net.Listener
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		free = append(free, l)
		ports[i] = l.Addr().(*net.TCPAddr).Port
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", ports[i])})
	}
	for _, l := range free { // not earlier, or two nodes may get the same port
		_ = l.Close()
	}
	var nodes []*server.Server
	for i, port := range ports {
		s, err := server.NewServer(&server.Options{ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(),
			NoSigs: true, NoLog: true, Cluster: server.ClusterOpts{Name: "aihub", Host: "127.0.0.1", Port: port}, Routes: routes})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		nodes = append(nodes, s)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		ready := func(s *server.Server) bool { return s.ReadyForConnections(time.Second) && s.JetStreamIsCurrent() }
		if ready(nodes[0]) && ready(nodes[1]) && ready(nodes[2]) {
			return nodes
		}
	}
	return nil
}

func eventually(t *testing.T, otherwise string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(otherwise)
		}
	}
}

func connectTo(t *testing.T, s *server.Server) *natsbus.Bus {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	b, err := natsbus.Connect(ctx, s.ClientURL(), 3, silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}

func TestCluster(t *testing.T) {
	nodes := startCluster(t)
	bustest.Run(t, func(t *testing.T) (hub.Bus, hub.Bus) { return connectTo(t, nodes[0]), connectTo(t, nodes[1]) })
}

// The node that leads the log dies: nothing that was accepted is lost, and the log goes on for who stands at the others.
func TestAClusterGoesOnWithoutItsLeader(t *testing.T) {
	nodes := startCluster(t)
	buses := []*natsbus.Bus{connectTo(t, nodes[0]), connectTo(t, nodes[1]), connectTo(t, nodes[2])}
	leader := -1
	eventually(t, "the log has no leader", func() bool {
		for i, s := range nodes {
			if s.JetStreamIsStreamLeader("$G", "AIHUB_LOG") {
				leader = i
			}
		}
		return leader >= 0
	})
	writer, reader := buses[(leader+1)%3], buses[(leader+2)%3]
	topic, heard := follow(t, reader)
	var rev uint64
	accepted := []string{}
	for i := range 20 {
		if i == 10 {
			nodes[leader].Shutdown()
			nodes[leader].WaitForShutdown()
		}
		data := fmt.Sprint("entry ", i)
		eventually(t, "the log takes nothing any more", func() bool {
			next, err := writer.Append(t.Context(), topic, rev, []byte(data))
			if errors.Is(err, hub.ErrStale) { // an earlier try was accepted and its answer lost
				last, err := writer.Last(t.Context(), topic)
				if err != nil || string(last.Data) != data {
					return false
				}
				next = last.Rev
			} else if err != nil {
				return false
			}
			rev = next
			return true
		})
		accepted = append(accepted, data)
	}
	var entries []hub.Entry
	eventually(t, "the log can't be read any more", func() bool {
		var err error
		entries, err = reader.Read(t.Context(), topic, 0)
		return err == nil
	})
	for i, e := range entries {
		if i >= len(accepted) || string(e.Data) != accepted[i] {
			t.Fatalf("entry %d is %q", i, e.Data)
		}
	}
	if len(entries) != len(accepted) {
		t.Errorf("%d of %d entries", len(entries), len(accepted))
	}
	told := false
	for string((<-heard).Data) != "entry 19" {
		told = true
	}
	if !told {
		t.Error("the follower heard nothing before the last entry")
	}
	if err := reader.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}
