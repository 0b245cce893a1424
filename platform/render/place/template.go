package place

import (
	"bytes"
	"regexp"
	"strings"
)

var (
	topKind        = regexp.MustCompile(`^kind:\s*(.*?)\s*$`)
	topVersion     = regexp.MustCompile(`^apiVersion:`)
	topMetadata    = regexp.MustCompile(`^metadata:\s*$`)
	metadataName   = regexp.MustCompile(`^\s+name:\s*(.*?)\s*$`)
	templateAction = regexp.MustCompile(`\{\{.*?\}\}`)
)

// block is one object as a template writes it.
type block struct {
	line, end int    // first line and the one after the last, from 1
	kind      string // "" when the template computes it
	name      string // as written, actions and all
}

// Blocks are the objects of one template, in order. Templates are no
// YAML, so they are searched line by line and what is not found is left out.
type Blocks []block

// Template finds the objects of a template.
func Template(text []byte) Blocks {
	var blocks Blocks
	version, line, inMetadata := 0, 0, false
	for raw := range bytes.Lines(text) {
		line++
		l := strings.TrimRight(string(raw), "\r\n")
		switch {
		case strings.HasPrefix(l, "---"):
			version, inMetadata = 0, false
		case topVersion.MatchString(l):
			version = line
		case topKind.MatchString(l):
			b := block{line: line, kind: unquote(topKind.FindStringSubmatch(l)[1])}
			if version > 0 {
				b.line = version
			}
			if strings.Contains(b.kind, "{{") {
				b.kind = ""
			}
			if n := len(blocks); n > 0 {
				blocks[n-1].end = b.line
			}
			blocks = append(blocks, b)
			version, inMetadata = 0, false
		case topMetadata.MatchString(l):
			inMetadata = true
		case inMetadata && len(blocks) > 0 && blocks[len(blocks)-1].name == "" && metadataName.MatchString(l):
			blocks[len(blocks)-1].name = unquote(metadataName.FindStringSubmatch(l)[1])
			inMetadata = false
		}
	}
	if n := len(blocks); n > 0 {
		blocks[n-1].end = line + 1
	}
	return blocks
}

func unquote(s string) string {
	s, _, _ = strings.Cut(s, " #")
	return strings.Trim(s, `"' `)
}

// Find gives the first line of the object's block, 0 when none fits.
func (t Blocks) Find(kind, name string) int {
	best, score := 0, 0
	for _, b := range t {
		if s := b.fits(kind, name); s > score {
			best, score = b.line, s
		}
	}
	return best
}

// fits says how well a block could have made an object, 0 not at all.
func (b block) fits(kind, name string) int {
	score := 1
	if b.kind != "" {
		if b.kind != kind {
			return 0
		}
		score += 1000
	}
	if b.name == "" {
		return score
	}
	literal := templateAction.Split(b.name, -1)
	pattern := make([]string, len(literal))
	for i, part := range literal {
		pattern[i] = regexp.QuoteMeta(part)
		score += len(part)
	}
	if ok, err := regexp.MatchString("^"+strings.Join(pattern, ".*")+"$", name); err != nil || !ok {
		return 0
	}
	return score
}

// Nth is the first line of the nth object, counted from 0; 0 when it is not known.
func (t Blocks) Nth(n int) int {
	if n < len(t) {
		return t[n].line
	}
	return 0
}

// InTemplate follows a pointer down a template's lines from an object's
// first line as far as keys are found.
func InTemplate(text []byte, start int, pointer []string) (line int) {
	lines := strings.Split(string(text), "\n")
	end := len(lines)
	for _, b := range Template(text) {
		if b.line == start {
			end = min(end, b.end-1)
		}
	}
	line, indent := start, -1
	for _, token := range pointer {
		next, at := seek(lines, line, end, indent, token)
		if next == 0 {
			break
		}
		line, indent = next, at
	}
	return line
}

// seek finds a key, or a list's item for a number, after a line and below its
// indentation. The key of an item may stand on the item's own line.
func seek(lines []string, line, end, indent int, token string) (next, at int) {
	index, isIndex := ListIndex(token)
	first := line // lines[line] follows line
	if indent >= 0 && line > 0 && strings.HasPrefix(strings.TrimLeft(lines[line-1], " "), "- ") {
		first = line - 1
	}
	itemAt := -1
	for i := first; i < end; i++ {
		trimmed := strings.TrimLeft(lines[i], " ")
		depth := len(lines[i]) - len(trimmed)
		if trimmed == "" || strings.HasPrefix(trimmed, "{{") || strings.HasPrefix(trimmed, "#") {
			continue
		}
		if i > first && i > line-1 && depth < indent || i >= line && depth == indent && !strings.HasPrefix(trimmed, "- ") {
			return 0, 0
		}
		item := strings.HasPrefix(trimmed, "- ")
		if isIndex && item && (itemAt < 0 || depth == itemAt) {
			if itemAt = depth; index == 0 {
				return i + 1, depth
			}
			index--
		}
		if key := strings.TrimPrefix(trimmed, "- "); !isIndex && hasKey(key, token) && (item || depth > indent || indent < 0 && depth == 0) {
			return i + 1, depth
		}
	}
	return 0, 0
}

func hasKey(line, key string) bool {
	return strings.HasPrefix(line, key+":") || strings.HasPrefix(line, `"`+key+`":`) || strings.HasPrefix(line, `'`+key+`':`)
}
