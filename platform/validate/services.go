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

// services holds that what a file names in the cluster's DNS is a Service of the
// bundle. No reader of the file misses it: they start, and find nobody.
func (s *Subject) services(held objects) {
	for _, file := range slices.Sorted(maps.Keys(s.Files)) {
		for i, line := range strings.Split(s.Files[file], "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, m := range serviceName.FindAllStringSubmatch(line, -1) {
				if _, ok := held["Service "+m[2]+"/"+m[1]]; ok || slices.Contains([]string{"default", "kube-system"}, m[2]) {
					continue // those two namespaces are the cluster's own
				}
				s.Problems = append(s.Problems, Problem{File: file, Line: i + 1,
					Message: "names the Service " + m[2] + "/" + m[1] + ", which the cluster does not have; mend the name, or turn on the component that brings it"})
			}
		}
	}
}
