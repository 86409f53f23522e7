package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc.
const tick = 10 * time.Millisecond

// cpu is the time a process has used the processor; 0 when it can't be read.
func cpu(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+2:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}

// busy is the time all processes have used all processors.
func busy() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var n int64
	for i, field := range strings.Fields(line)[1:] {
		if v, _ := strconv.ParseInt(field, 10, 64); i != 3 && i != 4 && i < 8 { // neither idle nor waiting for a disk
			n += v
		}
	}
	return time.Duration(n) * tick
}

// memory is what a process has in RAM, in bytes.
func memory(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

// A meter measures the processor over a piece of time.
type meter struct {
	pid                 int
	at                  time.Time
	server, own, anyone time.Duration
}

func begin(pid int) meter {
	return meter{pid, time.Now(), cpu(pid), cpu(os.Getpid()), busy()}
}

// end returns the time, what the server used, and how many cores others used meanwhile.
func (m meter) end() (elapsed, server time.Duration, others float64) {
	n := begin(m.pid)
	elapsed, server = n.at.Sub(m.at), n.server-m.server
	return elapsed, server, (n.anyone - m.anyone - server - (n.own - m.own)).Seconds() / elapsed.Seconds()
}
