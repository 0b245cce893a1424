package report

import (
	"fmt"
	"strings"
	"unicode"
)

// markdownText is text from outside as Markdown that shows it and does nothing
// else: no markup, HTML, link, mention or reference to an issue.
func markdownText(s string) string { return markdownSafe(s, true) }

// markdownCode is the same in a code span. It is written as HTML, for a backtick
// can't be escaped within backticks and a pipe ends a table's cell.
func markdownCode(s string) string { return "<code>" + markdownSafe(s, false) + "</code>" }

// noMention stands between what a forge would else read as a mention: a space
// without width.
const noMention = "&#8203;"

func markdownSafe(s string, prose bool) string {
	var b strings.Builder
	runes := []rune(strings.Join(strings.Fields(s), " "))
	for i, r := range runes {
		next := rune(0)
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		switch {
		case prose && (r == '@' || r == '#' && unicode.IsDigit(next)):
			fmt.Fprintf(&b, "&#%d;%s", r, noMention)
		case strings.ContainsRune("\\`*_{}[]<>|~&$@", r), // markup
			r == ':' && (next == '/' || prose && emoji(runes[i+1:])),
			r == '.' && i >= 3 && strings.EqualFold(string(runes[i-3:i]), "www"), // else a link
			unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// emoji says that what follows a colon is a word that ends in one.
func emoji(rest []rune) bool {
	for i, r := range rest {
		switch {
		case r == ':':
			return i > 0
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_+-", r):
			return false
		}
	}
	return false
}
