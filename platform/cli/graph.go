package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
)

func newGraph(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:     "graph",
		Short:   "Draw what the components depend on",
		Example: "  platform graph -o dot | dot -Tsvg > components.svg",
		Args:    argsUsage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			cat, err := env.load()
			if err != nil {
				return err
			}
			format := "mermaid"
			if len(env.outputs) > 0 {
				format = env.outputs[0]
			}
			switch format {
			case "mermaid":
				return drawMermaid(env.Out, cat)
			case "dot":
				return drawDot(env.Out, cat)
			}
			return usagef("unknown graph format %q; known are mermaid, dot", format)
		},
	}
}

func drawMermaid(w io.Writer, cat *catalog.Catalog) error {
	if _, err := fmt.Fprintln(w, "graph LR"); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(cat.Components)) {
		fmt.Fprintf(w, "  %s\n", name)
		for _, on := range cat.Components[name].Spec.DependsOn {
			if _, err := fmt.Fprintf(w, "  %s --> %s\n", name, on); err != nil {
				return err
			}
		}
	}
	return nil
}

func drawDot(w io.Writer, cat *catalog.Catalog) error {
	if _, err := fmt.Fprintln(w, "digraph components {\n  rankdir=LR;"); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(cat.Components)) {
		fmt.Fprintf(w, "  %q;\n", name)
		for _, on := range cat.Components[name].Spec.DependsOn {
			if _, err := fmt.Fprintf(w, "  %q -> %q;\n", name, on); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintln(w, "}")
	return err
}
