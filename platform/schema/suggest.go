package schema

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearest is the candidate a writer most likely meant, "" when none is near.
func nearest(word string, candidates []string) string {
	if len(word) > 64 { // nobody mistypes that
		return ""
	}
	best, at := "", min(2, len(word)/2)+len(word)/6
	all := slices.Clone(candidates)
	slices.Sort(all)
	for _, c := range all {
		if strings.EqualFold(c, word) {
			return c
		}
		d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(c))
		if d < at || d == at && (best == "" || cmp.Compare(len(c), len(best)) < 0) {
			best, at = c, d
		}
	}
	return best
}
