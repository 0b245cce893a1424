package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mostCPUs bounds a list, which may stand in anybody's configuration.
const mostCPUs = 8192

// ParseCPUs reads a list as the kernel and the kubelet write it: "0-3,8". The
// answer is sorted and holds each CPU once.
func ParseCPUs(text string) ([]int, error) {
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
