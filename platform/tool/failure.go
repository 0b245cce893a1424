package tool

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// BuildError says why a program could not be built.
type BuildError struct {
	Program string
	Dir     string   // the module's folder
	Missing []string // module@version that could not be had, sorted
	Output  string   // last lines of go build
	Err     error    // how go build ended
}

func (e *BuildError) Error() string {
	if len(e.Missing) == 0 {
		return fmt.Sprintf("build %s in %s: %v\n%s", e.Program, e.Dir, e.Err, e.Output)
	}
	const shown = 8
	list := strings.Join(e.Missing[:min(shown, len(e.Missing))], ", ")
	if more := len(e.Missing) - shown; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("build %s: modules are missing and could not be fetched: %s; "+
		"with a network, run `go mod download` in %s once", e.Program, list, e.Dir)
}

// Unwrap is how go build ended.
func (e *BuildError) Unwrap() error { return e.Err }

// Is makes the error one of a full disk when go build, or a program it runs, met one.
func (e *BuildError) Is(target error) bool {
	return target == syscall.ENOSPC && strings.Contains(e.Output, syscall.ENOSPC.Error())
}

const lookupFailed = `(?:module lookup disabled|reading |Get |Head |dial |lookup |git |unrecognized import path|i/o timeout|verifying (?:module|go\.mod): (?:reading|Get ))`

var (
	// missingPattern matches what go prints for a module it cannot get, as in
	// "go: example.org/a@v1.2.3: Get ...: dial tcp ...". A checksum that does
	// not match is another matter and is left in the output.
	missingPattern = regexp.MustCompile(`(?:^|\s)([A-Za-z0-9][\w.~/-]*\.[\w.~/-]*@v[\w.+-]+)(?:/go\.mod)?: ` + lookupFailed)
	// placePattern matches the form that names the import's place instead.
	placePattern    = regexp.MustCompile(`(?m)^\S+\.go:\d+:\d+: ` + lookupFailed)
	downloadPattern = regexp.MustCompile(`(?m)^go: downloading ([^\s@]+) (v\S+)$`)
)

// missingModules lists the modules that go could not get. Where its output names
// only a place in a source, they are the ones it began to fetch and that are not
// in the module cache.
func missingModules(output string, cached func(path, version string) bool) []string {
	var found []string
	for _, m := range missingPattern.FindAllStringSubmatch(output, -1) {
		found = append(found, m[1])
	}
	if placePattern.MatchString(output) {
		for _, m := range downloadPattern.FindAllStringSubmatch(output, -1) {
			if !cached(m[1], m[2]) {
				found = append(found, m[1]+"@"+m[2])
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// moduleCached looks for a module's archive in the folder of the module cache,
// where an upper case letter is written as "!" and its lower case.
func moduleCached(cache, path, version string) bool {
	escape := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			if 'A' <= r && r <= 'Z' {
				b.WriteByte('!')
				r += 'a' - 'A'
			}
			b.WriteRune(r)
		}
		return b.String()
	}
	_, err := os.Stat(filepath.Join(cache, "cache", "download", filepath.FromSlash(escape(path)), "@v", escape(version)+".zip"))
	return err == nil
}

// tail is the last n lines.
func tail(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
