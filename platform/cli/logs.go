package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/tool"
)

// onCluster runs a step about the one cluster that an argument names.
func (e *environment) onCluster(name string, step func(r *running) error) error {
	cat, err := e.load()
	if err != nil {
		return err
	}
	if cat.Cluster(name) == nil {
		return unknownCluster(cat, name)
	}
	r, err := e.open(cat)
	if err != nil {
		return err
	}
	defer r.close()
	return step(r)
}

func newLogs(env *environment) *cobra.Command {
	var tail int
	cmd := &cobra.Command{
		Use:     "logs CLUSTER PROGRAM",
		Short:   "Print what a cluster's program wrote",
		Example: "  platform logs hub kube-apiserver-1",
		Args:    argsUsage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.onCluster(args[0], func(r *running) error {
				return r.provider.Logs(cmd.Context(), args[0], args[1], tail, env.Out)
			})
		},
	}
	cmd.Flags().IntVar(&tail, "tail", 100, "how many of the last lines; 0 means all that is kept")
	return cmd
}

func newKubeconfig(env *environment) *cobra.Command {
	var path bool
	cmd := &cobra.Command{
		Use:     "kubeconfig CLUSTER",
		Short:   "Print a cluster's kubeconfig, or its path",
		Example: "  export KUBECONFIG=$(platform kubeconfig hub --path)",
		Args:    argsUsage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.onCluster(args[0], func(r *running) error {
				access, err := r.provider.Access(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if path {
					_, err = fmt.Fprintln(env.Out, access.Kubeconfig)
					return err
				}
				data, err := os.ReadFile(access.Kubeconfig)
				if err != nil {
					return fmt.Errorf("cluster %s: kubeconfig: %w", args[0], err)
				}
				_, err = env.Out.Write(data)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&path, "path", false, "print the path of the file, which only you can read")
	return cmd
}

func newKubectl(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:     "kubectl CLUSTER -- ARGS…",
		Short:   "Run kubectl of the cluster's own version",
		Example: "  platform kubectl hub -- get pods -A",
		Args:    argsUsage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.onCluster(args[0], func(r *running) error {
				access, err := r.provider.Access(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				paths, err := r.store.Ensure(cmd.Context(), []string{tool.ControlPlane}, building(r.progress))
				if err != nil {
					return err
				}
				r.close() // the terminal is kubectl's from here on
				return env.exec(cmd.Context(), paths[tool.ControlPlane], append([]string{"kubectl"}, args[1:]...), "KUBECONFIG="+access.Kubeconfig)
			})
		},
	}
}
