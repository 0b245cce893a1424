package policy

import (
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/schema"
)

// isPlain says that a cluster was made of a tree without a catalog.
func isPlain(cat *catalog.Catalog, name string) bool {
	c := cat.Cluster(name)
	if c == nil {
		return false
	}
	for _, entry := range c.Spec.Components {
		if component := cat.Components[entry.Name]; component != nil && component.Plain != nil {
			return true
		}
	}
	return false
}

// mayBeElsewhere classes findings about kinds of a group that nothing here knows,
// whose definitions may stand in another repository, and about what SOPS encrypted,
// which the engine decrypts before it applies.
func mayBeElsewhere(known *schema.Validator, objects []render.Object, found []finding.Finding) {
	encrypted := map[finding.Object]bool{}
	for _, o := range objects {
		if _, is := o.Object["sops"].(map[string]any); is {
			encrypted[o.Ref()] = true
		}
	}
	for i, f := range found {
		if encrypted[f.Object] && f.Rule == schema.Rule && (f.Pointer == "/sops" || strings.HasPrefix(f.Pointer, "/data/")) {
			found[i].Class = finding.Unknown
			found[i].Mend = "its values are encrypted: what they are is not known here"
		}
		if f.Rule == schema.Rule && f.Pointer == "/kind" && !known.Knows(f.Object.Group()) {
			found[i].Class = finding.Unknown
			found[i].Mend = "add its CRD to the tree, and it is judged"
		}
	}
}

// unknowns counts, cluster by cluster, what rendering and schema do not know.
func unknowns(found []finding.Finding) int {
	n := 0
	for _, f := range found {
		if f.Class == finding.Unknown {
			n += max(1, len(f.Clusters))
		}
	}
	return n
}

// withoutCatalog gives findings the mends that hold without one.
func withoutCatalog(found []finding.Finding) {
	for i, f := range found {
		switch f.Rule {
		case "DT-SUP-001":
			found[i].Mend = "write a version as the image's tag"
		case "DT-SUP-002":
			found[i].Mend = "add @ and the digest that the registry answers to the image"
		}
	}
}
