package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// suggest names the known word nearest to a misspelt one, or all of them when
// none is near.
func suggest(what, word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	if len(known) == 0 {
		return "it has no " + what + "s"
	}
	return fmt.Sprintf("known %ss: %s", what, strings.Join(known, ", "))
}

// nearest is the known word that differs least, "" when all differ in more than
// a third of the letters, and at least two. The first of equals wins.
func nearest(word string, known []string) string {
	if len(word) > 100 {
		return "" // the distance takes the product of both lengths
	}
	best, least := "", max(2, len(word)/3)+1
	for _, k := range known {
		distance := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(k))
		if distance < least && distance < len(k) {
			best, least = k, distance
		}
	}
	return best
}

// sortedKeys are the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
