package cli

import (
	"github.com/spf13/cobra"

	"dualtrack.internal/platform/policy"
)

func newCheck(env *environment) *cobra.Command {
	var o policy.GateOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Render, validate and judge the working tree; needs no cluster",
		Long: "check renders every cluster's bundle, validates each object against the Kubernetes OpenAPI\n" +
			"and the catalog's own CRDs, and judges it with policy. It needs neither cluster nor network.\n" +
			"With --kube-version it says what breaks when the clusters are upgraded.",
		Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cat, err := env.load()
			if err != nil {
				return err
			}
			if o.Clusters, err = env.chosen(cat); err != nil {
				return err
			}
			_, env.result, err = env.gate(cmd.Context(), cat, "check", o)
			return err
		},
	}
	clusterFlag(cmd, env)
	cmd.Flags().StringVar(&o.KubeVersion, "kube-version", "", "judge against this Kubernetes version instead of the baseline's")
	return cmd
}
