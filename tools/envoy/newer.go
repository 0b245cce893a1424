package main

import (
	_ "embed"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// newer are the fields and values that the library has and its release before it
// does not, sorted, one a line: the descriptors of both, as ./newer compared them.
// The library is a little younger than the Envoy that is shipped; what is not in
// this list is in that Envoy's API, and what is may not be.
//
//go:embed newer.txt
var newer string

// young refuses what the shipped Envoy may not know: it would refuse the whole file.
func (c *checker) young(at string, name protoreflect.FullName) {
	if strings.Contains("\n"+newer, "\n"+string(name)+"\n") {
		c.refuse(place{c.doc, at}, "%s may be newer than the Envoy that is shipped; do without it", name)
	}
}
