package rig

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aihub/e2e/upstream"
)

// MasterKey is the key that all instances of a world share. It is made up, and no test may find it in any output.
const MasterKey = "3v3SYVm8rVnq4nVbJqQwq2m0lqVYJx3ZJ8b2uXq9cXk="

// UpstreamKey is the key the model server is called with.
const UpstreamKey = "sk-canary-5f1d2c7e9b804a6d"

// A Setup says what a world is like.
type Setup struct {
	Instances int               // 0: one
	External  bool              // MongoDB and NATS instead of the embedded engines; several instances need it
	Plain     bool              // for measuring: without the race detector, and with no proxy between instances and bus
	Limits    []PlanLimit       // of every plan; none: no limits
	Env       map[string]string // further environment
	Cluster   bool              // the bus is a cluster of three nodes, which keeps three copies of the log
	Disk      string            // the size of a file system of their own for the data of embedded engines, like 64m
	Skew      []time.Duration   // by how much the clock of each instance is ahead, which SetClock can change; none: all are right
	NoModel   bool              // no model server: the program's own rehearsal model answers
}

// A World is a running installation with everything around it. It ends with the test.
type World struct {
	T         testing.TB
	Up        *upstream.Server
	NATS      *NATS    // nil when embedded, or a cluster
	Cluster   *Cluster // nil when it is none
	DB        *Database
	Instances []*Instance
	Edges     []*Proxy // clients to instance i
	BusLines  []*Proxy // instance i to NATS; none to a cluster, whose nodes an instance finds itself, and none when Plain
	DataLines []*Steps // instance i to MongoDB

	setup Setup
	path  string
	envs  []map[string]string
}

// New starts a world.
func New(t testing.TB, s Setup) *World {
	t.Helper()
	w := &World{T: t, setup: s}
	if s.Skew == nil {
		w.path = Binary(t, !s.Plain)
	} else {
		w.path = build(t, "aihub-clock", func(dir string) []string { return wrongClock(t, dir) })
	}
	n := max(1, s.Instances)
	up, err := upstream.Listen("127.0.0.1:0", upstream.Default())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = up.Close() })
	w.Up = up
	var mongoURI string
	if s.Cluster {
		w.Cluster = StartCluster(t)
	} else if s.External || n > 1 {
		w.NATS = StartNATS(t)
	}
	if s.External || s.Cluster || n > 1 {
		w.DB, mongoURI = NewMongo(t)
	}
	for i := range n {
		env := map[string]string{"AIHUB_DATA": t.TempDir(), "AIHUB_MASTER_KEY": MasterKey, "AIHUB_ENV": "development", "AIHUB_DRAIN": "5"}
		if s.Disk != "" {
			mount(t, env["AIHUB_DATA"], s.Disk)
		}
		if !s.NoModel {
			maps.Copy(env, map[string]string{"OPENAI_API_KEY": UpstreamKey, "OPENAI_BASE_URL": up.URL(), "OPENAI_MODEL": "scripted"})
		}
		if w.NATS != nil {
			env["NATS_URL"] = w.NATS.URL()
		}
		if w.NATS != nil && !s.Plain {
			bus := NewProxy(t, w.NATS.Addr())
			w.BusLines = append(w.BusLines, bus)
			env["NATS_URL"] = "nats://" + bus.Addr()
		}
		if w.Cluster != nil { // each instance prefers a node of its own
			env["NATS_URL"] = fmt.Sprintf("nats://%s,nats://%s,nats://%s", w.Cluster.Addr(i%3), w.Cluster.Addr((i+1)%3), w.Cluster.Addr((i+2)%3))
			env["NATS_REPLICAS"] = "3"
		}
		if mongoURI != "" {
			data := NewSteps(t, hostOf(t, mongoURI))
			w.DataLines = append(w.DataLines, data)
			env["MONGODB_URI"] = through(t, mongoURI, data.Addr())
		}
		if s.Skew != nil {
			env[clockFile] = filepath.Join(t.TempDir(), "clock")
			setClock(t, env[clockFile], s.Skew[i])
		}
		maps.Copy(env, s.Env)
		w.envs = append(w.envs, env)
		w.Edges = append(w.Edges, NewProxy(t, ""))
		w.Instances = append(w.Instances, nil)
		w.Run(i)
	}
	if w.DB == nil {
		w.DB = OpenFile(t, w.Data())
	}
	w.DB.Limit(t, s.Limits...)
	return w
}

// Run starts instance i, which must not be running, with the data it had.
func (w *World) Run(i int) *Instance {
	w.T.Helper()
	in := Start(w.T, w.path, fmt.Sprintf("hub%d", i+1), w.envs[i])
	w.Instances[i] = in
	w.Edges[i].Target(strings.TrimPrefix(in.URL, "http://"))
	return in
}

// Data is the directory of the embedded engines.
func (w *World) Data() string { return w.envs[0]["AIHUB_DATA"] }

// Pause stops instance i from running, as a machine that swaps or a container that is frozen, until resume is called.
func (w *World) Pause(i int) (resume func()) {
	in := w.Instances[i]
	in.Signal(syscall.SIGSTOP)
	return func() { in.Signal(syscall.SIGCONT) }
}

// Base is the address of instance i through its edge.
func (w *World) Base(i int) string { return "http://" + w.Edges[i].Addr() }

// Bases are the addresses of all instances.
func (w *World) Bases() []string {
	var all []string
	for i := range w.Edges {
		all = append(all, w.Base(i))
	}
	return all
}

// Person is someone of the demo, on instance i: name is usuario, supervisor or admin.
func (w *World) Person(tenant, name string, i int) *API {
	return &API{Base: func() string { return w.Base(i) }, Tenant: tenant, Email: name + "@" + tenant + ".example"}
}

// Device starts a client of a person that uses any instance.
func (w *World) Device(name string, a *API) *Device {
	d := NewDevice(w.T.Context(), name, a, w.Bases)
	w.T.Cleanup(d.Close)
	return d
}

// DeviceAt starts a client of a person that uses instance i only.
func (w *World) DeviceAt(name string, a *API, i int) *Device {
	d := NewDevice(w.T.Context(), name, a, func() []string { return []string{w.Base(i)} })
	w.T.Cleanup(d.Close)
	return d
}

// Context ends at a deadline that only a hanging test reaches.
func (w *World) Context(limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(w.T.Context(), limit)
	w.T.Cleanup(cancel)
	return ctx
}

func hostOf(t testing.TB, uri string) string {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		t.Fatal("the MongoDB URI can't be read")
	}
	return u.Host
}

// through is the URI with another address. The driver must not look for further members behind it.
func through(t testing.TB, uri, addr string) string {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal("the MongoDB URI can't be read")
	}
	u.Host = addr
	q := u.Query()
	q.Set("directConnection", "true")
	u.RawQuery = q.Encode()
	return u.String()
}
