// Package hub is the live system: connections, conversations, runs (one run is one answer of a model), fan-out and
// ownership. It knows neither HTTP nor WebSockets (it sees a [Conn]), nor NATS (it sees a [Bus]).
//
// # The way of one message
//
// A frame arrives in [Session.read] (session.go), is decoded strictly (frame.go) and dispatched (commands.go).
// A `send` is admitted (admit.go): who owns the conversation, is the quota there, is it stored, is it in the log.
// A run (run.go) then streams the model's answer into the conversation's log (log.go). Every instance that has
// listeners of the conversation keeps a room (room.go), which is fed by the bus alone and hands each event,
// encoded once, to the queue of every session (queue.go).
//
// # Key invariants
//
//   - Every visible event has the next sequence number of its conversation's log, and gets it by a compare-and-set
//     append. Who loses reads what came in between and decides again.
//   - A session hears of an event only through its room, and a room only through the bus: what a person saw can be
//     replayed by any instance.
//   - A run changes the store only while its fence holds, and the log only while its position holds.
//   - `run.end` is appended after the answer is stored and the quota is settled.
//   - Who answers is one conditional update of the store and one event in the log. A run that finds a person's name in the
//     log shows nothing after it (owner.go).
//   - Nothing is sent, written or awaited while a lock is held. Queues are bounded; what happens when one is full is
//     written where it is declared.
//
// # Goroutines
//
//	per session  one that waits for a frame, acts on it and starts its successor; a writer while there is something to say;
//	             both end when the connection does; a third one while the connection is closed because it did not keep up.
//	             Hub.Close closes the connections and waits for them
//	per run      the run itself, a pump that reads the provider, and at most one checkpoint and one request for quota; all
//	             end with the run, stopped by Hub.Close
//	per room     one loader, only while the room catches up with its log; ended by Hub.Close
//	per hub      the sweeper (pings, deadlines, idle rooms), the reaper (what dead instances left, four of a tenant's runs at a
//	             time), the checker (tokens that may have been revoked) and the keeper (the live registry, eight entries at a
//	             time); one for each conversation whose alerts are being stored, sixteen at most; Hub.Close
//
// The bus calls a room's receive from a goroutine of its own, which must not block.
package hub
