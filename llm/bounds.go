package llm

import "time"

// Bounds are what an upstream is allowed. Zero fields take the default, so Bounds{} is the product's setting.
type Bounds struct {
	Connect    time.Duration // for TCP, and again for TLS; default 5 s
	FirstToken time.Duration // from the request to the first token, heartbeats or not; default 30 s
	Idle       time.Duration // between two lines of the stream after that, heartbeats count; default 20 s
	Total      time.Duration // for the whole answer, retries and reserves included; default 5 min

	Line   int   // bytes of one line, or of one JSON document over many lines; default 1 MiB
	Answer int   // bytes of text and reasoning together; default 1 MiB
	Stream int64 // bytes of the whole body; default 64 MiB

	Retries int           // further requests to the same target before the first token; default 2, negative: none
	Backoff time.Duration // before the first of them, doubling; default 300 ms
	Wait    time.Duration // the longest time to wait for the same target; default 5 s

	Trips   int           // failures in a row that open a breaker; default 5
	Open    time.Duration // how long it then stays open, doubling; default 10 s
	OpenMax time.Duration // up to; default 2 min

	Conns int // connections per configuration; default 4096
}

func (b Bounds) withDefaults() Bounds {
	setDefault(&b.Connect, 5*time.Second)
	setDefault(&b.FirstToken, 30*time.Second)
	setDefault(&b.Idle, 20*time.Second)
	setDefault(&b.Total, 5*time.Minute)
	setDefault(&b.Line, 1<<20)
	setDefault(&b.Answer, 1<<20)
	setDefault(&b.Stream, 64<<20)
	setDefault(&b.Retries, 2)
	setDefault(&b.Backoff, 300*time.Millisecond)
	setDefault(&b.Wait, 5*time.Second)
	setDefault(&b.Trips, 5)
	setDefault(&b.Open, 10*time.Second)
	setDefault(&b.OpenMax, 2*time.Minute)
	setDefault(&b.Conns, 4096)
	return b
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
