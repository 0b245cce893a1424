package preflight

import (
	"slices"
	"strconv"
	"strings"
)

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
