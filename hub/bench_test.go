package hub_test

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"aihub/hub"
)

// A sink is a connection that authenticates, follows a conversation and counts what it gets.
type sink struct {
	commands chan []byte
	ready    chan struct{}
	frames   *atomic.Int64
	ended    chan struct{}
}

func (s *sink) Read() ([]byte, error) {
	data, ok := <-s.commands
	if !ok {
		return nil, io.EOF
	}
	return data, nil
}

func (s *sink) Write(data []byte) error {
	switch {
	case bytes.Contains(data, []byte(`"t":"snap"`)):
		close(s.ready)
	case bytes.Contains(data, []byte(`"k":"run.end"`)):
		s.ended <- struct{}{}
	case bytes.Contains(data, []byte(`"k":"delta"`)):
		s.frames.Add(1)
	}
	return nil
}

func (s *sink) Close(int, string) error { return nil }

// BenchmarkAnswer is the way of a token: from a model's socket through the run, the log on a bus over a socket, the room
// and the queues to connections that follow. One operation is one answer of 2,000 tokens.
func BenchmarkAnswer(b *testing.B) {
	for _, watchers := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("watchers=%d", watchers), func(b *testing.B) {
			w := newWorld(b, unlimited)
			h := w.hub()
			c := connect(b, h, "alfa/usuario")
			ok := c.ask("", "first", "n=1")
			c.ended(ok.Run)
			var frames atomic.Int64
			ended := make(chan struct{}, watchers)
			for i := range watchers {
				s := &sink{commands: make(chan []byte, 2), ready: make(chan struct{}), frames: &frames, ended: ended}
				h.Accept(s)
				defer close(s.commands)
				s.commands <- []byte(fmt.Sprintf(`{"t":"auth","id":1,"token":"alfa/%s"}`, fmt.Sprint("supervisor+", i/50)))
				s.commands <- []byte(fmt.Sprintf(`{"t":"sub","id":2,"conv":%q}`, ok.Conv))
				<-s.ready
			}
			b.ResetTimer()
			for i := range b.N {
				run := c.ask(ok.Conv, fmt.Sprint(i), "n=2000").Run
				c.ended(run)
				for range watchers {
					<-ended
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(frames.Load())/float64(b.N)/float64(watchers), "frames/answer")
			b.ReportMetric(float64(b.N*2000*watchers)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

// BenchmarkAdmission is from a message to its ok: who owns the conversation, the quota, two rows, two events.
func BenchmarkAdmission(b *testing.B) {
	w := newWorld(b, unlimited)
	h := w.hub()
	for b.Loop() {
		b.StopTimer()
		c := connect(b, h, "alfa/usuario")
		b.StartTimer()
		start := time.Now()
		ok := c.ask("", fmt.Sprint(b.N, start.UnixNano()), "n=1")
		b.StopTimer()
		c.ended(ok.Run)
		c.end()
		<-c.done
		b.StartTimer()
	}
}

var _ hub.Conn = (*sink)(nil)
