package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/kind"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/nodeimage"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/schema"
	"dualtrack.internal/platform/tool"
	"dualtrack.internal/platform/validate"
)

func newValidate(env *environment) *cobra.Command {
	var each int
	var seed uint64
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Have each configuration judged by the program that reads it",
		Long: "validate renders every cluster's bundle and has each configuration in it judged by what reads it\n" +
			"in production: the collector, kubeadm, promtool and others as programs, Envoy's and Cilium's\n" +
			"configuration by the projects' own libraries, all objects by schema and policy. A container's\n" +
			"configuration is judged as the container sees it: files where they are mounted, arguments,\n" +
			"environment. Programs are built on first use. A judge that can't be had is counted as skipped:\n" +
			"exit 5.\n\n" +
			"With --break N it breaks N fields of each component's configurations and N of its objects\n" +
			"instead, each alone, and says who catches them and what nothing catches.",
		Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cat, err := env.load()
			if err != nil {
				return err
			}
			return env.validate(cmd.Context(), cat, each, seed)
		},
	}
	clusterFlag(cmd, env)
	cmd.Flags().IntVar(&each, "break", 0, "break so many fields of each component instead, and see who catches them")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "with --break: the same seed breaks the same fields")
	return cmd
}

func (e *environment) validate(ctx context.Context, cat *catalog.Catalog, each int, seed uint64) error {
	chosen, err := e.chosen(cat)
	if err != nil {
		return err
	}
	gated, result, err := e.gate(ctx, cat, "validate", policy.GateOptions{Clusters: chosen})
	if err != nil {
		return err
	}
	checkers := validate.Checkers()
	subjects, err := configurations(cat, gated, checkers)
	if err != nil {
		return err
	}
	store, err := e.store(cat)
	if err != nil {
		return err
	}
	p := e.newProgress()
	defer p.Close()
	programs := judges{store: store, events: building(p)}
	if each > 0 {
		return e.breakFields(ctx, cat, validate.Breaking{Checkers: checkers, Programs: programs, Subjects: subjects,
			Bundles: gated.Rendered.Bundles, Each: each, Seed: seed})
	}
	e.result = result
	rows, err := validate.Run(ctx, checkers, programs, subjects)
	if err != nil {
		return err
	}
	result.AddValidation(rows, gated)
	return nil
}

// breakFields writes who catches broken fields; objects are judged by schema.
func (e *environment) breakFields(ctx context.Context, cat *catalog.Catalog, b validate.Breaking) error {
	validator, err := schema.Open(cat.Baseline.Spec.Kubernetes)
	if err != nil {
		return err
	}
	for _, bundle := range b.Bundles {
		validator = validator.Extend(bundle.Objects)
	}
	b.Objects = func(ctx context.Context, o render.Object) []finding.Finding {
		return validator.Check(ctx, []render.Object{o})
	}
	broken, err := b.Break(ctx)
	if err != nil {
		return err
	}
	return e.writeDocument(broken)
}

// configurations are everything in the bundles that a reader is known for, and
// what nodes are made with.
func configurations(cat *catalog.Catalog, gated *policy.Gated, checkers []validate.Checker) ([]validate.Subject, error) {
	images := map[string]string{}
	for name, image := range cat.Baseline.Spec.Images {
		images[name] = image.Ref()
	}
	var subjects []validate.Subject
	for _, b := range gated.Rendered.Bundles {
		subjects = append(subjects, validate.Subjects(b, checkers, images)...)
		nodes, err := nodeSubjects(cat, b.Cluster)
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, nodes...)
	}
	return subjects, nil
}

// nodeSubjects are what kubeadm reads when the nodes of a cluster are made, what
// their kubelets read on each machine that is declared, and their API servers.
func nodeSubjects(cat *catalog.Catalog, name string) ([]validate.Subject, error) {
	c := cat.Cluster(name)
	spec := cluster.Spec{Fleet: cat.Fleet.Name, Cluster: c, Kubernetes: cat.Baseline.Spec.Kubernetes}
	files, err := kind.Render(spec, kind.Image{Ref: nodeimage.Repository, EtcdTag: nodeimage.EtcdTag(cat.Baseline)})
	if err != nil {
		return nil, err
	}
	subject := func(reader string, f kind.File, field string) validate.Subject {
		path := "/etc/kubernetes/dualtrack/" + f.Path
		text := strings.ReplaceAll(string(f.Data), kind.SecretPlaceholder, exampleKey)
		return validate.Subject{Cluster: name, Component: "(control plane)", Name: f.Path, Source: c.At(field),
			Readers: []string{reader}, Files: map[string]string{path: text}, Args: []string{"--config", path}}
	}
	var out []validate.Subject
	for _, f := range files {
		switch {
		case strings.HasPrefix(f.Path, "kubeadm"):
			s := subject("kubeadm", f, "spec.kubernetes")
			if f.Path == "kubeadm-init.yaml" {
				s.Readers = append(s.Readers, tool.Etcd)
			}
			out = append(out, s)
		case strings.HasPrefix(f.Path, "conf/"):
			s := subject("kube-apiserver", f, "spec.kubernetes")
			s.Args = nil
			out = append(out, s)
		}
		if f.Path != "kubeadm-init.yaml" {
			continue
		}
		for _, n := range c.Spec.Nodes {
			s := subject("kubelet", kind.File{Path: "kubelet.yaml", Data: kubeletPart(f.Data)}, "spec.kubernetes.kubelet")
			s.Name, s.Args = "kubelet of "+n.Name, machine(n.Capacity)
			out = append(out, s)
		}
	}
	return out, nil
}

// kubeletPart is the document of kubeadm's configuration that kubeadm hands to
// kubelets.
func kubeletPart(text []byte) []byte {
	for doc := range bytes.SplitSeq(text, []byte("---\n")) {
		if bytes.Contains(doc, []byte("\nkind: KubeletConfiguration\n")) {
			return doc
		}
	}
	return nil
}

// exampleKey stands for the key for Secrets, which no rendered file holds.
const exampleKey = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoyMzQ1Njc="

// machine is what a node is declared to have, for the judge of kubelets.
func machine(c catalog.Capacity) []string {
	cpus, memory := c.CPU.Parsed(), c.Memory.Parsed()
	return []string{
		"--cpus=" + strconv.FormatInt(cpus.Value(), 10), "--memory=" + strconv.FormatInt(memory.Value(), 10),
		"--numa-nodes=" + strconv.Itoa(c.NUMANodes),
	}
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
