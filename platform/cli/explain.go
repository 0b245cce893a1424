package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/report"
)

func newExplain(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:     "explain PATH",
		Short:   "Explain a field of the catalog's files",
		Example: "  platform explain cluster.spec.etcd",
		Args:    argsUsage(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := catalog.Explain(args[0])
			if err != nil {
				return &UsageError{Err: err}
			}
			_, err = fmt.Fprintln(env.Out, strings.TrimRight(text, "\n"))
			return err
		},
	}
}

func newSchema(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "schema [KIND]",
		Short: "Print the JSON Schema of the catalog's files, or of the report",
		Args:  argsUsage(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			schemas, err := catalog.Schemas()
			if err != nil {
				return err
			}
			if schemas["report"], err = report.Schema(); err != nil {
				return err
			}
			kinds := slices.Sorted(maps.Keys(schemas))
			if len(args) == 0 {
				_, err = fmt.Fprintln(env.Out, strings.Join(kinds, "\n"))
				return err
			}
			for _, kind := range kinds {
				if strings.EqualFold(kind, args[0]) {
					_, err = fmt.Fprintln(env.Out, strings.TrimRight(string(schemas[kind]), "\n"))
					return err
				}
			}
			return usagef("no kind is called %q; known are %s", args[0], strings.Join(kinds, ", "))
		},
	}
}
