package knowledge

import "golang.org/x/sys/unix"

// limitResources bounds this process: 2 GiB of address space (Go reserves much that it never touches) and 20 s of CPU.
func limitResources() {
	_ = unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: 2 << 30, Max: 2 << 30})
	_ = unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: 20, Max: 20})
}
