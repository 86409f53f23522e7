// Package llm speaks to models. It imports nothing of ours.
//
// A [Client] streams an answer from the first [Target] that gives one. Any upstream may misbehave in any way; what comes
// out is a complete answer, the reserve's answer, or an [Error] with a code of docs/protocol.md, within bounds.
//
// # Where things are
//
//	llm.go       what goes in and out: Target, Request, Chunk, Usage, Error, Provider
//	router.go    the client: targets in order, repetitions, one breaker per tenant and configuration (breaker.go; health.go
//	             tells its state)
//	openai.go    everything compatible with OpenAI, through go-openai
//	gemini.go    Gemini, through google.golang.org/genai; geminiold.go through generative-ai-go, whose support has ended
//	rehearsal.go answers without a model, by a script: for demonstrations and tests
//	wire.go      the HTTP exchange beneath all libraries: bounds, how an answer really ended
//	sse.go       event streams, and what upstreams send in their place; text.go joins cut code points
//	refusal.go   what an upstream's error means; usage.go what it says it used
//	guard.go     which addresses may be reached
//	redact.go    keys that an upstream echoes
//	secrets.go   keys at rest
//	probe.go     the test of a configuration, and titles
//
// # Key invariants
//
//   - An answer is complete only when the provider's finish reason was seen and nothing failed after it. The end of a
//     body, or "[DONE]" alone, is never a success: every client library takes a cut stream for one.
//   - A library never sees an upstream. It hands on the empty events of a tidy stream that [exchange] makes, which keeps the
//     texts; its own idea of how the answer ended is not used.
//   - Texts of two targets are never mixed: after the first token, of text or of reasoning, nothing is repeated.
//   - No text of an upstream but the answer itself leaves the package. Errors are classified; their words are ours. The
//     answer passes a filter that removes the key.
//   - The address is checked where it is dialled. Redirects are not followed, proxies of the environment not used.
//   - What is read is bounded before it is kept: lines, bodies, answers, time.
//
// # Time
//
// Until the first token one span runs, heartbeats or not, because somebody waits and a reserve may be quicker. After it
// every line has its own span, so heartbeats of any number keep an answer alive; half a line does not. Time that the
// consumer takes counts only towards the total.
//
// # The end of an answer
//
// After a finish reason, "[DONE]" or the end of the body completes it. When the connection breaks or falls silent instead,
// the answer is complete if the finish reason came in a message without text and was the last word; some upstreams say
// "stop" in every message, and those must end in order.
//
// # Usage
//
// The last report counts; reports are not summed. An explicit zero is respected. A report that can't be true (negative,
// fractional, beyond 100 million tokens, text instead of a number, fewer tokens than the text can consist of) counts as
// none, and the caller estimates with [CountTokens] and says so.
//
// # Goroutines
//
// The package starts none. An answer is read by the goroutine that ranges over it; net/http keeps its own per connection,
// ended by [Client.Close] and by idleness. The client of generative-ai-go is one for the process.
package llm
