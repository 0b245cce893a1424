// Package crd says in what a later version of a custom resource definition takes
// less than an earlier one: versions that go, and schemas that refuse or drop what
// they took. Loosening is nothing to say. It never looks at stored objects, and so
// tells what may become invalid, not what does.
package crd

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"dualtrack.internal/platform/change/inside"
)

// Narrowing is one thing that the later definition takes less of.
type Narrowing struct {
	// Pointer is the place in the later definition, or the nearest around what is
	// gone.
	Pointer string
	Why     string
	// Kind says what it is: version, storage, conversion, property, or constraint.
	Kind string
}

// The kinds of narrowing.
const (
	Version    = "version"    // clients of it are turned away
	Storage    = "storage"    // stored objects are in a version that goes, or stay in the old one
	Conversion = "conversion" // versions are no longer translated
	Property   = "property"   // what was stored is dropped
	Constraint = "constraint" // what was stored is refused
)

// Compare says in what the later definition is narrower.
func Compare(before, after map[string]any) []Narrowing {
	n := &narrowings{}
	was, now := versions(before), versions(after)
	for _, b := range was {
		i := slices.IndexFunc(now, func(a version) bool { return a.name == b.name })
		if i < 0 {
			n.goes(b)
			continue
		}
		a := now[i]
		base := "/spec/versions/" + strconv.Itoa(a.index)
		if b.served && !a.served {
			n.add(base+"/served", Version, "version %s is no longer served: its clients are turned away", a.name)
		}
		if b.storage && !a.storage {
			n.add(base+"/storage", Storage, "version %s stores no more: objects that were stored in it stay so until each is written again", a.name)
		}
		w := &walk{narrowings: n, loose: keepsUnknown(before)}
		w.schema("", base+"/schema/openAPIV3Schema", b.schema, a.schema)
	}
	n.conversion(before, after, len(now))
	if inside.At(before, "spec", "preserveUnknownFields") == true && inside.At(after, "spec", "preserveUnknownFields") != true {
		n.add("/spec/preserveUnknownFields", Property, "fields that the schema does not name are dropped from now on")
	}
	return n.list
}

func (n *narrowings) goes(v version) {
	switch {
	case v.storage:
		n.add("/spec/versions", Storage, "version %s goes, and objects are stored in it: the API server refuses that while status.storedVersions names it", v.name)
	case v.served:
		n.add("/spec/versions", Version, "version %s goes: its clients are turned away, and objects that were once stored in it can't be read", v.name)
	}
}

func (n *narrowings) conversion(before, after map[string]any, left int) {
	if inside.Text(before, "spec", "conversion", "strategy") == "Webhook" && inside.Text(after, "spec", "conversion", "strategy") != "Webhook" && left > 1 {
		n.add("/spec/conversion", Conversion, "the conversion webhook is gone: objects of one version are handed out in another with nothing but the version's name changed")
	}
}

type narrowings struct{ list []Narrowing }

func (n *narrowings) add(pointer, kind, format string, args ...any) {
	n.list = append(n.list, Narrowing{Pointer: pointer, Kind: kind, Why: fmt.Sprintf(format, args...)})
}

type version struct {
	name            string
	index           int
	served, storage bool
	schema          map[string]any
}

// versions are a definition's, those without a name left out.
func versions(crd map[string]any) []version {
	list, _ := inside.At(crd, "spec", "versions").([]any)
	var out []version
	for i, v := range list {
		if name := inside.Text(v, "name"); name != "" {
			out = append(out, version{name, i, inside.At(v, "served") == true, inside.At(v, "storage") == true, inside.Map(v, "schema", "openAPIV3Schema")})
		}
	}
	return out
}

// keepsUnknown says that the API server drops nothing of the kind's objects.
func keepsUnknown(crd map[string]any) bool {
	return inside.At(crd, "spec", "preserveUnknownFields") == true
}

func holds(list []any, v any) bool {
	return slices.ContainsFunc(list, func(other any) bool { return reflect.DeepEqual(other, v) })
}

func keys(maps ...map[string]any) []string {
	var out []string
	for _, m := range maps {
		for k := range m {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func escape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
}
