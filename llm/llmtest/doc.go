// Package llmtest is the suite that every provider of package llm passes.
//
// [Run] speaks to a provider through an upstream on a real socket that does everything an upstream can do wrong: cuts at
// every byte, silence in every phase, all statuses, all shapes of errors, garbage, floods, redirects, echoes of the key.
// Each case says what must come of it. [RunContract] is the part that needs no socket.
package llmtest
