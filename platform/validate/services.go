package validate

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// serviceName is a Service's name in the cluster's DNS. A pod's own name may stand
// before it.
var serviceName = regexp.MustCompile(`([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?\b`)

// services holds that what files and arguments name in the cluster's DNS is a
// Service of the bundle. No reader misses it: they start, and find nobody.
func (s *Subject) services(held objects) {
	for _, file := range slices.Sorted(maps.Keys(s.Files)) {
		for i, line := range strings.Split(s.Files[file], "\n") {
			if !strings.HasPrefix(strings.TrimSpace(line), "#") {
				s.line(held, line, Problem{File: file, Line: i + 1})
			}
		}
	}
	for _, arg := range s.Args {
		s.line(held, arg, Problem{Path: arg})
	}
}

// line looks at one line's names; at is where it stands.
func (s *Subject) line(held objects, text string, at Problem) {
	for _, m := range serviceName.FindAllStringSubmatch(text, -1) {
		if _, ok := held["Service "+m[2]+"/"+m[1]]; ok || slices.Contains([]string{"default", "kube-system"}, m[2]) {
			continue // those two namespaces are the cluster's own
		}
		at.Message = "names the Service " + m[2] + "/" + m[1] + ", which the cluster does not have; mend the name, or turn on the component that brings it"
		s.Problems = append(s.Problems, at)
	}
}
