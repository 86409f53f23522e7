// Command aihub is IXC AI Hub: streaming chat with each distributor's own models, under exact quotas and live
// supervision. Read run to know every part and the order in which they start and stop.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"aihub/frontend"
	"aihub/handlers"
	"aihub/hub"
	"aihub/hub/natsbus"
	"aihub/llm"
	"aihub/llm/knowledge"
	"aihub/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(command(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// command does what the arguments say and returns the exit code: 0 done, 1 failed, 2 called or configured wrongly.
func command(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out, errOut io.Writer) int {
	job, rest, isTask := findTask(args)
	switch {
	case isTask: // handled below, and the health check too: they need the configuration
	case len(args) == 1 && args[0] == "version":
		fmt.Fprintln(out, "aihub", version())
		return 0
	case len(args) == 1 && (args[0] == "--help" || args[0] == "-h" || args[0] == "help"):
		fmt.Fprint(out, usage())
		return 0
	case len(args) == 1 && args[0] == readPDF: // started by the program itself
		if err := knowledge.PDFText(in, out); err != nil {
			return 1
		}
		return 0
	case len(args) == 1 && args[0] == "healthcheck":
	case len(args) > 0:
		fmt.Fprintf(errOut, "aihub: unknown argument %q; see aihub --help\n", args[0])
		return 2
	}
	c, err := readConfig(getenv)
	if err != nil {
		fmt.Fprintf(errOut, "aihub: %v\n", err)
		return 2
	}
	if isTask {
		return job.perform(ctx, c, rest, in, out, errOut)
	}
	if len(args) == 1 {
		return healthcheck(ctx, c, errOut)
	}
	log := slog.New(slog.NewTextHandler(errOut, nil))
	tuneMemory(getenv, log)
	if err := run(ctx, c, out, log); err != nil {
		fmt.Fprintf(errOut, "aihub: %v\n", err)
		return 1
	}
	return 0
}

// tuneMemory lets the heap grow threefold between two collections, since a streamed token leaves much garbage in a small heap,
// but not beyond nine tenths of what the container may have. Go's own variables GOGC and GOMEMLIMIT say otherwise.
func tuneMemory(getenv func(string) string, log *slog.Logger) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	if _, err := memlimit.Set(); err != nil {
		log.Warn("the container's memory limit is not known; set GOMEMLIMIT", "error", err)
	}
}

// readPDF is the argument with which the program starts itself to read a PDF (see package knowledge for why).
const readPDF = "read-pdf"

// stopTime is how long the parts behind the hub may take to stop, after the drain.
const stopTime = 10 * time.Second

// run serves until ctx ends, then stops everything in the reverse order of its start.
func run(ctx context.Context, c config, out io.Writer, log *slog.Logger) (err error) {
	if err := os.MkdirAll(c.data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	defer func() { // what was started is stopped also when something later fails to start
		if err != nil && ctx.Err() != nil {
			err = nil // stopped while starting
		}
	}()

	db, err := openStore(ctx, c, log)
	if err != nil {
		return err
	}
	defer closing(log, "store", db.Close)
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := db.RegisterMetrics(metrics); err != nil {
		return fmt.Errorf("register the store's metrics: %w", err)
	}
	keepCtx, stopKeeping := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() { db.Keep(keepCtx) }) // retention, and tenants whose deletion is due
	defer func() { stopKeeping(); keeping.Wait() }()

	sealer, err := llm.NewSealer(c.masterKey, c.previousKeys...)
	if err != nil {
		return fmt.Errorf("prepare the key that seals secrets: %w", err)
	}
	demo, err := prepare(ctx, db, sealer, c)
	if err != nil {
		return fmt.Errorf("prepare the empty store: %w", err)
	}

	bus, err := openBus(ctx, c, log)
	if err != nil {
		return err
	}
	defer closing(log, "bus", bus.Close)

	models := llm.New(llm.Options{Logger: log, Allow: c.networks})
	defer models.Close()

	tokens, err := handlers.NewTokens(db, c.masterKey, c.accessTTL)
	if err != nil {
		return err
	}
	tokens.Trust(sealer, c.networks)
	tracer, flushSpans, err := openTracer(ctx, c.otlp)
	if err != nil {
		return err
	}
	defer closing(log, "tracing", flushSpans)

	deliverer := handlers.NewDeliverer(db, sealer, c.networks, c.publicURL, log)
	deliverCtx, stopDelivering := context.WithCancel(ctx)
	var delivering sync.WaitGroup
	delivering.Go(func() { deliverer.Run(deliverCtx) }) // alerts
	defer func() { stopDelivering(); delivering.Wait() }()

	live := hub.New(hub.Options{Store: db, Bus: bus, LLM: models, Sealer: sealer, Auth: tokens, Logger: log, Instance: store.NewID("i"), Drain: c.drain,
		Library: knowledge.NewLibrary(hub.KnowledgeOf(db)), Metrics: hub.NewMetrics(metrics), Tracer: tracer, Alerted: deliverer.Wake})
	closeHub := func() {
		ctx, cancel := context.WithTimeout(context.Background(), c.drain+stopTime)
		defer cancel()
		if err := live.Close(ctx); err != nil {
			log.Warn("hub did not stop in time", "error", err)
		}
	}
	defer closeHub() // once more, for who connected while the servers were stopping

	mailer, err := openMailer(c, metrics, log)
	if err != nil {
		return err
	}
	if mailer != nil {
		defer closing(log, "mail", mailer.Close)
	}

	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	edge, err := handlers.New(handlers.Options{ReadPDF: []string{self, readPDF}, Hub: live, Store: db, Tokens: tokens, Sealer: sealer, LLM: models, Networks: c.networks, Alerted: deliverer.Wake, Logger: log, Metrics: metrics,
		Dist: frontend.Dist(), PublicURL: c.publicURL, Mailer: mailer,
		Version: version(), Development: !c.production})
	if err != nil {
		return err
	}
	failed := make(chan error, 2) // a slot for each server
	addr, stopPublic, err := serve(c.addr, edge.Handler(), log, failed)
	if err != nil {
		return fmt.Errorf("AIHUB_ADDR: %w", err)
	}
	defer stopPublic()
	if c.opsAddr != "" {
		opsAddr, stopOps, err := serve(c.opsAddr, edge.Operations(), log, failed)
		if err != nil {
			return fmt.Errorf("AIHUB_OPS_ADDR: %w", err)
		}
		defer stopOps()
		fmt.Fprintf(out, "operations: http://%s/metrics\n", opsAddr)
	}
	greet(out, c, addr, demo)

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping", "drain_s", c.drain.Seconds())
	closeHub() // first: answers finish and connections close while requests are still served
	return nil
}

// openStore opens the database that the configuration names.
func openStore(ctx context.Context, c config, log *slog.Logger) (*store.Store, error) {
	spec := c.mongodbURI
	if spec == "" {
		spec = "sqlite:" + filepath.Join(c.data, "aihub.db")
	}
	return store.Open(ctx, spec, store.Options{Logger: log})
}

// openBus starts the embedded bus, or joins the one that the configuration names.
func openBus(ctx context.Context, c config, log *slog.Logger) (*natsbus.Bus, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if c.natsURL != "" {
		return natsbus.Connect(ctx, c.natsURL, c.natsReplicas, log)
	}
	return natsbus.Embedded(ctx, filepath.Join(c.data, "bus"), log)
}

// openMailer starts what sends mails, or returns nil when the configuration names no server for them.
func openMailer(c config, metrics prometheus.Registerer, log *slog.Logger) (*handlers.Mailer, error) {
	if c.smtp == nil {
		return nil, nil
	}
	return handlers.NewMailer(handlers.MailOptions{Server: c.smtp, From: c.mailFrom, Logger: log, Metrics: metrics})
}

// serve listens and serves in a goroutine that stop ends. What ends it otherwise goes to failed.
func serve(addr string, h http.Handler, log *slog.Logger, failed chan<- error) (bound net.Addr, stop func(), err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve on %s: %w", addr, err)
		}
	}()
	return listener.Addr(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close()
		}
		<-done
	}, nil
}

// closing closes a part that was opened, within a bound.
func closing(log *slog.Logger, name string, closePart func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if err := closePart(ctx); err != nil {
		log.Warn("did not stop cleanly", "part", name, "error", err)
	}
}

// greet tells the person at the terminal where to go.
func greet(out io.Writer, c config, addr net.Addr, demo []login) {
	base := "http://" + addr.String()
	if c.madeDevelopmentAt != "" {
		fmt.Fprintf(out, "made a development key in %s\n", c.madeDevelopmentAt)
	}
	if len(demo) > 0 {
		fmt.Fprintf(out, "\nThe store was empty, so there is a demo (never in production). Log in with the password of AIHUB_DEMO_PASSWORD (default demo-aihub):\n\n")
		for _, l := range demo {
			fmt.Fprintf(out, "  %-28s %-12s %s/p/%s\n", l.email, l.role, base, l.slug)
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "IXC AI Hub %s serves on %s\n", version(), base)
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "development"
}
