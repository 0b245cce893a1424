package cli

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source"
	"dualtrack.internal/platform/source/remote"
)

func newLock(env *environment) *cobra.Command {
	var o remote.LockOptions
	cmd := &cobra.Command{
		Use:   "lock [COMPONENT...]",
		Short: "Pin remote sources in platform.lock, by digest or commit",
		Long: "lock resolves the remote sources of components (helm with repo, oci, git) that platform.lock does\n" +
			"not pin yet or whose component.yaml asks for something else, fetches them into the cache and\n" +
			"writes the lock. Other pins stay; --upgrade moves them to what the sources give now, all or\n" +
			"those of the components named. Rendering uses what is pinned and resolves nothing.\n" +
			"Proxies are taken from HTTPS_PROXY and NO_PROXY, authorities from SSL_CERT_FILE,\n" +
			"credentials from .netrc (helm, git) and Docker's config.json (oci).",
		Example: "  platform lock\n  platform lock --upgrade redis\n  platform lock --check",
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Only = args; len(args) > 0 && !o.Upgrade {
				return usagef("components are named with --upgrade; without it every source that needs a pin gets one")
			}
			return env.lock(cmd.Context(), o)
		},
		ValidArgsFunction: env.completeComponents,
	}
	cmd.Flags().BoolVar(&o.Upgrade, "upgrade", false, "move pins to what the sources give now")
	cmd.Flags().BoolVar(&o.Check, "check", false, "write nothing; exit code 1 if the lock is to be written (with --upgrade: if a source has moved)")
	return cmd
}

func (e *environment) lock(ctx context.Context, o remote.LockOptions) error {
	cat, err := e.load()
	if err != nil {
		return err
	}
	if err := e.needCache(); err != nil {
		return err
	}
	locked, err := e.reader(e.mirrorOf(cat)).Lock(ctx, cat, o)
	if err != nil {
		return err
	}
	write := !o.Check && len(locked.Moves) > 0
	if write {
		spec := catalog.LockSpec{Sources: locked.Sources}
		if cat.Lock != nil {
			spec.Distribution = cat.Lock.Spec.Distribution
		}
		if err := source.WriteLock(cat.Root, spec); err != nil {
			return err
		}
	}
	if err := e.writeDocument(locked.Outcome(o, write)); err != nil {
		return err
	}
	if o.Check && len(locked.Moves) > 0 {
		return &StatusError{Code: exitDiffers}
	}
	return nil
}

func newVendor(env *environment) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "vendor --to DIR|oci://…",
		Short: "Copy every locked source to a folder or a registry, for sites without a network",
		Long: "vendor copies the archives that platform.lock pins to a folder or a repository of an OCI registry.\n" +
			"Sources are read from such a mirror with --mirror, DUALTRACK_MIRROR or spec.mirror of\n" +
			"clusters/fleet.yaml, and checked against the lock as everywhere.",
		Example: "  platform vendor --to mirror\n  platform vendor --to oci://registry.example.com/mirror",
		Args:    argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to == "" {
				return usagef("say with --to where: a folder, or oci://… of a registry")
			}
			return env.vendor(cmd.Context(), to)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "folder, or oci://… of a registry")
	return cmd
}

func (e *environment) vendor(ctx context.Context, to string) error {
	cat, err := e.load()
	if err != nil {
		return err
	}
	if err := e.needCache(); err != nil {
		return err
	}
	// The mirror of the fleet is often the one that is to be filled.
	done, err := e.reader(cmp.Or(e.mirror, e.Getenv("DUALTRACK_MIRROR"))).Vendor(ctx, cat, to)
	if err != nil {
		return err
	}
	return e.writeDocument(&remote.Mirrored{To: to, Sources: done})
}

// withRemotes lets a catalog's remote sources be read.
func (e *environment) withRemotes(cat *catalog.Catalog, err error) (*catalog.Catalog, error) {
	if err != nil {
		return nil, err
	}
	if len(remote.Names(cat)) > 0 {
		if err := e.needCache(); err != nil {
			return nil, err
		}
		cat.Remotes = e.reader(e.mirrorOf(cat))
	}
	return cat, nil
}

// mirrorOf is where remote sources are read from, "" for their origins.
func (e *environment) mirrorOf(cat *catalog.Catalog) string {
	if named := cmp.Or(e.mirror, e.Getenv("DUALTRACK_MIRROR")); named != "" {
		return named
	}
	if cat.Fleet == nil || cat.Fleet.Spec.Mirror == "" {
		return ""
	}
	if mirror := cat.Fleet.Spec.Mirror; strings.HasPrefix(mirror, "oci://") || filepath.IsAbs(mirror) {
		return mirror
	}
	root := cat.Root
	if root == "" { // a commit's files stand in no folder
		root, _ = catalog.FindRoot(e.dir)
	}
	return filepath.Join(root, filepath.FromSlash(cat.Fleet.Spec.Mirror))
}

// reader reads remote sources; closeRemotes closes it.
func (e *environment) reader(mirror string) *remote.Store {
	var one sync.Mutex // sources are fetched side by side
	s := remote.New(remote.Options{CacheDir: e.cacheDir(), Mirror: mirror, Offline: e.offline, Getenv: e.Getenv,
		Say: func(what string) {
			one.Lock()
			defer one.Unlock()
			e.progressf("%s", what)
		}})
	e.remotesHeld.Lock()
	defer e.remotesHeld.Unlock()
	e.remotes = append(e.remotes, s)
	return s
}

func (e *environment) closeRemotes() {
	for _, s := range e.remotes {
		s.Close()
	}
}

// completeComponents completes the names of components with a remote source.
func (e *environment) completeComponents(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	cat, err := e.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return remote.Names(cat), cobra.ShellCompDirectiveNoFileComp
}
