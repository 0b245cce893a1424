package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/fleet"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/report"
	"dualtrack.internal/platform/tool"
)

// fleetOptions are the flags of commands that touch clusters.
type fleetOptions struct {
	timeout   time.Duration
	pruneData bool
	sites     int // hub and this many sites; negative means all
	approved  bool
}

// running is what a command on clusters works with.
type running struct {
	env      *environment
	cat      *catalog.Catalog
	store    *tool.Store
	provider *cluster.Mixed
	progress progress
}

// open prepares a command on clusters. The caller closes what it returns.
func (e *environment) open(cat *catalog.Catalog) (*running, error) {
	if err := e.needHome("--state-dir", "XDG_STATE_HOME", e.state, e.Getenv("DUALTRACK_STATE_DIR"), e.Getenv("XDG_STATE_HOME")); err != nil {
		return nil, err
	}
	store, err := e.store(cat)
	if err != nil {
		return nil, err
	}
	r := &running{env: e, cat: cat, store: store, progress: e.newProgress()}
	if r.provider, err = e.providers(cat, r); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *running) close() { r.progress.Close() }

// programs builds what the clusters run.
func (r *running) programs(ctx context.Context) (map[string]string, error) {
	paths, err := r.store.Ensure(ctx, nil, building(r.progress))
	if err != nil || !slices.ContainsFunc(r.cat.Clusters, supportedEtcd) {
		return paths, err
	}
	older, err := r.store.Ensure(ctx, []string{tool.Etcd35}, building(r.progress))
	maps.Copy(paths, older)
	return paths, err
}

func supportedEtcd(c *catalog.Cluster) bool { return c.Spec.Etcd.Line == "supported" }

// outsideMatrix says which clusters run an etcd that upstream does not pair with
// their Kubernetes; no choice means all.
func outsideMatrix(cat *catalog.Catalog, chosen []string) []finding.Finding {
	v := cat.Baseline.Spec.Versions["etcd"]
	var names []string
	for _, c := range cat.Clusters {
		if (len(chosen) == 0 || slices.Contains(chosen, c.Name)) && c.Spec.Provider == "embedded" && !supportedEtcd(c) {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 || v.Note == "" {
		return nil
	}
	return []finding.Finding{{
		Rule: "etcd-line", Severity: finding.Info, Clusters: names,
		Message: "etcd " + v.Declared + " is outside upstream's matrix for Kubernetes " + cat.Baseline.Spec.Kubernetes + ": " + v.Note,
		Mend:    "`spec.etcd.line: supported` takes etcd " + cat.Baseline.Spec.Versions["etcd35"].Declared + ", on a cluster without data of the newer",
	}}
}

// lock takes the fleet's lock; another command that holds it is named.
func (r *running) lock(ctx context.Context, doing string) (release func(), err error) {
	return cluster.Lock(ctx, r.env.stateDir(r.cat.Fleet.Name), doing, func(h tool.Holder) {
		r.progress.Update("fleet", "waiting for "+h.String())
	})
}

func (r *running) driver(o fleetOptions) *fleet.Driver {
	return fleet.New(fleet.Config{
		Catalog: r.cat, Core: r.provider, Timeout: o.timeout, PruneData: o.pruneData, Approved: o.approved,
		Images: r.images,
		Events: fleet.Events{Update: r.progress.Update, Done: r.progress.Done},
	})
}

// choose names the clusters that -c or --sites mean; nil means all.
func (e *environment) choose(cat *catalog.Catalog, sites int) ([]string, error) {
	chosen, err := e.chosen(cat)
	if err != nil || sites < 0 {
		return chosen, err
	}
	if len(chosen) > 0 {
		return nil, usagef("--sites and --cluster exclude each other")
	}
	if most := len(cat.Clusters) - 1; sites > most {
		return nil, usagef("--sites %d: the fleet has %d sites", sites, most)
	}
	return names(cat)[:sites+1], nil // the catalog lists the hub first
}

// gateAndBuild gates the tree while the programs are built. A denied tree ends
// the build: nothing will be started.
func (r *running) gateAndBuild(ctx context.Context, command string, chosen []string) (*policy.Gated, *report.Result, error) {
	own := r.own(chosen)
	if err := errors.Join(r.preflight(ctx, own), r.fits(chosen)); err != nil {
		return nil, nil, err
	}
	building, stop := context.WithCancel(ctx)
	defer stop()
	var gated *policy.Gated
	var result *report.Result
	denied := false
	var group errgroup.Group
	group.Go(func() error {
		if own == 0 {
			return nil
		}
		if _, err := r.programs(building); err != nil && building.Err() == nil {
			return err
		}
		return nil
	})
	group.Go(func() error {
		r.progress.Update("bundles", "rendering and judging")
		var err error
		gated, result, err = r.env.gate(ctx, r.cat, command, policy.GateOptions{Clusters: chosen})
		if denied = err == nil && gated.Denied(); denied || err != nil {
			stop()
			r.progress.Done("bundles", "denied")
			return err
		}
		r.progress.Done("bundles", fmt.Sprintf("%d objects judged", gated.Objects))
		return nil
	})
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	return gated, result, ctx.Err()
}

// own counts the chosen clusters that run as processes of this machine; no
// choice means all.
func (r *running) own(chosen []string) int {
	if len(chosen) == 0 {
		chosen = names(r.cat)
	}
	n := 0
	for _, name := range chosen {
		if r.provider.Provider(name) == catalog.ProviderEmbedded {
			n++
		}
	}
	return n
}

// preflight stops before anything is begun that this machine can't finish.
func (r *running) preflight(ctx context.Context, clusters int) error {
	if clusters == 0 {
		return nil
	}
	missing, err := r.store.Missing(nil)
	if err != nil {
		return err
	}
	for _, f := range tool.Preflight(ctx, tool.Need{
		CacheDir: r.store.CacheDir(), StateDir: r.env.stateDir(r.cat.Fleet.Name),
		FirstBuild: len(missing) > 0, Clusters: clusters,
	}) {
		if f.Denies() {
			return fmt.Errorf("%s; %s", f.Message, f.Mend)
		}
		r.env.progressf("%s; %s", f.Message, f.Mend)
	}
	return nil
}

// onRunning gates quietly and runs one step over clusters that run: the common
// part of status, wait, diff, drift, repair and apply.
func (e *environment) onRunning(ctx context.Context, command string, o fleetOptions,
	step func(r *running, d *fleet.Driver, g *policy.Gated) ([]fleet.Outcome, error)) (*running, *policy.Gated, error) {
	cat, err := e.load()
	if err != nil {
		return nil, nil, err
	}
	chosen, err := e.chosen(cat)
	if err != nil {
		return nil, nil, err
	}
	r, err := e.open(cat)
	if err != nil {
		return nil, nil, err
	}
	defer sync.OnceFunc(r.close)()
	gated, result, err := e.gate(ctx, cat, command, policy.GateOptions{Clusters: chosen})
	if err != nil {
		return nil, nil, err
	}
	outcomes, err := step(r, r.driver(o), gated)
	if err != nil {
		return nil, nil, err
	}
	result.AddOutcomes(outcomes, cat)
	e.result = result
	r.sayDead(ctx, result)
	return r, gated, nil
}

// sayDead says of clusters that did not converge which of their programs do not
// run: what they would do is then waited for in vain. A cluster whose programs
// can't be asked about has its verdict all the same.
func (r *running) sayDead(ctx context.Context, result *report.Result) {
	for i := range result.Clusters {
		c := &result.Clusters[i]
		if c.State != report.NotConverged {
			continue
		}
		list, err := r.provider.Status(ctx, c.Name)
		if err != nil {
			continue
		}
		for _, p := range list {
			if p.State == cluster.Dead {
				c.Why = strings.TrimPrefix(c.Why+"; ", "; ") +
					fmt.Sprintf("%s is dead: `platform up` starts it again, `platform logs %s %s` says why", p.Program, c.Name, p.Program)
			}
		}
	}
}

// stateExists says whether any cluster of the fleet was ever made here.
func (e *environment) stateExists(cat *catalog.Catalog) bool {
	_, err := os.Stat(e.stateDir(cat.Fleet.Name))
	return err == nil
}
