package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

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

// doctorWait bounds the look at a cluster that was there before.
const doctorWait = 5 * time.Second

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
	e.result.Findings = append(e.result.Findings, unfit(cat, r, nil)...)
	e.result.Findings = append(e.result.Findings, outsideMatrix(cat, nil)...)
	e.result.Findings = append(e.result.Findings, lacks(ctx, cat, r)...)
	e.inspect(ctx, cat, r)
	return nil
}

// lacks says what each provider does not offer its clusters, and what follows.
func lacks(ctx context.Context, cat *catalog.Catalog, r *running) []finding.Finding {
	words := map[cluster.Ability]string{
		cluster.RunsPods:   "nodes are simulated: no container runs on them, and pod health is kwok's word",
		cluster.MetricsAPI: "there is no metrics API: the health of autoscalers is not judgeable here",
		cluster.Volumes:    "there is no volume provisioner: a claim stays unbound, and its health is not judgeable here",
	}
	var found []finding.Finding
	at := map[string]int{}
	for _, c := range cat.Clusters {
		missing := r.provider.Lacks(c)
		if access, err := r.provider.Access(ctx, c.Name); err == nil {
			missing = access.Lacks
		}
		for _, a := range missing {
			provider := r.provider.Provider(c.Name)
			message := fmt.Sprintf("provider %s: %s", provider, words[a])
			if a == cluster.RunsPods && provider == catalog.ProviderExisting {
				message = "provider existing: nodes are simulated, or may not be listed: pod health counts as simulated"
			}
			i, seen := at[message]
			if !seen {
				i = len(found)
				at[message] = i
				found = append(found, finding.Finding{Rule: "provider", Severity: finding.Info, Message: message})
			}
			found[i].Clusters = append(found[i].Clusters, c.Name)
		}
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
		case errors.Is(err, cluster.ErrUnsupported):
			entry.State, entry.Why = e.reached(ctx, c.Name, r)
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

// reached says how a cluster without programs of ours stands.
func (*environment) reached(ctx context.Context, name string, r *running) (report.State, string) {
	ctx, cancel := context.WithTimeout(ctx, doctorWait)
	defer cancel()
	access, err := r.provider.Access(ctx, name)
	if err != nil {
		return report.Failed, err.Error()
	}
	if err := cluster.Wait(ctx, access); err != nil {
		return report.Unreachable, err.Error()
	}
	return report.Running, ""
}
