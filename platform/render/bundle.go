// Package render turns the catalog into bundles: for every cluster the objects
// it must hold, in apply order. The same catalog gives the same bytes on any
// machine. It never talks to a cluster or a network and never reads outside the
// repository.
package render

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/finding"
)

// Object is one object of a bundle. Its content may be shared between the
// bundles of several clusters: never change it in place.
type Object struct {
	*unstructured.Unstructured
	Component string
	Stage     int              // depth of the component in dependsOn, from 0
	Source    finding.Position // where the object stands in the source, as near as can be known
	// Exact says that Source is the object's own first line, so that a field's
	// line can be found in the same file; false for Helm templates.
	Exact bool
	Hooks []string // Helm hook events; hooks are kept apart and not applied
	trace *trace   // what Locate knows of it
}

// Ref names the object.
func (o Object) Ref() finding.Object {
	return finding.Object{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
}

// Bundle is what one cluster must hold.
type Bundle struct {
	Cluster string
	Objects []Object // in apply order
	Hooks   []Object // Helm hooks, labelled and not applied
	// NotRendered are the components that failed; their objects are neither
	// present nor deleted.
	NotRendered []NotRendered
	Digest      string // sha256:… over Files
	// Parts tell each component's objects from all others: sums over their
	// documents. Those of a bundle that dropped objects are not known.
	Parts map[string]string
	// Sum is equal for two bundles, of whatever trees, that hold equal objects whose
	// fields stand at the same places of their sources. It is known of bundles alone
	// that share renderings, and of which every component rendered.
	Sum string
}

// NotRendered is a component that failed to render for a cluster.
type NotRendered struct {
	Component string
	Err       error
}

// File is one file of a bundle's canonical file set.
type File struct {
	Path string // "00-base.yaml": stage, component
	Data []byte // YAML documents in apply order
}

// Result is every bundle of one catalog.
type Result struct {
	Bundles  []*Bundle         // in the catalog's cluster order
	Findings []finding.Finding // lookup used, duplicates, components not rendered, …
	Revision string            // fleet revision: sha256:… over the sorted cluster→digest pairs
	Shared   int               // renderings saved because clusters share inputs
	// sources hold what Locate needs of the objects that this result made.
	sources *sources
}
