package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/preflight"
	"dualtrack.internal/platform/render"
)

func newNodePreflight(env *environment) *cobra.Command {
	var reserved, name string
	var unit bool
	cmd := &cobra.Command{
		Use: "preflight", Short: "Look whether this machine can be a node, and what XDP does on it",
		Long: "preflight reads this machine's kernel, network cards and interrupts, and tries XDP for real: it loads\n" +
			"a program, attaches it to a virtual card in a network namespace that it makes and that goes with it,\n" +
			"generic and native, counts packets, and has the kernel run it on one (root). What it could not look\n" +
			"at is \"not judgeable here\", and then the exit code is 5; a check that is bad gives 1. With --cluster it\n" +
			"compares the machine with what that cluster of the repository wants of its nodes.\n\n" +
			"XDP runs in the interrupt of a card's queue. So what can be pinned is that interrupt, to CPUs that\n" +
			"the kubelet keeps from pods (--reserved-cpus, --unit); no pod, thread or goroutine can be pinned to\n" +
			"XDP. A card's own word comes from a table of drivers: nothing is attached to a real card. On virtual\n" +
			"cards native mode is no faster than generic.",
		Example: "  platform node preflight --reserved-cpus 0-1 -o json\n" +
			"  platform node preflight --cluster hub\n" +
			"  platform node preflight --reserved-cpus 0-1 --unit > /etc/systemd/system/network-queues.service",
		Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := preflight.Options{OS: runtime.GOOS, Root: os.DirFS("/"), Reserved: reserved, Try: preflight.Try}
			if name != "" {
				if err := env.nodeWants(cmd.Context(), name, &o); err != nil {
					return err
				}
			}
			return env.nodePreflight(cmd.Context(), o, unit)
		},
	}
	cmd.Flags().StringVar(&reserved, "reserved-cpus", "", "the kubelet's reservedSystemCPUs, as 0-3,8")
	cmd.Flags().StringVar(&name, "cluster", "", "the cluster that the machine is for: its reservedSystemCPUs, and its cilium-config")
	cmd.Flags().BoolVar(&unit, "unit", false, "write the systemd unit that binds the cards' queues, and nothing else")
	return cmd
}

// nodeWants reads what a cluster wants of its nodes. A flag stands over it.
func (e *environment) nodeWants(ctx context.Context, name string, o *preflight.Options) error {
	cat, err := e.load()
	if err != nil {
		return err
	}
	all, err := render.All(ctx, cat, render.Options{Clusters: []string{name}})
	if err != nil {
		return err
	}
	if o.Reserved == "" {
		o.Reserved = cat.Cluster(name).Spec.Kubernetes.Kubelet.ReservedSystemCPUs
	}
	for _, object := range all.Bundles[0].Objects {
		if object.GetKind() == "ConfigMap" && object.GetName() == "cilium-config" {
			data, _, err := unstructured.NestedStringMap(object.Object, "data")
			if err != nil {
				return fmt.Errorf("%s: %w", object.Ref(), err)
			}
			o.Acceleration, o.Devices = data["bpf-lb-acceleration"], data["devices"]
		}
	}
	return nil
}

func (e *environment) nodePreflight(ctx context.Context, o preflight.Options, unit bool) error {
	r, err := preflight.Look(ctx, o)
	if err != nil {
		return err
	}
	if unit {
		return e.writeUnit(r)
	}
	if err := e.writeDocument(r); err != nil {
		return err
	}
	return preflightCode(r)
}

// writeUnit writes the unit, or on standard error why there is none.
func (e *environment) writeUnit(r *preflight.Report) error {
	text, err := r.Unit()
	if err != nil {
		if err := r.Text(e.Err); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(e.Err, err); err != nil {
			return err
		}
		return &StatusError{Code: exitDiffers}
	}
	_, err = io.WriteString(e.Out, text)
	return err
}

// preflightCode: a check that is bad decides, and one that could not be made is
// no pass.
func preflightCode(r *preflight.Report) error {
	switch {
	case len(r.Refused()) > 0:
		return &StatusError{Code: exitDiffers}
	case slices.ContainsFunc(r.Checks, func(c preflight.Check) bool { return c.State == preflight.Unknown }):
		return &StatusError{Code: exitIncomplete}
	}
	return nil
}
