// Package upstream is a scripted model server for the tests: it speaks the OpenAI wire over a real socket, answers with
// numbered tokens that make every loss, doubling and reordering visible, and fails in the ways that real ones do.
//
// What a call gets is its [Script]: the one registered for the model's name, changed by what stands between [[ and ]] in
// the last message of the user, for example
//
//	Olá [[label=r17 tokens=200 every=20ms fault=cut at=42]]
//
// [Text] computes the text of an answer, so that a client can be compared with what was sent. The journal ([Server.Calls])
// says what was asked and how each answer ended, also when the other side hung up.
//
// The folder scripted holds the same as a program.
package upstream
