package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// change measures `check` in a clone of the repository: nothing changed, and one
// component changed that most clusters have; with what earlier runs kept, with an
// empty cache, and without one.
func (b *bench) change(ctx context.Context) error {
	clone := filepath.Join(b.work, "clone")
	if _, err := b.command(ctx, b.root, "git", "clone", "-q", "--no-hardlinks", b.root, clone); err != nil {
		return err
	}
	if _, err := b.command(ctx, clone, "git", "checkout", "-q", "-B", "main"); err != nil {
		return err
	}
	warm := filepath.Join(b.work, "warm")
	unchanged, err := b.checks(ctx, clone, func() []string { return []string{"--base", "HEAD", "--cache-dir", warm} }, true)
	if err != nil {
		return err
	}
	spread("check, nothing changed, warm", unchanged, 150*time.Millisecond)
	// A comment would change nothing: an annotation changes every object of it.
	file := filepath.Join(clone, "components", "otel", "base", "kustomization.yaml")
	before, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(string(before)+"\ncommonAnnotations: {bench: \"0\"}\n"), 0o644); err != nil {
		return err
	}
	once, err := b.checks(ctx, clone, func() []string { return []string{"--base", "HEAD", "--cache-dir", warm} }, true)
	if err != nil {
		return err
	}
	spread("check, one component, warm", once, 250*time.Millisecond)
	var fresh []time.Duration
	n := 0
	for range max(7, b.runs) {
		n++
		if err := b.edit(file, before, n); err != nil {
			return err
		}
		one, err := b.checked(ctx, clone, []string{"--base", "HEAD", "--cache-dir", warm})
		if err != nil {
			return err
		}
		fresh = append(fresh, one)
	}
	spread("check, another edit of it, warm", fresh, 250*time.Millisecond)
	empty, err := b.checks(ctx, clone, func() []string {
		n++
		return []string{"--base", "HEAD", "--cache-dir", filepath.Join(b.work, "cache", time.Now().Format("150405.000000000"))}
	}, false)
	if err != nil {
		return err
	}
	spread("check, one component, empty cache", empty, 3*time.Second)
	none, err := b.checks(ctx, clone, func() []string { return []string{"--base", "HEAD", "--no-cache"} }, false)
	if err != nil {
		return err
	}
	spread("check, one component, no cache", none, 3*time.Second)
	return nil
}

// edit changes the component once more.
func (b *bench) edit(file string, before []byte, n int) error {
	return os.WriteFile(file, append(slices.Clone(before), "\ncommonAnnotations: {bench: \""+strings.Repeat("x", n)+"\"}\n"...), 0o644)
}

// checks measures `check` several times, after one run that is not counted if that
// is asked for.
func (b *bench) checks(ctx context.Context, dir string, flags func() []string, warmed bool) ([]time.Duration, error) {
	if warmed {
		if _, err := b.checked(ctx, dir, flags()); err != nil {
			return nil, err
		}
	}
	var took []time.Duration
	for range max(7, b.runs) {
		one, err := b.checked(ctx, dir, flags())
		if err != nil {
			return nil, err
		}
		took = append(took, one)
	}
	return took, nil
}

func (b *bench) checked(ctx context.Context, dir string, flags []string) (time.Duration, error) {
	return b.command(ctx, dir, append([]string{b.program, "check", "-q"}, flags...)...)
}
