package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source"
	"dualtrack.internal/platform/tool"
)

// store is the cache of the repository's programs.
func (e *environment) store(cat *catalog.Catalog) (*tool.Store, error) {
	if err := e.needCache(); err != nil {
		return nil, err
	}
	dir, err := e.toolsDir(cat)
	if err != nil {
		return nil, err
	}
	return tool.New(tool.Config{
		ToolsDir: dir,
		CacheDir: filepath.Join(e.cacheDir(), "tools"),
		Programs: tool.Programs(cat.Baseline.Spec.Kubernetes),
		Named:    slices.Concat(tool.NodePrograms(cat.Baseline.Spec.Kubernetes), tool.WorkloadPrograms(), tool.CheckPrograms()),
	})
}

// toolsDir is the folder of the programs' modules: the repository's own where it
// holds them all, else those of the distribution, unpacked.
func (e *environment) toolsDir(cat *catalog.Catalog) (string, error) {
	own := filepath.Join(cat.Root, "tools")
	if cat.Base == nil || !slices.ContainsFunc(tool.Programs(cat.Baseline.Spec.Kubernetes), func(p tool.Program) bool {
		return !exists(filepath.Join(own, p.Dir, "go.mod"))
	}) {
		return own, nil
	}
	dir, err := source.KeepTools(cat.Base, e.cacheDir())
	if err != nil {
		return "", fmt.Errorf("%w; make the folder writable, or choose another with --cache-dir", err)
	}
	return dir, nil
}

// openStore loads the catalog and its store of programs.
func (e *environment) openStore() (*tool.Store, error) {
	cat, err := e.load()
	if err != nil {
		return nil, err
	}
	return e.store(cat)
}

// building shows the builds of programs.
func building(p progress) tool.Events {
	return tool.Events{Progress: func(ev tool.Progress) {
		switch ev.State {
		case tool.Waiting:
			p.Update("programs", "waiting: "+ev.Holder.String())
		case tool.Building:
			// A line every ten seconds where lines are not redrawn.
			if _, redraws := p.(*bars); redraws || ev.Elapsed.Truncate(time.Second)%(10*time.Second) == 0 {
				p.Update(ev.Program, fmt.Sprintf("building, %s of about %s", ev.Elapsed.Round(time.Second), ev.Expected.Round(time.Second)))
			}
		case tool.Built:
			p.Done(ev.Program, fmt.Sprintf("built in %s", ev.Elapsed.Round(time.Second)))
		case tool.Failed:
			p.Done(ev.Program, "build failed")
		}
	}}
}

func newTools(env *environment) *cobra.Command {
	cmd := &cobra.Command{Use: "tools", Short: "Build and list the programs that clusters run", Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(
		&cobra.Command{
			Use: "build [PROGRAM…]", Short: "Build programs, or all of them", Args: argsUsage(cobra.ArbitraryArgs),
			RunE: func(cmd *cobra.Command, args []string) error {
				store, err := env.openStore()
				if err != nil {
					return err
				}
				p := env.newProgress()
				defer p.Close()
				_, err = store.Ensure(cmd.Context(), args, building(p))
				return err
			},
		},
		&cobra.Command{
			Use: "list", Short: "List built programs", Args: argsUsage(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error { return env.listTools() },
		},
		&cobra.Command{
			Use: "prune", Short: "Remove programs of older sources", Args: argsUsage(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return env.prune(cmd, false) },
		},
	)
	return cmd
}

func (e *environment) listTools() error {
	store, err := e.openStore()
	if err != nil {
		return err
	}
	entries, err := store.List()
	if err != nil {
		return err
	}
	missing, err := store.Missing(nil)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(e.Out, 0, 0, 2, ' ', 0)
	for _, entry := range entries {
		state := "of an older source"
		if entry.Current {
			state = "current"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", entry.Program, megabytes(entry.Bytes), state)
	}
	for _, name := range missing {
		fmt.Fprintf(w, "%s\t-\tnot built\n", name)
	}
	for _, name := range store.Unbuilt() {
		fmt.Fprintf(w, "%s\t-\tnot built; made when something asks for it\n", name)
	}
	return w.Flush()
}

func (e *environment) prune(cmd *cobra.Command, all bool) error {
	store, err := e.openStore()
	if err != nil {
		return err
	}
	freed, err := store.Prune(cmd.Context(), all)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.Out, "%s freed\n", megabytes(freed))
	return err
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
