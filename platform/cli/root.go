package cli

import (
	"github.com/spf13/cobra"
)

// The groups of commands, in the order help shows them.
const (
	groupStart  = "start"
	groupChange = "change"
	groupProve  = "prove"
)

// newRoot builds the whole command tree.
func newRoot(env *environment) *cobra.Command {
	root := &cobra.Command{
		Use:   ownName,
		Short: "Render, gate, bring up and prove a fleet of Kubernetes clusters",
		Long: "platform renders the distribution's components for every cluster, gates them with policy,\n" +
			"brings the clusters up, and proves with two independent tracks, Flux's way and Argo CD's\n" +
			"way, that each holds what Git says.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          argsUsage(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return env.checkOutputs(cmd) }
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see `%s --help`", err, cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVarP(&env.dir, "directory", "w", ".", "folder inside the repository")
	flags.StringVar(&env.state, "state-dir", "", "folder of the clusters' state (default: the user's state folder)")
	flags.StringVar(&env.cache, "cache-dir", "", "folder of built programs (default: the user's cache folder)")
	flags.BoolVar(&env.noCache, "no-cache", false, "neither use nor keep results of earlier runs")
	flags.StringVar(&env.mirror, "mirror", "", "folder, or oci://… of a registry, that remote sources are read from (default spec.mirror of the fleet)")
	flags.BoolVar(&env.offline, "offline", false, "fetch no remote source: take what the cache or a mirror's folder holds")
	flags.StringArrayVarP(&env.outputs, "output", "o", nil, "FORMAT[=PATH]: "+formatsHelp()+"; repeatable")
	_ = root.RegisterFlagCompletionFunc("output", completeFormats) // the flag is there
	flags.BoolVarP(&env.quiet, "quiet", "q", false, "no progress")
	flags.BoolVarP(&env.verbose, "verbose", "v", false, "show everything")
	root.AddGroup(
		&cobra.Group{ID: groupStart, Title: "Start:"},
		&cobra.Group{ID: groupChange, Title: "Change:"},
		&cobra.Group{ID: groupProve, Title: "Prove:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupStart, newInit(env), newUp(env), newStop(env), newDown(env), newStatus(env), newWait(env), newDoctor(env),
		newLogs(env), newKubectl(env), newKubeconfig(env), newTools(env), newCache(env), newNode(env))
	add(groupChange, newRender(env), newDiff(env), newCheck(env), newComment(env), newApply(env), newDrift(env), newRepair(env),
		newUpgrade(env), newLock(env), newVendor(env), newGraph(env), newExplain(env), newSchema(env), newPolicy(env),
		newSilence(env), newImport(env))
	add(groupProve, newValidate(env), newBench(env), newTune(env), newVersion(env))
	root.SetHelpCommandGroupID(groupStart)
	root.SetCompletionCommandGroupID(groupProve)
	env.named(root)
	return root
}

// clusterFlag adds -c to a command.
func clusterFlag(cmd *cobra.Command, env *environment) {
	cmd.Flags().StringSliceVarP(&env.clusters, "cluster", "c", nil, "only these clusters")
	cmd.Flags().StringVarP(&env.selector, "selector", "l", "", "only clusters whose labels match, and role, profile, provider, region, zone, wave: \"role=edge,wave=west\"")
}
