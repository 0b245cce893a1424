package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/tool"
)

// nodePrograms builds what only real nodes of embedded clusters run.
func (r *running) nodePrograms(ctx context.Context) (map[string]string, error) {
	return r.store.Ensure(ctx, []string{tool.Balancer, tool.Node, tool.Pause}, building(r.progress))
}

// fits stops before anything is begun when this machine cannot run one of the
// chosen clusters; no choice means all.
func (r *running) fits(chosen []string) error {
	var errs []error
	for _, f := range unfit(r.cat, r, chosen) {
		errs = append(errs, fmt.Errorf("cluster %s: %s; %s", f.Clusters[0], f.Message, f.Mend))
	}
	return errors.Join(errs...)
}

// unfit says what this machine lacks for each of the chosen clusters.
func unfit(cat *catalog.Catalog, r *running, chosen []string) []finding.Finding {
	var out []finding.Finding
	for _, c := range cat.Clusters {
		if len(chosen) == 0 || slices.Contains(chosen, c.Name) {
			out = append(out, r.provider.Preflight(c)...)
		}
	}
	return out
}
