package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// conftest judges the documents of one file with the rules and a cluster's facts.
func (l *loop) conftest(ctx context.Context, cluster, file string) ([]said, error) {
	out, err := l.program(ctx, "conftest", "test", "--policy", filepath.Join(l.dir, "rules"), "--data", filepath.Join(l.dir, "clusters", cluster, "data"),
		"--namespace", "main", "--output", "json", "--no-color", file)
	if err != nil {
		return nil, err
	}
	var files []struct {
		Failures []struct {
			Metadata said `json:"metadata"`
		} `json:"failures"`
	}
	if err := json.Unmarshal(out, &files); err != nil {
		return nil, fmt.Errorf("conftest %s: %w: %s", file, err, out)
	}
	var found []said
	for _, f := range files {
		for _, failure := range f.Failures {
			found = append(found, failure.Metadata)
		}
	}
	return found, nil
}

// adapter is Rego that lets conftest ask the rules: it makes each document the input
// that they expect, as judgeUnit of platform/policy does.
const adapter = `package main

import data.dualtrack.main as rules

deny contains {
	"msg": f.message, "Rule": f.rule, "Pointer": f.pointer, "Message": f.message,
	"Kind": doc.kind, "Namespace": doc.namespace, "Name": doc.name,
} if {
	some f in rules.findings with input as doc
}

doc := {
	"object": trimmed,
	"nested": within("apiVersion", "kind"),
	"collectors": within("service", "processors"),
	"listed": false,
	"group": group,
	"kind": object.get(input, "kind", ""),
	"namespace": object.get(input, ["metadata", "namespace"], ""),
	"name": object.get(input, ["metadata", "name"], ""),
}

trimmed := json.remove(input, ["status", "metadata/managedFields"])

default group := ""

group := split(input.apiVersion, "/")[0] if contains(input.apiVersion, "/")

within(one, other) := [{"pointer": concat("", ["/data/", escaped(key)]), "object": inner} |
	input.kind == "ConfigMap"
	input.apiVersion == "v1"
	some key in sort(object.keys(object.get(input, "data", {})))
	text := input.data[key]
	contains(text, one)
	contains(text, other)
	some part in split(text, "\n---")
	yaml.is_valid(part)
	inner := yaml.unmarshal(part)
	is_object(inner)
	object.get(inner, one, null) != null
	object.get(inner, other, null) != null
]

escaped(key) := replace(replace(key, "~", "~0"), "/", "~1")
`

// ours are the findings of the rules as check tells them. Findings of the schema, of
// silences and of exceptions are none of objects' rules.
func (l *loop) ours(ctx context.Context) (verdicts, error) {
	cmd := exec.CommandContext(ctx, l.bench.program, "check", "-q", "--full", "--no-cache", "-o", "json")
	var words bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stderr = l.bench.root, l.bench.env, &words
	data, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("check: %w\n%s", err, words.Bytes())
	}
	var result struct {
		Findings []struct {
			Rule    string `json:"rule"`
			Message string `json:"message"`
			Pointer string `json:"pointer"`
			Object  struct {
				Kind      string `json:"kind"`
				Namespace string `json:"namespace"`
				Name      string `json:"name"`
			} `json:"object"`
			Clusters []string `json:"clusters"`
		} `json:"findings"`
	}
	if err := json.Unmarshal(data, &result); err != nil {
		return nil, err
	}
	out := verdicts{}
	for _, f := range result.Findings {
		if !strings.HasPrefix(f.Rule, "DT-") && f.Rule != "policy" {
			continue
		}
		for _, cluster := range f.Clusters {
			out[cluster] = append(out[cluster], said{f.Rule, f.Object.Kind, f.Object.Namespace, f.Object.Name, f.Pointer, f.Message})
		}
	}
	return out, nil
}

// same holds that both find the same.
func (l *loop) same(ctx context.Context) error {
	ours, err := l.ours(ctx)
	if err != nil {
		return err
	}
	theirs, err := l.run(ctx, runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	total, differ := 0, 0
	for _, cluster := range slices.Sorted(maps.Keys(theirs)) {
		a, b := ordered(ours[cluster]), ordered(theirs[cluster])
		total += len(a)
		for _, s := range a {
			if !slices.Contains(b, s) {
				differ++
				fmt.Printf("%s: check alone says %+v\n", cluster, s)
			}
		}
		for _, s := range b {
			if !slices.Contains(a, s) {
				differ++
				fmt.Printf("%s: conftest alone says %+v\n", cluster, s)
			}
		}
	}
	fmt.Printf("%-34s %d of %d clusters, %d alone\n", "findings of check and the loop", total, len(theirs), differ)
	if differ > 0 {
		return errors.New("the loop and check do not find the same, so that their times can't be compared")
	}
	return nil
}

func ordered(list []said) []said {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b said) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return slices.Compact(list)
}
