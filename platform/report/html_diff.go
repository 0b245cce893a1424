package report

import (
	"github.com/sergi/go-diff/diffmatchpatch"
)

// mostCommon bounds the lines that are compared one with another. Beyond it only
// what begins and ends both sides counts as the same.
const mostCommon = 40_000

// match is a line that both sides have.
type match struct{ before, after int }

// matches pairs the lines that stay, in order: a longest common subsequence.
// Lines that only one side has can't be part of it and are set aside first; that
// keeps the comparison of two different texts from costing the product of their
// lengths.
func matches(before, after []string) []match {
	var out, tail []match
	start := 0
	for start < len(before) && start < len(after) && before[start] == after[start] {
		out = append(out, match{start, start})
		start++
	}
	i, j := len(before), len(after)
	for i > start && j > start && before[i-1] == after[j-1] {
		i, j = i-1, j-1
		tail = append(tail, match{i, j})
	}
	out = append(out, middle(before[start:i], after[start:j], start)...)
	for k := len(tail) - 1; k >= 0; k-- {
		out = append(out, tail[k])
	}
	return out
}

// middle compares what is left between equal beginnings and ends; offset is where
// it begins.
func middle(before, after []string, offset int) []match {
	names := letters(before, after)
	a, atA := named(before, names)
	b, atB := named(after, names)
	if len(a) == 0 || len(b) == 0 || len(a)+len(b) > mostCommon {
		return nil
	}
	d := diffmatchpatch.New()
	d.DiffTimeout = 0 // a clock would give other bytes on another day
	var out []match
	i, j := 0, 0
	for _, part := range d.DiffMainRunes(a, b, false) {
		n := len([]rune(part.Text))
		switch part.Type {
		case diffmatchpatch.DiffDelete:
			i += n
		case diffmatchpatch.DiffInsert:
			j += n
		case diffmatchpatch.DiffEqual:
			for range n {
				out = append(out, match{offset + atA[i], offset + atB[j]})
				i, j = i+1, j+1
			}
		}
	}
	return out
}

// letters gives each line that both sides have a character of its own.
func letters(before, after []string) map[string]rune {
	const surrogates, behind = '\uD7FF', '\uE000' // no characters
	there := make(map[string]bool, len(before))
	for _, line := range before {
		there[line] = true
	}
	out, next := map[string]rune{}, rune(1)
	for _, line := range after {
		if _, seen := out[line]; there[line] && !seen {
			out[line] = next
			if next++; next > surrogates && next < behind {
				next = behind
			}
		}
	}
	return out
}

// named are the lines that have a letter, and where they stand.
func named(lines []string, names map[string]rune) (word []rune, at []int) {
	for i, line := range lines {
		if c, ok := names[line]; ok {
			word, at = append(word, c), append(at, i)
		}
	}
	return word, at
}
