package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the program's version and build",
		Args:  argsUsage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			base, err := env.distribution()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(env.Out, "%s %s %s %s/%s\ndistribution %s %s\n", env.program(), env.version(),
				runtime.Version(), runtime.GOOS, runtime.GOARCH, base.Version, base.Digest)
			return err
		},
	}
}

// version is what a release was stamped with, else what the build knows.
func (e *environment) version() string {
	if e.Version != "" {
		return e.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
