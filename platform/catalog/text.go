package catalog

import (
	"bytes"
	"fmt"
	"path"
	"unicode/utf8"

	"dualtrack.internal/platform/finding"
)

// checkText refuses what makes two readers see different files: other
// encodings, byte order marks, carriage returns, and in YAML tabs at the start
// of a line. It gives nil for plain text.
func checkText(rel string, data []byte) *finding.Problem {
	at := finding.Position{File: rel, Line: 1, Column: 1}
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return problem(at, "", "begins with a byte order mark", "save the file as UTF-8 without a mark")
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return problem(at, "", "is UTF-16", "save the file as UTF-8")
	}
	yaml := path.Ext(rel) == ".yaml" || path.Ext(rel) == ".yml"
	for number, rest := 1, data; len(rest) > 0; number++ {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		at.Line = number
		if p := checkLine(at, line, yaml); p != nil {
			return p
		}
	}
	return nil
}

func checkLine(at finding.Position, line []byte, yaml bool) *finding.Problem {
	if i := bytes.IndexByte(line, '\r'); i >= 0 {
		at.Column = utf8.RuneCount(line[:i]) + 1
		return problem(at, "", "has a carriage return", "save the file with line feeds (LF) only")
	}
	if yaml && bytes.HasPrefix(line, []byte("\t")) {
		return problem(at, "", "begins with a tab", "indent with spaces")
	}
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRune(line[i:])
		if r == utf8.RuneError && size == 1 {
			at.Column = utf8.RuneCount(line[:i]) + 1
			return problem(at, "", fmt.Sprintf("has byte 0x%02x, which is no UTF-8", line[i]), "save the file as UTF-8")
		}
		if r == 0 {
			at.Column = utf8.RuneCount(line[:i]) + 1
			return problem(at, "", "has a zero byte", "put a text file here")
		}
		i += size
	}
	return nil
}
