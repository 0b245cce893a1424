package cli

import "runtime/debug"

// Most runs are short and end before their garbage matters: collecting it later
// takes a fifth off the CPU time of `check`. Near the limit it is collected as ever.
const (
	garbagePercent = 800
	garbageLimit   = 768 << 20 // bytes
)

// tuneCollector sets Go's garbage collector, unless the environment does.
func tuneCollector(getenv func(string) string) {
	if getenv == nil || getenv("GOGC") != "" || getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(garbagePercent)
	debug.SetMemoryLimit(garbageLimit)
}
