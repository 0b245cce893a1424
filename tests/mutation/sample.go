package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
)

// drawn takes the mutants that are run, in their order, and says which these are.
func drawn(ctx context.Context, all []mutant, o options) ([]mutant, string, error) {
	var whole []mutant
	rest := all
	words := ""
	if o.since != "" {
		revision, files, err := changed(ctx, o.root, o.since)
		if err != nil {
			return nil, "", err
		}
		rest = nil
		for _, m := range all {
			if slices.Contains(files, m.file) || slices.Contains(files, strings.TrimSuffix(m.file, ".rego")+"_test.rego") {
				whole = append(whole, m)
			} else {
				rest = append(rest, m)
			}
		}
		words = fmt.Sprintf("%d of what changed since %s, and of the others ", len(whole), revision)
	}
	if o.sample >= 0 && o.sample < len(rest) {
		total := len(rest)
		order := rand.New(rand.NewPCG(o.seed, 0)).Perm(total)[:o.sample]
		slices.Sort(order)
		picked := make([]mutant, len(order))
		for i, n := range order {
			picked[i] = rest[n]
		}
		return append(whole, picked...), fmt.Sprintf("%s%d of %d, seed %d", words, len(picked), total, o.seed), nil
	}
	return append(whole, rest...), fmt.Sprintf("%sall %d", words, len(rest)), nil
}

// changed names the files below policies that differ from a revision.
func changed(ctx context.Context, root, since string) (revision string, files []string, err error) {
	revision = since
	if since == "auto" {
		if revision, err = base(ctx, root); err != nil {
			return "", nil, err
		}
	}
	diff, err := git(ctx, root, "diff", "--name-only", "--relative", "-z", revision, "--", "policies")
	if err != nil {
		return "", nil, err
	}
	loose, err := git(ctx, root, "ls-files", "--others", "--exclude-standard", "-z", "--", "policies")
	if err != nil {
		return "", nil, err
	}
	for name := range strings.SplitSeq(diff+loose, "\x00") {
		if name, ok := strings.CutPrefix(name, "policies/"); ok {
			files = append(files, name)
		}
	}
	if len(revision) > 12 {
		revision = revision[:12]
	}
	return revision, files, nil
}

// base is where the branch left the default branch; on that branch itself, and where
// none is known, it is the commit before.
func base(ctx context.Context, root string) (string, error) {
	head, err := git(ctx, root, "rev-parse", "HEAD")
	if err != nil {
		return "", err
	}
	for _, branch := range []string{"origin/HEAD", "origin/main", "main"} {
		if at, err := git(ctx, root, "merge-base", branch, "HEAD"); err == nil && strings.TrimSpace(at) != strings.TrimSpace(head) {
			return strings.TrimSpace(at), nil
		}
	}
	before, err := git(ctx, root, "rev-parse", "--verify", "HEAD~1")
	if err != nil {
		return "", fmt.Errorf("-since auto: there is no commit before this one; fetch it with `git fetch --deepen 1`: %w", err)
	}
	return strings.TrimSpace(before), nil
}

func git(ctx context.Context, root string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}
