package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/adrg/xdg"
	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/report"
	"dualtrack.internal/platform/source"
)

// load reads the repository that holds the working folder.
func (e *environment) load() (*catalog.Catalog, error) {
	root, err := catalog.FindRoot(e.dir)
	if err != nil {
		return nil, err
	}
	lock, err := catalog.ReadLock(root)
	if err != nil {
		return nil, err
	}
	if !lock.OverDistribution() {
		return e.withRemotes(catalog.Load(root))
	}
	base, err := e.distribution()
	if err != nil {
		return nil, err
	}
	if err := lock.Names(base, e.program()); err != nil {
		return nil, err
	}
	return e.withRemotes(catalog.LoadOver(root, base))
}

// distribution is what the program carries, in memory.
func (e *environment) distribution() (*catalog.Base, error) { return e.Distribution.Load() }

// chosen are the clusters that -c or -l mean; nil means every cluster.
func (e *environment) chosen(cat *catalog.Catalog) ([]string, error) {
	if e.selector != "" {
		return e.selected(cat)
	}
	for _, name := range e.clusters {
		if cat.Cluster(name) == nil {
			return nil, unknownCluster(cat, name)
		}
	}
	return e.clusters, nil
}

func (e *environment) selected(cat *catalog.Catalog) ([]string, error) {
	if len(e.clusters) > 0 {
		return nil, usagef("--selector and --cluster exclude each other")
	}
	chosen, err := cat.Select(e.selector)
	if err != nil {
		return nil, &UsageError{Err: err}
	}
	if len(chosen) == 0 {
		return nil, usagef("no cluster matches %q; `%s render -o json` lists the clusters, and clusters/NAME/cluster.yaml holds their labels", e.selector, e.program())
	}
	return chosen, nil
}

func unknownCluster(cat *catalog.Catalog, name string) error {
	return usagef("no cluster is called %q; the fleet has %s", name, strings.Join(names(cat), ", "))
}

func names(cat *catalog.Catalog) []string {
	var all []string
	for _, c := range cat.Clusters {
		all = append(all, c.Name)
	}
	return all
}

// gate renders and judges the tree; the result it returns is the command's own.
func (e *environment) gate(ctx context.Context, cat *catalog.Catalog, command string, o policy.GateOptions) (*policy.Gated, *report.Result, error) {
	engine, err := e.engineFor(ctx, cat)
	if err != nil {
		return nil, nil, err
	}
	if o.Evidence, err = e.witnessed(); err != nil {
		return nil, nil, err
	}
	o.Now, o.Provider, o.Shared = e.Now(), e.override, e.renderings()
	var gated *policy.Gated
	var commit source.Commit
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { gated, err = policy.Gate(groupCtx, engine, cat, o); return err })
	group.Go(func() (err error) { commit, err = source.Describe(cat.Root); return err }) // reads every file's time
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	result := report.New(command, cat)
	result.Notes = e.plain.notes()
	result.AddGate(gated)
	result.Commit, result.Dirty = commit.Hash, commit.Dirty
	if result.Folder, err = source.Folder(cat.Root); err != nil {
		return nil, nil, err
	}
	return gated, result, nil
}

// stateDir is where the fleet's clusters keep their state.
func (e *environment) stateDir(fleet string) string {
	base := cmp.Or(e.state, e.Getenv("DUALTRACK_STATE_DIR"), filepath.Join(xdg.StateHome, "dualtrack"))
	return filepath.Join(base, fleet)
}

// cacheDir is where built programs are kept.
func (e *environment) cacheDir() string {
	return cmp.Or(e.cache, e.Getenv("DUALTRACK_CACHE_DIR"), filepath.Join(xdg.CacheHome, "dualtrack"))
}

// needCache refuses to guess a cache folder.
func (e *environment) needCache() error {
	return e.needHome("--cache-dir", "XDG_CACHE_HOME", e.cache, e.Getenv("DUALTRACK_CACHE_DIR"), e.Getenv("XDG_CACHE_HOME"))
}

// needHome refuses to take the root folder for the home of a user who has none.
func (e *environment) needHome(flag, variable string, places ...string) error {
	if runtime.GOOS == "windows" || cmp.Or(append(places, e.Getenv("HOME"))...) != "" {
		return nil
	}
	return fmt.Errorf("HOME is not set, so there is no folder for this; set it, or %s, or use %s", variable, flag)
}

// progressf tells a person one line, unless -q.
func (e *environment) progressf(format string, args ...any) {
	if !e.quiet {
		fmt.Fprintf(e.Err, format+"\n", args...)
	}
}
