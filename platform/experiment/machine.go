package experiment

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is where an experiment ran. What the system does not tell is empty.
type Machine struct {
	System     string  `json:"system"`
	Cores      int     `json:"cores"`
	Memory     int64   `json:"memoryBytes,omitempty"`
	Kernel     string  `json:"kernel,omitempty"`
	Go         string  `json:"go"`
	LoadBefore float64 `json:"loadBefore"`
	LoadAfter  float64 `json:"loadAfter"`
}

// String is the machine in one line.
func (m Machine) String() string {
	s := fmt.Sprintf("%d cores, ", m.Cores)
	if m.Memory > 0 {
		s += fmt.Sprintf("%.1f GB, ", float64(m.Memory)/1e9)
	}
	s += m.System
	if m.Kernel != "" {
		s += " " + m.Kernel
	}
	return s + fmt.Sprintf(", %s, load %.1f before, %.1f after", m.Go, m.LoadBefore, m.LoadAfter)
}

func thisMachine() Machine {
	m := Machine{System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version(), LoadBefore: load()}
	m.Kernel = firstField("/proc/sys/kernel/osrelease", 0)
	if kib, err := strconv.ParseInt(firstField("/proc/meminfo", 1), 10, 64); err == nil {
		m.Memory = kib << 10
	}
	return m
}

// load is the machine's load over the last minute, 0 where it is not told.
func load() float64 {
	v, err := strconv.ParseFloat(firstField("/proc/loadavg", 0), 64)
	if err != nil {
		return 0
	}
	return v
}

// firstField is a field of a file's beginning.
func firstField(file string, at int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(text))
	if at >= len(fields) {
		return ""
	}
	return fields[at]
}
