package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/silence"
)

func newSilence(env *environment) *cobra.Command {
	var url, file string
	var dryRun bool
	cmd := &cobra.Command{
		Use: "silence", Short: "Make an Alertmanager hold the silences of Git", Args: argsUsage(cobra.NoArgs),
		Long: "silence compares policies/silences/*.yaml with what an Alertmanager holds. Silences of ours bear a mark in their\n" +
			"comment; every other one is foreign, is reported and never touched, unless Git holds the same silence.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	status := &cobra.Command{
		Use: "status", Short: "Say what differs; exit code 1 if anything does", Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.silences(cmd.Context(), url, silence.Status, true)
		},
	}
	sync := &cobra.Command{
		Use: "sync", Short: "Create, renew and expire silences as Git says", Args: argsUsage(cobra.NoArgs),
		Example: "  platform silence sync --alertmanager http://127.0.0.1:9093 --dry-run",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dryRun {
				return env.silences(cmd.Context(), url, silence.Status, false)
			}
			return env.silences(cmd.Context(), url, silence.Sync, false)
		},
	}
	sync.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, only say what would be")
	adopt := &cobra.Command{
		Use: "import", Short: "Write foreign silences down as YAML; committed, the next sync takes them over", Args: argsUsage(cobra.NoArgs),
		Example: "  platform silence import --alertmanager http://127.0.0.1:9093 --write night",
		RunE:    func(cmd *cobra.Command, _ []string) error { return env.importSilences(cmd.Context(), url, file) },
	}
	adopt.Flags().StringVar(&file, "write", "", "write policies/silences/NAME.yaml, which must not be there yet, instead of printing it")
	for _, c := range []*cobra.Command{status, sync, adopt} {
		c.Flags().StringVar(&url, "alertmanager", "", "URL of an Alertmanager")
		cmd.AddCommand(c)
	}
	return cmd
}

// comparing is silence.Status or silence.Sync.
type comparing func(ctx context.Context, a *silence.Alertmanager, s silence.Source) (*silence.Outcome, error)

// silences compares, or syncs, what policy does not deny.
func (e *environment) silences(ctx context.Context, url string, compare comparing, exits bool) error {
	server, cat, err := e.alertmanager(url)
	if err != nil {
		return err
	}
	source := silence.Source{Fleet: cat.Fleet.Name, Wanted: cat.Wanted(), Now: e.Now()}
	denied, err := e.deniedSilences(ctx, cat)
	if err != nil {
		return err
	}
	if len(denied) > 0 {
		return errors.Join(e.writeDocument(silence.Deny(source, denied)), &StatusError{Code: exitDiffers})
	}
	outcome, err := compare(ctx, server, source)
	if outcome != nil { // it says what was done before an error, too
		if err := e.writeDocument(outcome); err != nil {
			return err
		}
	}
	if err == nil && exits && outcome.Differs() {
		return &StatusError{Code: exitDiffers}
	}
	return err
}

func (e *environment) alertmanager(url string) (*silence.Alertmanager, *catalog.Catalog, error) {
	if url == "" {
		return nil, nil, usagef("say with --alertmanager which one, like http://127.0.0.1:9093")
	}
	server, err := silence.Dial(url)
	if err != nil {
		return nil, nil, err
	}
	cat, err := e.load()
	return server, cat, err
}

func (e *environment) deniedSilences(ctx context.Context, cat *catalog.Catalog) ([]finding.Finding, error) {
	engine, err := e.engineFor(ctx, cat)
	if err != nil {
		return nil, err
	}
	found, err := engine.JudgeSilences(ctx, cat, e.Now())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(f finding.Finding) bool { return !f.Denies() }), nil
}

func (e *environment) importSilences(ctx context.Context, url, name string) error {
	server, cat, err := e.alertmanager(url)
	if err != nil {
		return err
	}
	file, left, err := silence.Import(ctx, server, silence.Source{Fleet: cat.Fleet.Name, Wanted: cat.Wanted(), Now: e.Now()}, name)
	if err != nil {
		return err
	}
	for _, line := range left {
		e.progressf("left out: %s", line)
	}
	if name == "" {
		return e.writeDocument(file)
	}
	if len(file.Spec.Silences) == 0 {
		e.progressf("nothing is foreign: no file is written")
		return nil
	}
	path, err := file.Write(cat.Root)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.Out, "%s: adopts %d; `%s check` judges them, and the next `%s silence sync` takes them over\n",
		path, len(file.Spec.Silences), e.program(), e.program())
	return err
}
