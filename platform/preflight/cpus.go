package preflight

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mostCPUs bounds a list, which may stand in anybody's configuration.
const mostCPUs = 8192

// parseCPUs reads a list as the kernel and the kubelet write it: "0-3,8". The
// answer is sorted and holds each CPU once.
func parseCPUs(text string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		first, last, ranged := strings.Cut(part, "-")
		from, err := strconv.Atoi(first)
		to := from
		if err == nil && ranged {
			to, err = strconv.Atoi(last)
		}
		if err != nil || from < 0 || to < from || to >= mostCPUs {
			return nil, fmt.Errorf("%q in %q is neither a CPU nor a range of CPUs, as in 0-3,8", part, text)
		}
		for cpu := from; cpu <= to; cpu++ {
			out = append(out, cpu)
		}
		if len(out) > mostCPUs {
			return nil, fmt.Errorf("%q names more than %d CPUs", text, mostCPUs)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// formatCPUs writes a sorted list with ranges.
func formatCPUs(cpus []int) string {
	var parts []string
	for i := 0; i < len(cpus); {
		j := i
		for j+1 < len(cpus) && cpus[j+1] == cpus[j]+1 {
			j++
		}
		part := strconv.Itoa(cpus[i])
		if j > i {
			part += "-" + strconv.Itoa(cpus[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// both are the CPUs of two sorted lists, and without those of a that b lacks.
func both(a, b []int) (in, without []int) {
	for _, cpu := range a {
		if _, found := slices.BinarySearch(b, cpu); found {
			in = append(in, cpu)
		} else {
			without = append(without, cpu)
		}
	}
	return in, without
}
