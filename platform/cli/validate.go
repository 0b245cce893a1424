package cli

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/kind"
	"dualtrack.internal/platform/nodeimage"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/tool"
	"dualtrack.internal/platform/validate"
)

func newValidate(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Have each configuration judged by the program that reads it",
		Long: "validate renders every cluster's bundle and has each configuration in it judged by what reads it\n" +
			"in production: the collector, kubeadm, promtool and others as programs, Envoy's and Cilium's\n" +
			"configuration by the projects' own libraries, all objects by schema and policy. A container's\n" +
			"configuration is judged as the container sees it: files where they are mounted, arguments,\n" +
			"environment. Programs are built on first use. A judge that can't be had is counted as skipped:\n" +
			"exit 5.",
		Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cat, err := env.load()
			if err != nil {
				return err
			}
			return env.validate(cmd.Context(), cat)
		},
	}
	clusterFlag(cmd, env)
	return cmd
}

func (e *environment) validate(ctx context.Context, cat *catalog.Catalog) error {
	chosen, err := e.chosen(cat)
	if err != nil {
		return err
	}
	gated, result, err := e.gate(ctx, cat, "validate", policy.GateOptions{Clusters: chosen})
	if err != nil {
		return err
	}
	e.result = result
	checkers, images := validate.Checkers(), map[string]string{}
	for name, image := range cat.Baseline.Spec.Images {
		images[name] = image.Ref()
	}
	var subjects []validate.Subject
	for _, b := range gated.Rendered.Bundles {
		subjects = append(subjects, validate.Subjects(b, checkers, images)...)
		nodes, err := nodeSubjects(cat, b.Cluster)
		if err != nil {
			return err
		}
		subjects = append(subjects, nodes...)
	}
	store, err := e.store(cat)
	if err != nil {
		return err
	}
	p := e.newProgress()
	defer p.Close()
	rows, err := validate.Run(ctx, checkers, judges{store: store, events: building(p)}, subjects)
	if err != nil {
		return err
	}
	result.AddValidation(rows, gated)
	return nil
}

// nodeSubjects are what kubeadm reads when the nodes of a cluster are made.
func nodeSubjects(cat *catalog.Catalog, name string) ([]validate.Subject, error) {
	c := cat.Cluster(name)
	spec := cluster.Spec{Fleet: cat.Fleet.Name, Cluster: c, Kubernetes: cat.Baseline.Spec.Kubernetes}
	files, err := kind.Render(spec, kind.Image{Ref: nodeimage.Repository, EtcdTag: nodeimage.EtcdTag(cat.Baseline)})
	if err != nil {
		return nil, err
	}
	var out []validate.Subject
	for _, f := range files {
		if !strings.HasPrefix(f.Path, "kubeadm") {
			continue
		}
		path := "/etc/kubernetes/dualtrack/" + f.Path
		out = append(out, validate.Subject{Cluster: name, Component: "(control plane)", Name: f.Path, Source: c.At("spec.kubernetes"),
			Reader: "kubeadm", Files: map[string]string{path: string(f.Data)}, Args: []string{"--config", path}})
	}
	return out, nil
}

// judges finds the programs that judge.
type judges struct {
	store  *tool.Store
	events tool.Events
}

// Find implements validate.Programs.
func (j judges) Find(ctx context.Context, name string) (string, error) {
	name = cmp.Or(validate.Readers()[name], name)
	paths, err := j.store.Ensure(ctx, []string{name}, j.events)
	if _, lacks := errors.AsType[*tool.GoError](err); lacks {
		return "", &validate.MissingError{Program: name, Mend: "it is built with Go: " + err.Error()}
	}
	return paths[name], err
}
