package report

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shown writes a comparison as a person reads it.
func shownLines(before, after string) string {
	table := &lineTable{at: map[string]int{}}
	var b strings.Builder
	for _, row := range table.compare(before, after).Rows {
		fmt.Fprintf(&b, "%c%s ", " -+"[row%3], table.lines[row/3])
	}
	return strings.TrimRight(b.String(), " ")
}

func TestCompareLines(t *testing.T) {
	t.Parallel()
	cases := []struct{ before, after, want string }{
		{"", "", ""},
		{"", "a\nb\n", "+a +b"},
		{"a\nb\n", "", "-a -b"},
		{"a\nb\nc\n", "a\nx\nc\n", " a -b +x  c"},
		{"a\nb\nc\nd\n", "a\nc\nd\ne\n", " a -b  c  d +e"},
		{"a\na\na\n", "a\na\n", " a  a -a"},
		{"a\n\nb\n", "a\nb\n", " a -  b"},
		{"x\na\nb\n", "a\nb\nx\n", "-x  a  b +x"},
		{"no end", "no end\n", " no end"},
	}
	for _, c := range cases {
		if diff := cmp.Diff(strings.TrimRight(c.want, " "), shownLines(c.before, c.after)); diff != "" {
			t.Errorf("%q to %q (-want +got):\n%s", c.before, c.after, diff)
		}
	}
}

// TestCompareKeepsBothSides: whatever is compared, the rows that stay and go are
// the earlier side, those that stay and come the later, and no more go than must.
func TestCompareKeepsBothSides(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		text := func() string {
			var b strings.Builder
			for range r.IntN(30) {
				fmt.Fprintf(&b, "%d\n", r.IntN(8))
			}
			return b.String()
		}
		before, after := text(), text()
		table := &lineTable{at: map[string]int{}}
		p := table.compare(before, after)
		var was, now strings.Builder
		stay := 0
		for _, row := range p.Rows {
			line := table.lines[row/3] + "\n"
			switch row % 3 {
			case 0:
				was.WriteString(line)
				now.WriteString(line)
				stay++
			case 1:
				was.WriteString(line)
			case 2:
				now.WriteString(line)
			}
		}
		if was.String() != before || now.String() != after {
			t.Fatalf("%q to %q gives %q to %q", before, after, was.String(), now.String())
		}
		if most := longest(splitLines(before), splitLines(after)); stay != most {
			t.Errorf("%q to %q: %d lines stay, %d could", before, after, stay, most)
		}
	}
}

// longest is the length of the longest common subsequence, the slow way.
func longest(a, b []string) int {
	row := make([]int, len(b)+1)
	for i := range a {
		diagonal := 0
		for j := range b {
			up := row[j+1]
			if row[j+1] = max(row[j+1], row[j]); a[i] == b[j] {
				row[j+1] = diagonal + 1
			}
			diagonal = up
		}
	}
	return row[len(b)]
}

// TestCompareIsBounded: texts that have nothing in common, or everything in another
// order, or more than is compared, are still laid out whole.
func TestCompareIsBounded(t *testing.T) {
	t.Parallel()
	lines := func(n int, word string) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprintf("%s%d", word, i)
		}
		return out
	}
	mixed := func(n int) []string {
		out := lines(n, "x")
		rand.New(rand.NewPCG(3, 4)).Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
		return out
	}
	cases := []struct {
		name          string
		before, after []string
		least         int // that stay
	}{
		{"nothing in common", lines(60_000, "a"), lines(60_000, "b"), 0},
		{"another order", lines(5000, "x"), mixed(5000), 100},
		{"more than is compared", lines(60_000, "x"), append([]string{"x0"}, mixed(60_000)...), 1},
	}
	for _, c := range cases {
		table := &lineTable{at: map[string]int{}}
		p := table.compare(strings.Join(c.before, "\n"), strings.Join(c.after, "\n"))
		stay := len(c.before) - p.Gone
		if stay < c.least || len(c.after)-p.Come != stay || len(p.Rows) != stay+p.Gone+p.Come {
			t.Errorf("%s: %d stay, %d go, %d come, %d rows", c.name, stay, p.Gone, p.Come, len(p.Rows))
		}
	}
}
