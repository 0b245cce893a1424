package validate

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// etcdFlags has etcd read the flags that kubeadm hands to it, which kubeadm itself
// does not know: etcd reads all of them before it prints its version and ends.
type etcdFlags struct{}

// Judge runs etcd once for each configuration that has flags for it.
func (etcdFlags) Judge(ctx context.Context, path string, subjects []Subject) (string, []Answer, error) {
	version, err := versionOf(ctx, path, nil)
	if err != nil {
		return "", nil, err
	}
	var answers []Answer
	for _, s := range subjects {
		a, err := flagsOfEtcd(ctx, path, s)
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		answers = append(answers, a)
	}
	return version, answers, nil
}

func flagsOfEtcd(ctx context.Context, path string, s Subject) (Answer, error) {
	var args []string
	for _, file := range slices.Sorted(maps.Keys(s.Files)) {
		args = append(args, etcdArgs(s.Files[file])...)
	}
	if len(args) == 0 {
		return Answer{Nothing: "it sets no flag of etcd"}, nil
	}
	out, code, err := run(ctx, path, append(slices.Clone(args), "--version"), nil, os.TempDir())
	if err != nil {
		return Answer{}, err
	}
	if code != 0 {
		words, _, _ := strings.Cut(strings.TrimSpace(out), "\n") // its usage follows
		return Answer{Problems: []Problem{{Path: "etcd.local.extraArgs", Message: plain(words)}}}, nil
	}
	return Answer{Accepted: []string{fmt.Sprintf("%d flags", len(args))}}, nil
}

// etcdArgs are the flags in the documents of kubeadm's configuration. What kubeadm
// would not read is left to kubeadm.
func etcdArgs(text string) []string {
	var out []string
	documents := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc struct {
			Kind string `yaml:"kind"`
			Etcd struct {
				Local struct {
					ExtraArgs map[string]any `yaml:"extraArgs"`
				} `yaml:"local"`
			} `yaml:"etcd"`
		}
		if err := documents.Decode(&doc); err != nil {
			return out // the end, or what kubeadm will refuse
		}
		if doc.Kind != "ClusterConfiguration" {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(doc.Etcd.Local.ExtraArgs)) {
			out = append(out, fmt.Sprintf("--%s=%v", name, doc.Etcd.Local.ExtraArgs[name]))
		}
	}
}
