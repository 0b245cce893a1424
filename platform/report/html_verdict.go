package report

import (
	"fmt"
	"strings"
	"unicode"
)

// pageVerdict is the word that stands over a page, and how well it sounds.
type pageVerdict struct{ Word, Tone string }

// The tones.
const (
	toneGood = "good"
	toneWarn = "warn"
	toneBad  = "bad"
)

// pageVerdict says in a word what the exit code says in a number, in the same
// order: the first that holds.
func (r *Result) pageVerdict() pageVerdict {
	switch {
	case r.BadInput():
		return pageVerdict{"Bad input", toneBad}
	case r.Unavailable():
		return pageVerdict{"Can't be judged", toneBad}
	case r.Count(Failed) > 0:
		return pageVerdict{"Failed", toneBad}
	case r.Skipped() > 0, r.Count(Unreachable) > 0, r.noneRuns():
		return pageVerdict{"Incomplete", toneBad}
	case r.Denials() > 0 && r.Command == "doctor":
		return pageVerdict{"Lacks something", toneBad}
	case r.Denials() > 0:
		return pageVerdict{"Denied", toneBad}
	case r.Count(NotConverged) > 0, r.Awaited && r.Count(NotRunning) > 0:
		return pageVerdict{"Not converged", toneBad}
	case r.Count(Refused) > 0:
		return pageVerdict{"Refused", toneBad}
	case r.Count(Planned) > 0:
		return pageVerdict{"Waits for approval", toneWarn}
	case r.Differs():
		return pageVerdict{"Differs", toneWarn}
	}
	return r.goodVerdict()
}

// noneRuns says that a command about live clusters found none running.
func (r *Result) noneRuns() bool {
	return !r.Awaited && r.Command != "doctor" && len(r.Clusters) > 0 && r.Count(NotRunning) == len(r.Clusters)
}

// goodVerdict is the word where nothing stands against the result. What was not
// seen is no pass.
func (r *Result) goodVerdict() pageVerdict {
	word := "Done"
	switch {
	case r.Awaited:
		word = "Converged"
	case r.Command == "check" || r.Command == "validate" || r.Command == "upgrade":
		word = "Passed"
	case r.Command == "drift" || r.Command == "diff":
		word = "No differences"
	}
	if r.Counts.Unknown > 0 {
		return pageVerdict{fmt.Sprintf("%s, %d unknown", word, r.Counts.Unknown), toneWarn}
	}
	return pageVerdict{word, toneGood}
}

// visible writes out characters that are seen as nothing, or turn the text around
// them: who reads a report must see that they are there. The page's script does
// the same.
func visible(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '\n', c == '\t':
			b.WriteRune(c)
		case unicode.In(c, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
			fmt.Fprintf(&b, "⟨U+%04X⟩", c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
