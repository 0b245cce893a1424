package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/memo"
	"dualtrack.internal/platform/source"
	"dualtrack.internal/platform/source/remote"
	"dualtrack.internal/platform/tool"
)

func newCache(env *environment) *cobra.Command {
	cmd := &cobra.Command{Use: "cache", Short: "Show or empty the cache: built programs, node images, distributions, remote sources", Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(
		&cobra.Command{
			Use: "size", Short: "Print the cache's folders and their sizes", Args: argsUsage(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error { return env.cacheSize() },
		},
		&cobra.Command{
			Use: "prune", Short: "Remove every built program, node image, distribution and remote source", Args: argsUsage(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return env.cachePrune(cmd.Context()) },
		},
	)
	return cmd
}

func (e *environment) cacheSize() error {
	store, err := e.openStore()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(e.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	programs, err := store.Size()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s\t  %s\n", megabytes(programs), store.CacheDir())
	for _, dir := range e.keptDirs() {
		size, err := folderSize(dir)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t  %s\n", megabytes(size), dir)
	}
	return w.Flush()
}

// keptDirs are the parts of the cache beside the programs. All can be made anew.
func (e *environment) keptDirs() []string {
	return []string{e.nodeImageDir(), source.KeptDir(e.cacheDir()), memo.Dir(e.cacheDir()), remote.Dir(e.cacheDir())}
}

func (e *environment) cachePrune(ctx context.Context) error {
	store, err := e.openStore()
	if err != nil {
		return err
	}
	freed, err := store.Prune(ctx, true)
	if err != nil {
		return err
	}
	for _, dir := range e.keptDirs() {
		bytes, err := removeFolder(ctx, dir)
		if err != nil {
			return err
		}
		freed += bytes
	}
	_, err = fmt.Fprintf(e.Out, "%s freed\n", megabytes(freed))
	return err
}

// removeFolder waits for who makes something there, and removes it.
func removeFolder(ctx context.Context, dir string) (freed int64, err error) {
	if freed, err = folderSize(dir); err != nil {
		return 0, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	release, err := tool.Acquire(ctx, filepath.Join(dir, "lock"), "pruning the cache", func(tool.Holder) {})
	if err != nil {
		return 0, fmt.Errorf("prune %s: %w", dir, err)
	}
	defer release()
	if err := os.RemoveAll(dir); err != nil {
		return 0, fmt.Errorf("prune %s: %w", dir, err)
	}
	return freed, nil
}

// folderSize is the bytes of all files in a folder, 0 of one that is not there.
func folderSize(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil && !d.IsDir() {
			if info, err = d.Info(); err == nil {
				sum += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			return nil
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("size of %s: %w", dir, err)
	}
	return sum, nil
}
