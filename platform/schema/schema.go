// Package schema judges objects by the Kubernetes API of a chosen minor and by
// the custom resource definitions among the objects themselves: unknown fields,
// wrong types, missing fields, values out of range, kinds that are not served.
// It never talks to a cluster, and it never runs the CEL rules of a definition:
// those are the API server's.
package schema

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kube "k8s.io/apimachinery/pkg/runtime/schema"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

//go:generate go run -C ../../tools/openapi . -dir ../../platform/schema/openapi

//go:embed openapi
var files embed.FS

// The rules of this package's findings.
const (
	Rule           = "schema"            // the object does not fit its schema, or its kind is unknown
	RuleRemoved    = "schema-removed"    // the API is no longer served
	RuleDeprecated = "schema-deprecated" // the API will no longer be served
)

// UnknownVersionError says that no schemas are at hand for a version.
type UnknownVersionError struct {
	Version string
	Known   []string // as Versions gives them
}

// Error names the known versions.
func (e *UnknownVersionError) Error() string {
	return fmt.Sprintf("no API schemas for Kubernetes %q; known are %s", e.Version, strings.Join(e.Known, ", "))
}

// Validator judges objects by one Kubernetes minor. It is safe for concurrent
// use and keeps what it read of custom resource definitions, and which objects are
// right, by the identity of the object: none may be changed after it was given.
type Validator struct {
	minor     int
	kinds     map[kube.GroupVersionKind]*kind
	schemas   map[string]*node
	lifecycle map[kube.GroupVersionKind]lifecycle
	crds      *sync.Map // *unstructured.Unstructured → *definition
	right     *sync.Map // *unstructured.Unstructured → true, of kinds of the Kubernetes API
}

// kind is a served API.
type kind struct {
	kube.GroupVersionKind
	root       *node
	namespaced bool
	request    bool   // answers and keeps nothing
	off        bool   // served only when the API server is told to
	custom     bool   // from a custom resource definition
	deprecated bool   // a custom resource's version that its definition calls deprecated
	warning    string // what the definition says about that
	broken     bool   // its definition can't be used
}

var versionPattern = regexp.MustCompile(`^v?1\.([0-9]{1,3})(\.[0-9]+)?([-+].*)?$`)

// Open reads the schemas of a Kubernetes version, given as "v1.99.3" or "1.99".
// The error is an *UnknownVersionError when there are none.
func Open(kubeVersion string) (*Validator, error) {
	m := versionPattern.FindStringSubmatch(kubeVersion)
	if m == nil {
		return nil, &UnknownVersionError{kubeVersion, Versions()}
	}
	minor, err := strconv.Atoi(m[1])
	if err != nil || !slices.Contains(minors(), minor) {
		return nil, &UnknownVersionError{kubeVersion, Versions()}
	}
	v := &Validator{minor: minor, crds: &sync.Map{}, right: &sync.Map{}}
	if v.kinds, v.schemas, err = readDocument(minor); err != nil {
		return nil, err
	}
	if v.lifecycle, err = readLifecycle(); err != nil {
		return nil, err
	}
	return v, nil
}

// Versions are the Kubernetes minors that Open knows, oldest first ("1.99").
func Versions() []string {
	all := minors()
	out := make([]string, len(all))
	for i, m := range all {
		out[i] = release(m)
	}
	return out
}

func release(minor int) string { return "1." + strconv.Itoa(minor) }

func minors() []int {
	names, err := fs.Glob(files, "openapi/v1.*.json.gz")
	if err != nil {
		return nil // the pattern is right
	}
	var out []int
	for _, name := range names {
		s := strings.TrimSuffix(strings.TrimPrefix(name, "openapi/v1."), ".json.gz")
		if minor, err := strconv.Atoi(s); err == nil {
			out = append(out, minor)
		}
	}
	slices.Sort(out)
	return out
}

// Version is the Kubernetes minor the validator judges by ("1.99").
func (v *Validator) Version() string { return release(v.minor) }

// Knows says whether any kind of a group is known.
func (v *Validator) Knows(group string) bool {
	for gvk := range v.kinds {
		if gvk.Group == group {
			return true
		}
	}
	return false
}

// Scope says whether a kind's objects live in a namespace. A custom resource is
// known to the validator that Extend gives.
func (v *Validator) Scope(gvk kube.GroupVersionKind) (namespaced, known bool) {
	k := v.kinds[gvk]
	if k == nil {
		return false, false
	}
	return k.namespaced, true
}

// Extend gives a validator that knows the kinds that the custom resource
// definitions among the objects bring. Kinds of the Kubernetes API stay as they
// are.
func (v *Validator) Extend(objs []render.Object) *Validator {
	e := *v
	e.kinds = maps.Clone(v.kinds)
	for _, o := range objs {
		d := v.definition(o.Unstructured)
		if d == nil {
			continue
		}
		for _, k := range d.kinds {
			if _, taken := e.kinds[k.GroupVersionKind]; !taken {
				e.kinds[k.GroupVersionKind] = k
			}
		}
	}
	return &e
}

// definition reads an object as a custom resource definition, nil when it is
// something else.
func (v *Validator) definition(o *unstructured.Unstructured) *definition {
	if o == nil || text(o.Object["kind"]) != "CustomResourceDefinition" || text(o.Object["apiVersion"]) != "apiextensions.k8s.io/v1" {
		return nil
	}
	if have, ok := v.crds.Load(o); ok {
		return have.(*definition)
	}
	have, _ := v.crds.LoadOrStore(o, readDefinition(o.Object))
	return have.(*definition)
}

// Check judges the objects of one cluster. Custom resource definitions among
// them count wherever they stand. Findings come in the objects' order; their
// Position is the object's, and Pointer says the field. When ctx ends, Check ends
// with the findings so far: the caller asks ctx.Err before it calls them all.
func (v *Validator) Check(ctx context.Context, objs []render.Object) []finding.Finding {
	e := v.Extend(objs)
	var out []finding.Finding
	for _, o := range objs {
		if ctx.Err() != nil {
			break
		}
		if o.Unstructured == nil {
			continue
		}
		if _, known := v.right.Load(o.Unstructured); known { // as clusters share it
			continue
		}
		found := e.object(o)
		if len(found) == 0 && v.alone(o) {
			v.right.Store(o.Unstructured, true)
		}
		out = append(out, found...)
	}
	return out
}

// alone says that the other objects of a cluster bear nothing on the verdict on one:
// it is no definition, and neither of a kind that one brings nor a list, which may
// hold such.
func (v *Validator) alone(o render.Object) bool {
	gvk := o.GroupVersionKind()
	return v.kinds[gvk] != nil && !strings.HasSuffix(gvk.Kind, "List") && v.definition(o.Unstructured) == nil
}
