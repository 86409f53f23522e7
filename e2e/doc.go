// Package e2e tests the built program from outside: real processes, real sockets, a scripted model server, both database
// engines. It imports nothing of the program (rig says what it knows).
//
//	go test ./e2e                         everything that fits into CI
//	go test ./e2e -run Soak -soak 1h      faults for an hour; the seed that is printed repeats them with -seed
package e2e
