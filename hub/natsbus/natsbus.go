// Package natsbus is the hub's bus on NATS JetStream: a server inside this process by default, or an external cluster.
//
// One stream holds the logs of all conversations, a subject each (log.TENANT.CONV), for a few minutes. Appending is a
// publish with the expected last sequence of the subject. Plain subscribers of a subject get a publish even when the
// stream refuses it, so followers listen to what the stream re-publishes after it has accepted it
// (live.TENANT.CONV.log), which carries the stream's sequence in a header. Ephemeral messages share that subject's
// parent (live.TENANT.CONV.now), so that a follower needs one subscription.
package natsbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"aihub/hub"
	"aihub/store"
)

const (
	streamName = "AIHUB_LOG"
	bucketName = "AIHUB_LIVE"
	// retention is how long a conversation can be resumed from the log; runs are bounded far below it.
	retention = 15 * time.Minute
	// maxLog is how many bytes the logs of all conversations may take; what is oldest goes first.
	maxLog = 2 << 30
	// maxEntry is the largest event: merged text of 16 KiB and what JSON escapes make of it.
	maxEntry = 256 << 10
	// maxKept is the largest kept value.
	maxKept = 16 << 10
	// patience bounds an operation whose caller does not.
	patience = 5 * time.Second
)

// A Bus is a connection to NATS. It is safe for concurrent use.
type Bus struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	server *server.Server // embedded, or nil

	replicas  int
	mu        sync.Mutex // guards the rest
	stream    jetstream.Stream
	kept      jetstream.KeyValue
	made      time.Time // when they were looked for last
	followers map[*follower]struct{}
}

// A follower is one call of Follow.
type follower struct{ receive func(hub.Entry) }

var _ hub.Bus = (*Bus)(nil)

// Embedded starts a NATS server inside this process, with its files under dir and no network port.
func Embedded(ctx context.Context, dir string, log *slog.Logger) (*Bus, error) {
	s, err := server.NewServer(&server.Options{ServerName: "aihub", DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true,
		NoLog: true, MaxPayload: 1 << 20,
		JetStreamMaxStore: 2 * maxLog}) // without it, three quarters of what is free: a disk with little room would keep the program from starting
	if err != nil {
		return nil, fmt.Errorf("make the embedded bus: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		return nil, errors.New("start the embedded bus: not ready within 10 s")
	}
	b, err := open(ctx, "", log, 1, nats.InProcessServer(s))
	if err != nil {
		s.Shutdown()
		return nil, err
	}
	b.server = s
	return b, nil
}

// Connect joins an external NATS with JetStream. The first instance makes the stream. A cluster keeps replicas copies of
// the log, 1, 3 or 5, and goes on as long as most of them are there.
func Connect(ctx context.Context, url string, replicas int, log *slog.Logger) (*Bus, error) {
	return open(ctx, url, log, replicas)
}

func open(ctx context.Context, url string, log *slog.Logger, replicas int, more ...nats.Option) (*Bus, error) {
	b := &Bus{replicas: replicas, followers: map[*follower]struct{}{}}
	nc, err := nats.Connect(url, append([]nats.Option{nats.Name("aihub"), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
		nats.Timeout(5 * time.Second), nats.ReconnectBufSize(-1), // a publish fails at once while the server is away
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("bus connection lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			log.Info("bus connection restored")
			b.lookAgain()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) { log.Warn("bus", "error", err) })}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the bus: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("connect to the bus: %w", err)
	}
	b.nc, b.js = nc, js
	// What a leader of the log had accepted and not re-published when it died, its successor does not re-publish.
	_, err = nc.Subscribe("$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED."+streamName, func(*nats.Msg) { b.lookAgain() })
	if err == nil {
		err = b.make(ctx)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return b, nil
}

// make brings the stream and the bucket into being, or finds them.
func (b *Bus) make(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made = time.Now()
	stream, err := b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: streamName, Description: "what people have seen, for minutes", Subjects: []string{"log.*.*"},
		Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, MaxAge: retention, MaxMsgSize: maxEntry, Discard: jetstream.DiscardOld,
		MaxBytes: maxLog, Replicas: b.replicas,
		AllowDirect: b.replicas == 1, // with several copies, a direct read may come from one that is behind
		RePublish:   &jetstream.RePublish{Source: "log.*.*", Destination: "live.{{wildcard(1)}}.{{wildcard(2)}}.log"},
	})
	if err != nil {
		return fmt.Errorf("make the live log: %w", err)
	}
	kept, err := b.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: bucketName, Description: "what instances keep alive, for seconds",
		TTL: hub.KeepFor, History: 1, MaxValueSize: maxKept, Storage: jetstream.MemoryStorage, Replicas: b.replicas})
	if err != nil {
		return fmt.Errorf("make the live registry: %w", err)
	}
	b.stream, b.kept = stream, kept
	return nil
}

// lookAgain tells all followers that what was published while the connection was away was not heard here.
func (b *Bus) lookAgain() {
	b.mu.Lock()
	followers := slices.Collect(maps.Keys(b.followers))
	b.mu.Unlock()
	for _, f := range followers {
		f.receive(hub.Entry{})
	}
}

// log and registry are the stream and the bucket of now.
func (b *Bus) log() jetstream.Stream {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stream
}

func (b *Bus) registry() jetstream.KeyValue {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept
}

// mended reports whether err came from a server that lost the stream or the bucket, and they have been made anew: then
// what failed is worth another try. A server that starts again with an empty disk is such a one.
func (b *Bus) mended(ctx context.Context, err error) bool {
	if !errors.Is(err, jetstream.ErrNoStreamResponse) && !errors.Is(err, jetstream.ErrStreamNotFound) && !errors.Is(err, jetstream.ErrBucketNotFound) &&
		!errors.Is(err, nats.ErrNoResponders) {
		return false
	}
	b.mu.Lock()
	recent := time.Since(b.made) < time.Second
	b.mu.Unlock()
	return !recent && b.make(ctx) == nil
}

// twice does something, and once more when that failed for want of a stream that has been made anew.
func twice[T any](ctx context.Context, b *Bus, do func() (T, error)) (T, error) {
	v, err := do()
	if err != nil && b.mended(ctx, err) {
		v, err = do()
	}
	return v, err
}

// Close disconnects and stops an embedded server.
func (b *Bus) Close(context.Context) error {
	b.nc.Close()
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
	return nil
}

func subject(t hub.Topic) string { return "log." + t.Tenant.String() + "." + t.Conv }

// movedOn reports whether the server refused because of what others have written.
func movedOn(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant) // that of a log with several copies
}

// Append implements hub.Bus.
func (b *Bus) Append(ctx context.Context, t hub.Topic, after uint64, data []byte) (uint64, error) {
	if _, bounded := ctx.Deadline(); !bounded { // a second timer for each piece of an answer would be for nothing
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	ack, err := twice(ctx, b, func() (*jetstream.PubAck, error) {
		return b.js.PublishMsg(ctx, &nats.Msg{Subject: subject(t), Data: data},
			jetstream.WithExpectLastSequencePerSubject(after), jetstream.WithRetryAttempts(0))
	})
	if err != nil {
		if movedOn(err) {
			return 0, hub.ErrStale
		}
		return 0, fmt.Errorf("append to the live log: %w", err)
	}
	return ack.Sequence, nil
}

// Last implements hub.Bus.
func (b *Bus) Last(ctx context.Context, t hub.Topic) (hub.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m, err := twice(ctx, b, func() (*jetstream.RawStreamMsg, error) { return b.log().GetLastMsgForSubject(ctx, subject(t)) })
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return hub.Entry{}, nil
	}
	if err != nil {
		return hub.Entry{}, fmt.Errorf("read the end of the live log: %w", err)
	}
	return hub.Entry{Rev: m.Sequence, Data: m.Data}, nil
}

// Read implements hub.Bus. It reads up to what is last when it begins, through a short-lived ordered consumer. In a
// cluster a consumer may be lost while it is being made, so who waits in vain makes another.
func (b *Bus) Read(ctx context.Context, t hub.Topic, after uint64) ([]hub.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last, err := b.Last(ctx, t)
	if err != nil || last.Rev <= after {
		return nil, err
	}
	for {
		entries, err := b.read(ctx, t, after, last.Rev)
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return entries, err
		}
	}
}

// read reads the entries from after to last; context.DeadlineExceeded when none comes for a second.
func (b *Bus) read(ctx context.Context, t hub.Topic, after, last uint64) ([]hub.Entry, error) {
	consumer, err := b.log().OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject(t)},
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: after + 1, InactiveThreshold: 10 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("read the live log: %w", err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(500))
	if err != nil {
		return nil, fmt.Errorf("read the live log: %w", err)
	}
	defer messages.Stop()
	var out []hub.Entry
	for {
		wait, cancel := context.WithTimeout(ctx, time.Second)
		m, err := messages.Next(jetstream.NextContext(wait))
		cancel()
		if err != nil {
			return nil, fmt.Errorf("read the live log: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return nil, fmt.Errorf("read the live log: %w", err)
		}
		out = append(out, hub.Entry{Rev: meta.Sequence.Stream, Data: m.Data()})
		if meta.Sequence.Stream >= last {
			return out, nil
		}
	}
}

// Follow implements hub.Bus.
func (b *Bus) Follow(ctx context.Context, t hub.Topic, receive func(hub.Entry)) (func(), error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	sub, err := b.nc.Subscribe("live."+t.Tenant.String()+"."+t.Conv+".*", func(m *nats.Msg) {
		if strings.HasSuffix(m.Subject, ".now") {
			receive(hub.Entry{Data: m.Data})
			return
		}
		rev, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
		if err == nil && rev > 0 {
			receive(hub.Entry{Rev: rev, Data: m.Data})
		}
	})
	if err != nil {
		return nil, fmt.Errorf("follow a conversation: %w", err)
	}
	err = b.nc.FlushWithContext(ctx)
	if err == nil && b.replicas > 1 {
		_, err = b.Last(ctx, t) // comes back from the node that leads the log after it has heard of this follower
	}
	if err != nil {
		_ = sub.Unsubscribe()
		return nil, fmt.Errorf("follow a conversation: %w", err)
	}
	f := &follower{receive}
	b.mu.Lock()
	b.followers[f] = struct{}{}
	b.mu.Unlock()
	return func() {
		b.mu.Lock()
		delete(b.followers, f)
		b.mu.Unlock()
		_ = sub.Unsubscribe()
	}, nil
}

// Announce implements hub.Bus.
func (b *Bus) Announce(t hub.Topic, data []byte) error {
	if err := b.nc.Publish("live."+t.Tenant.String()+"."+t.Conv+".now", data); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	return nil
}

func askSubject(tenant store.TenantID, name string) string {
	return "ask." + tenant.String() + "." + name
}

// Serve implements hub.Bus.
func (b *Bus) Serve(tenant store.TenantID, name string, answer func([]byte) []byte) (func(), error) {
	sub, err := b.nc.Subscribe(askSubject(tenant, name), func(m *nats.Msg) { _ = m.Respond(answer(m.Data)) })
	if err != nil {
		return nil, fmt.Errorf("serve %s: %w", name, err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}

// Ask implements hub.Bus.
func (b *Bus) Ask(ctx context.Context, tenant store.TenantID, name string, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m, err := b.nc.RequestWithContext(ctx, askSubject(tenant, name), question)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, hub.ErrNobody
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", name, err)
	}
	return m.Data, nil
}

// Keep implements hub.Bus.
func (b *Bus) Keep(ctx context.Context, tenant store.TenantID, key string, after uint64, value []byte) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rev, err := twice(ctx, b, func() (uint64, error) {
		if after > 0 {
			return b.registry().Update(ctx, tenant.String()+"."+key, value, after)
		}
		return b.registry().Put(ctx, tenant.String()+"."+key, value)
	})
	if movedOn(err) {
		return 0, hub.ErrStale
	}
	if err != nil {
		return 0, fmt.Errorf("keep: %w", err)
	}
	return rev, nil
}

// Forget implements hub.Bus.
func (b *Bus) Forget(ctx context.Context, tenant store.TenantID, key string, rev uint64) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := twice(ctx, b, func() (struct{}, error) {
		return struct{}{}, b.registry().Delete(ctx, tenant.String()+"."+key, jetstream.LastRevision(rev))
	})
	if err != nil && !movedOn(err) {
		return fmt.Errorf("forget: %w", err)
	}
	return nil
}

// Watch implements hub.Bus. A watch whose bucket was lost begins anew, with what is kept then.
func (b *Bus) Watch(ctx context.Context, tenant store.TenantID, receive func(string, []byte)) (func(), error) {
	prefix := tenant.String() + "."
	watching, end := context.WithCancel(context.WithoutCancel(ctx)) // the watch outlives the call that began it
	begin := func() (jetstream.KeyWatcher, error) {
		return twice(watching, b, func() (jetstream.KeyWatcher, error) { return b.registry().Watch(watching, prefix+">") })
	}
	w, err := begin()
	if err != nil {
		end()
		return nil, fmt.Errorf("watch: %w", err)
	}
	go func() { // ends with watching
		defer end()
		told := false
		for {
			for entry := range w.Updates() {
				switch {
				case entry == nil && !told:
					told = true
					receive("", nil)
				case entry == nil:
				case entry.Operation() == jetstream.KeyValuePut:
					receive(strings.TrimPrefix(entry.Key(), prefix), entry.Value())
				default:
					receive(strings.TrimPrefix(entry.Key(), prefix), nil)
				}
			}
			for {
				select {
				case <-watching.Done():
					return
				case <-time.After(time.Second):
				}
				if w, err = begin(); err == nil {
					break
				}
			}
		}
	}()
	return end, nil
}

// Now implements hub.Bus: the clock of the server that leads the log.
func (b *Bus) Now(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	info, err := twice(ctx, b, func() (*jetstream.StreamInfo, error) { return b.log().Info(ctx) })
	if err != nil {
		return time.Time{}, fmt.Errorf("the bus's clock: %w", err)
	}
	return info.TimeStamp, nil
}

// Ready implements hub.Bus.
func (b *Bus) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if !b.nc.IsConnected() {
		return errors.New("not connected")
	}
	if _, err := twice(ctx, b, func() (*jetstream.StreamInfo, error) { return b.log().Info(ctx) }); err != nil {
		return fmt.Errorf("live log: %w", err)
	}
	return nil
}
