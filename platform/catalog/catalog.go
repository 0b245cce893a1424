// Package catalog reads components, clusters, the fleet and the baseline into a
// typed, validated model. It decodes strictly: every mistake of the tree comes
// at once, each with file, line, column and mend. It never renders anything and
// never reads outside the repository and the distribution it is given.
package catalog

import (
	"io/fs"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"dualtrack.internal/platform/finding"
)

// APIVersion of every file of the catalog.
const APIVersion = "platform.dualtrack.internal/v1alpha1"

// Catalog is the whole model of one repository.
type Catalog struct {
	Root       string                // absolute folder of the repository; "" when its files stand in none
	Base       *Base                 // the distribution under it; nil without a platform.lock
	Baseline   *Baseline             // components/baseline.yaml
	Components map[string]*Component // by name
	Clusters   []*Cluster            // hub first, then by name
	Fleet      *Fleet                // clusters/fleet.yaml
	Exceptions []Exception           // policies/exceptions.yaml, in file order; nil without the file
	Silences   []*Silences           // policies/silences/*.yaml, by path
	Lock       *Lock                 // platform.lock; nil without the file
	Remotes    Remotes               // reads remote sources; nil where none can be read

	files fs.FS             // what it was read from; nil for the folder
	sums  map[string]string // of the texts of its files
}

// Sum tells the text of one of the catalog's own files, the fleet's or a cluster's
// for example, from every other text; "" for a file that was not read.
func (c *Catalog) Sum(file string) string { return c.sums[file] }

// Duration is a time.Duration written as in Go ("100ms", "5m").
type Duration time.Duration

// D is the duration as the standard library's type.
func (d Duration) D() time.Duration { return time.Duration(d) }

// Quantity is a Kubernetes quantity as written ("512Mi"); the reader has
// checked that it parses. Empty means not set.
type Quantity string

// Parsed is the quantity as Kubernetes' own type, 0 when it is not set.
func (q Quantity) Parsed() resource.Quantity {
	parsed, err := resource.ParseQuantity(string(q))
	if err != nil {
		return resource.Quantity{}
	}
	return parsed
}

// Cluster finds a cluster by name, nil when there is none.
func (c *Catalog) Cluster(name string) *Cluster {
	for _, cl := range c.Clusters {
		if cl.Name == name {
			return cl
		}
	}
	return nil
}

// problem is a shorthand of the package's readers.
func problem(at finding.Position, field, what, mend string) *finding.Problem {
	return &finding.Problem{Position: at, Field: field, What: what, Mend: mend}
}

// places knows where each field of one file stands, by its path.
type places map[string]finding.Position

// nearest is the place of a field, or of the nearest field around it that
// stands in the file, the whole file at last.
func (p places) nearest(file, field string) finding.Position {
	for field != "" {
		if at, ok := p[field]; ok {
			return at
		}
		field = field[:max(0, strings.LastIndexAny(field, ".["))]
	}
	return finding.Position{File: file}
}
