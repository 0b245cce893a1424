package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/report"
	"dualtrack.internal/platform/tool"
)

func newDoctor(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine has and lacks, and how the clusters' programs are",
		Args:  argsUsage(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return env.doctor(cmd.Context()) },
	}
}

func (e *environment) doctor(ctx context.Context) error {
	cat, err := e.load()
	if err != nil {
		return err
	}
	r, err := e.open(cat)
	if err != nil {
		return err
	}
	defer r.close()
	missing, err := r.store.Missing(nil)
	if err != nil {
		return err
	}
	e.result = report.New("doctor", cat)
	e.result.Findings = tool.Preflight(ctx, tool.Need{
		CacheDir: r.store.CacheDir(), StateDir: e.stateDir(cat.Fleet.Name),
		FirstBuild: len(missing) > 0, Clusters: len(cat.Clusters),
	})
	if len(missing) > 0 {
		e.result.Findings = append(e.result.Findings, finding.Finding{
			Rule: "programs", Severity: finding.Info, Message: "not built yet: " + strings.Join(missing, ", "),
			Mend: "`platform tools build`, or `platform up`, which builds them first",
		})
	}
	e.result.Findings = append(e.result.Findings, lacks(r.provider.Lacks())...)
	e.inspect(ctx, cat, r)
	return nil
}

// lacks says what the provider does not offer, and what follows.
func lacks(abilities []cluster.Ability) []finding.Finding {
	words := map[cluster.Ability]string{
		cluster.RunsPods:   "nodes are simulated: no container runs, and pod health is kwok's word",
		cluster.MetricsAPI: "there is no metrics API: the health of autoscalers is not judgeable here",
		cluster.Volumes:    "there is no volume provisioner: a claim stays unbound, and its health is not judgeable here",
	}
	var found []finding.Finding
	for _, a := range abilities {
		found = append(found, finding.Finding{Rule: "provider", Severity: finding.Info, Message: fmt.Sprintf("provider embedded: %s", words[a])})
	}
	return found
}

// inspect lists every cluster of the catalog with its processes.
func (e *environment) inspect(ctx context.Context, cat *catalog.Catalog, r *running) {
	for _, c := range cat.Clusters {
		entry := report.Cluster{Name: c.Name, Role: string(c.Spec.Role), State: report.NotRunning}
		programs, err := r.provider.Status(ctx, c.Name)
		switch {
		case errors.Is(err, cluster.ErrNotRunning):
		case err != nil:
			entry.State, entry.Why = report.Failed, err.Error()
		default:
			entry.State = report.Running
			for _, p := range programs {
				if p.State == cluster.Running {
					continue
				}
				e.result.Findings = append(e.result.Findings, finding.Finding{
					Rule: "process", Severity: finding.Warning, Clusters: []string{c.Name},
					Message: fmt.Sprintf("%s is %s", p.Program, p.State), Mend: "`platform up` restarts it; `platform logs` says why",
				})
			}
		}
		e.result.Clusters = append(e.result.Clusters, entry)
	}
}
