package report

import (
	"bytes"
	"fmt"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/change"
)

// Upgrade is a lock's way from one distribution to another. What it changes
// stands with each cluster.
type Upgrade struct {
	From     Distribution     `json:"from"`
	To       Distribution     `json:"to"`
	Versions []change.Version `json:"versions,omitempty"`
	// NotCompared says why the earlier side could not be rendered: then nothing
	// is said about changes.
	NotCompared string `json:"notCompared,omitempty"`
	Moved       bool   `json:"moved"` // the lock names To now
	DryRun      bool   `json:"dryRun,omitempty"`
}

// Distribution names a distribution by its content.
type Distribution struct {
	Version string `json:"version"`
	Digest  string `json:"digest"`
}

// AddUpgrade notes where the lock goes.
func (r *Result) AddUpgrade(from, to catalog.LockedDistribution) *Upgrade {
	r.Upgrade = &Upgrade{From: Distribution(from), To: Distribution(to)}
	return r.Upgrade
}

// AddDifferences gives each cluster what differs in its bundle.
func (r *Result) AddDifferences(differences []change.Cluster) {
	for _, d := range differences {
		for i := range r.Clusters {
			c := &r.Clusters[i]
			if c.Name != d.Name {
				continue
			}
			for _, o := range d.Objects {
				c.Changes = append(c.Changes, Change{Object: o.Object, Action: string(o.Action)})
			}
			for _, component := range d.Unknown {
				c.Why += fmt.Sprintf("%s did not render on one side: its objects are not compared\n", component)
			}
		}
	}
}

func (u *Upgrade) begin(b *bytes.Buffer) {
	fmt.Fprintf(b, "distribution %s (%s) → %s (%s)\n", u.From.Version, short(u.From.Digest), u.To.Version, short(u.To.Digest))
	for _, v := range u.Versions {
		switch {
		case v.Before == "":
			fmt.Fprintf(b, "  %s: new, %s\n", v.Part, v.After)
		case v.After == "":
			fmt.Fprintf(b, "  %s: gone, was %s\n", v.Part, v.Before)
		default:
			fmt.Fprintf(b, "  %s: %s → %s\n", v.Part, v.Before, v.After)
		}
	}
	if u.NotCompared != "" {
		fmt.Fprintf(b, "what changes is not known: %s\n", u.NotCompared)
	}
	b.WriteByte('\n')
}

// upgradeHeadline says what the new distribution changes, and whether policy
// stands in the way.
func (r *Result) upgradeHeadline() string {
	s := plainHeadline(r)
	if r.Upgrade.NotCompared != "" {
		s = "changes not known on " + plural(len(r.Clusters), "cluster")
	}
	if denied := r.Denials(); denied > 0 {
		s += " · " + plural(denied, "denial")
	}
	return s
}

func (u *Upgrade) end(b *bytes.Buffer) {
	switch {
	case u.Moved:
		fmt.Fprintf(b, "%s names distribution %s now\n", catalog.LockFile, u.To.Version)
	case u.DryRun:
		fmt.Fprintf(b, "dry run: %s still names distribution %s\n", catalog.LockFile, u.From.Version)
	default:
		fmt.Fprintf(b, "%s still names distribution %s\n", catalog.LockFile, u.From.Version)
	}
}
