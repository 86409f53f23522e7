// Package load measures the program under load, beside references that do less, in the same run on the same machine:
//
//	go test ./e2e/load -v -timeout 2h -measure all -reps 3            everything; JSON lines to standard output
//	go test ./e2e/load -v -measure streams -targets aihub,passthrough
//
// Without -measure it only tries itself out, with a few connections.
//
// The references: raw is the usual shape of a chat server on coder/websocket (one reader and one writer per connection,
// a channel between), with no authentication, quota, log or store; frame is the practical limit of that (frames encoded
// once and shared, no writer while idle); centrifuge is the library behind Centrifugo with its
// defaults; passthrough is httputil.ReverseProxy, which flushes at once; direct is no server at all. The absolute figures
// depend on the machine and on what else it does; the ratios within one repetition are what counts.
//
// Two loads have tests of their own, with several instances: the supervisors' list (live) and members of a conversation on
// another instance than the run (elsewhere), beside a bare leg over the bus.
//
// Every token carries the time it was sent (see package upstream), so that latency is measured whatever the protocol
// joins or wraps. added_first is what the path added to the first token: the way of the request plus the way back.
package load
