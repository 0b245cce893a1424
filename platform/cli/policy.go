package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/policy"
	"dualtrack.internal/policies"
)

func newPolicy(env *environment) *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "List, explain and test the rules", Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the rules", Args: argsUsage(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error {
				engine, err := policy.Compile(cmd.Context(), policies.FS)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(env.Out, 0, 0, 2, ' ', 0)
				for _, r := range engine.Rules() {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.ID, r.Severity, r.Profile, r.Title)
				}
				return w.Flush()
			},
		},
		&cobra.Command{
			Use: "explain RULE", Short: "Say what a rule denies, why, and how to mend it", Args: argsUsage(cobra.ExactArgs(1)),
			Example: "  platform policy explain DT-SEC-001",
			RunE: func(cmd *cobra.Command, args []string) error {
				engine, err := policy.Compile(cmd.Context(), policies.FS)
				if err != nil {
					return err
				}
				rule, err := engine.Explain(args[0])
				if err != nil {
					return &UsageError{Err: err}
				}
				return env.explainRule(rule)
			},
		},
		&cobra.Command{
			Use: "test", Short: "Run the rules' own tests", Args: argsUsage(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return env.testRules(cmd) },
		},
	)
	return cmd
}

func (e *environment) explainRule(r policy.Rule) error {
	_, err := fmt.Fprintf(e.Out, "%s  %s\n\nseverity  %s\nprofile   %s\n", r.ID, r.Title, r.Severity, r.Profile)
	for _, line := range []struct{ name, text string }{{"why", r.Why}, {"mend", r.Mend}} {
		if line.text != "" && err == nil {
			_, err = fmt.Fprintf(e.Out, "%-9s %s\n", line.name, line.text)
		}
	}
	for _, ref := range r.Refs {
		if err == nil {
			_, err = fmt.Fprintf(e.Out, "%-9s %s\n", "reference", ref)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Params)) {
		if value, bad := json.Marshal(r.Params[name]); bad == nil && err == nil {
			_, err = fmt.Fprintf(e.Out, "parameter %s: %s\n", name, value)
		}
	}
	if r.Fixed && err == nil {
		_, err = fmt.Fprintln(e.Out, "no exception may waive it")
	}
	return err
}

func (e *environment) testRules(cmd *cobra.Command) error {
	results, err := policy.SelfTest(cmd.Context(), policies.FS)
	if err != nil {
		return err
	}
	failed := 0
	for _, r := range results {
		if r.Passed && !e.verbose {
			continue
		}
		word := "ok"
		if !r.Passed {
			word = "FAILED"
			failed++
		}
		if _, err := fmt.Fprintf(e.Out, "%s %s %s\n", word, r.Name, r.Why); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(e.Out, "%d tests, %d failed\n", len(results), failed); err != nil || failed == 0 {
		return err
	}
	return &StatusError{Code: exitDiffers}
}
