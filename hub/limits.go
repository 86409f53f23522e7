package hub

import "time"

// Bounds of the wire (docs/protocol.md).
const (
	// MaxFrame is the largest frame a client may send, in bytes.
	MaxFrame = 16 << 10

	authTimeout  = 5 * time.Second
	authSoon     = 60 * time.Second
	pingEvery    = 25 * time.Second
	pongTimeout  = 10 * time.Second
	writeTimeout = 5 * time.Second

	commandRate  = 20 // commands a second and connection
	commandBurst = 60
	refusedMax   = 100 // refused in a row before 4029
	faultsMax    = 10  // bad frames a minute before 4400

	// What one person and one tenant may do on one instance, over all their connections. An instance limits what reaches
	// it; what may be spent is limited by the quota, over all instances.
	personRate     = 40 // commands a second
	personBurst    = 200
	personSessions = 64
	tenantRate     = 2000
	tenantBurst    = 6000

	// checkEvery is how often a live connection's token is checked again; what changes is also announced (Hub.Changed).
	checkEvery = time.Minute
	// drainJitter is the time over which connections are closed when an instance stops.
	drainJitter = time.Second

	maxCID      = 64 // bytes
	titleLength = 60 // code points, of a title made from the first message
)

// Bounds of a run.
const (
	// flushLeast is how long deltas are gathered before the next append, flushPerRun how much longer for each answer that the
	// instance writes, flushMost the longest: see runs.flushEvery.
	flushLeast  = 40 * time.Millisecond
	flushPerRun = 200 * time.Microsecond
	flushMost   = 120 * time.Millisecond
	// chunksGathered is how many chunks may come in the meantime; a provider that is faster waits.
	chunksGathered = 128
	// checkpointEvery is how often the text so far and the lease are stored.
	checkpointEvery = 2 * time.Second
	// leaseFor is how long a run lives without a checkpoint before another instance ends it.
	leaseFor = 6 * time.Second
	// reapEvery is how often an instance looks for runs whose lease has ended.
	reapEvery = 2 * time.Second
	// reapAtOnce is how many runs of a tenant an instance ends at a time: the last of a busy instance's must not wait for all.
	reapAtOnce = 4
	// skewTolerated is how far an instance's clock may be from the bus's before it is corrected.
	skewTolerated = 250 * time.Millisecond
	// clockJump is the correction after which leases are not judged until those of live instances have been renewed.
	clockJump = time.Second
	// clockWithin is how long a start waits for the bus's clock.
	clockWithin = 5 * time.Second
	// commandWithin is how long a command may take.
	commandWithin = 15 * time.Second
	// admitWithin is how long an admission may take: whatever it reserves is older than that only when its instance is dead.
	admitWithin = 8 * time.Second
	// orphanAfter is the age from which a reservation or claim without a run is given back. It is longer than admitWithin, and
	// leaves the reaper time to be done within 15 s.
	orphanAfter = 10 * time.Second
	// placeKnown is the age from which the stored place of a message is the one the log has.
	placeKnown = 5 * time.Second
	// patience is how long a run goes on trying to reach the store or the bus before it gives up.
	patience = 20 * time.Second

	// extendAgain is how long after a failure quota is asked for again.
	extendAgain = 300 * time.Millisecond

	sliceTokens    = 256  // tokens reserved at first for the answer
	sliceTokensMax = 2048 // reserved at a time for a long one
	// bytesPerToken is the cheap estimate while an answer streams; the settlement counts properly.
	bytesPerToken = 3
	// historyTokens is the part of the model's context that earlier messages may fill.
	historyTokens = 6000
	// saidBytes is how much of an answer the model is told that it shall continue: its end.
	saidBytes = 16 << 10
	// historyMessages is how many earlier messages a model is told at most.
	historyMessages = 40
)
