package hub

import "sync"

// Bounds of one connection's queue. When it is full, adjacent deltas of one run become one; when that is not enough,
// the connection is closed with 4008 and the person's client comes back and resumes.
const (
	queueFrames = 256
	queueBytes  = 1 << 20
	// mergeFrom is the number of waiting frames from which on a new delta joins the last one.
	mergeFrom = 8
)

// item is a waiting frame: ready bytes, or a run of deltas that is still growing.
type item struct {
	data []byte // ready bytes; nil while f grows by text
	f    *frame
	text []byte // of the merged deltas from f on; nil when f stands alone
	seq  int64
}

func (it *item) size() int {
	if it.data != nil {
		return len(it.data)
	}
	if it.text != nil {
		return len(it.text) + 200
	}
	return len(it.f.data)
}

func (it *item) bytes() []byte {
	switch {
	case it.data != nil:
		return it.data
	case it.text == nil:
		return it.f.data
	}
	return encodeEvent(it.event())
}

// event is what an item with f stands for.
func (it *item) event() Event {
	e := it.f.Event
	if it.text != nil {
		e.From, e.Seq, e.Text = it.f.first(), it.seq, string(it.text)
	}
	return e
}

// merge lets it stand for f too, if f continues it.
func (it *item) merge(f *frame) bool {
	if it.f == nil {
		return false
	}
	last, textLen := it.f.Event, len(it.f.Text)
	if it.text != nil {
		last.Seq, textLen = it.seq, len(it.text)
	}
	if !follows(&last, &f.Event, textLen) {
		return false
	}
	if it.text == nil {
		it.text = append(make([]byte, 0, 2*textLen+len(f.Text)), it.f.Text...)
	}
	it.text, it.seq = append(it.text, f.Text...), f.Seq
	return true
}

// queue holds the frames that wait for one connection. push never blocks.
type queue struct {
	ready func() // somebody shall take until there is nothing: see newQueue

	mu     sync.Mutex
	items  []item
	size   int
	closed bool
	taking bool // ready was called, and take has not come back with nothing since
}

// newQueue makes a queue. ready is called when there is something to take, or the queue is closed, and nobody is taking: who
// takes does so until nothing is left. It is called with the lock held and must not block.
func newQueue(ready func()) *queue { return &queue{ready: ready} }

// push adds ready bytes; false when the queue is full or closed.
func (q *queue) push(data []byte) bool { return q.add(item{data: data}) }

// pushFrame adds an event.
func (q *queue) pushFrame(f *frame) bool { return q.add(item{f: f, seq: f.Seq}) }

func (q *queue) add(it item) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	if n := len(q.items); n >= mergeFrom && it.f != nil {
		last := &q.items[n-1]
		before := last.size()
		if last.merge(it.f) {
			q.size += last.size() - before
			return true
		}
	}
	if len(q.items) >= queueFrames || q.size+it.size() > queueBytes {
		q.compact()
		if len(q.items) >= queueFrames || q.size+it.size() > queueBytes {
			q.closed = true // what came after a gap would be of no use
			return false
		}
	}
	q.items = append(q.items, it)
	q.size += it.size()
	q.signal()
	return true
}

// compact merges deltas that other conversations' frames separate: within one conversation the order stays.
func (q *queue) compact() {
	lastOf := map[string]int{}
	kept := q.items[:0]
	q.size = 0
	for _, it := range q.items {
		if it.f != nil {
			if i, ok := lastOf[it.f.Conv]; ok && it.text == nil && kept[i].merge(it.f) {
				continue
			}
			lastOf[it.f.Conv] = len(kept)
		}
		kept = append(kept, it)
	}
	q.items = kept
	for i := range q.items {
		q.size += q.items[i].size()
	}
}

// signal calls for somebody to take. The caller holds mu.
func (q *queue) signal() {
	if !q.taking {
		q.taking = true
		q.ready()
	}
}

// take returns what waits, in exchange for what it returned before; ok is false when the queue is closed and empty.
func (q *queue) take(before []item) (items []item, ok bool) {
	clear(before)
	q.mu.Lock()
	defer q.mu.Unlock()
	items, q.items, q.size = q.items, before[:0], 0
	q.taking = len(items) > 0
	return items, q.taking || !q.closed
}

// len is how many frames wait.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

// close lets take drain what waits and refuses more.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		q.signal()
	}
}
