// Command nodeimage makes the image that kind starts nodes from, and the
// stand-in for the load balancer it starts before several control planes, as one
// archive for `docker load`. Debian's packages come from the mirror of this
// machine's own apt, everything else from programs built beforehand; no registry
// is asked. The same inputs give the same bytes.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	out, cache, tag, balancer string
	rebuild, verify           bool
	programs                  programs
	versions                  versions
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("nodeimage", flag.ContinueOnError)
	flags.StringVar(&o.out, "out", "", "archive to write")
	flags.StringVar(&o.cache, "cache", "", "folder that keeps Debian's root file system")
	flags.StringVar(&o.tag, "tag", "", "name of the node image")
	flags.StringVar(&o.balancer, "balancer", "", "name that kind gives the load balancer's image")
	flags.BoolVar(&o.rebuild, "rebuild", false, "install Debian's packages anew")
	flags.BoolVar(&o.verify, "verify", false, "write the archive a second time and compare")
	for name, value := range map[string]*string{
		"node": &o.programs.node, "etcd": &o.programs.etcd, "coredns": &o.programs.coredns,
		"crictl": &o.programs.crictl, "pause": &o.programs.pause, "inside": &o.programs.inside,
	} {
		flags.StringVar(value, name, "", "program "+name)
	}
	flags.StringVar(&o.versions.kubernetes, "kubernetes", "", "version of Kubernetes, as its images are tagged")
	flags.StringVar(&o.versions.etcd, "etcd-tag", "", "tag of etcd's image")
	flags.StringVar(&o.versions.coredns, "coredns-tag", "", "tag of CoreDNS's image")
	flags.StringVar(&o.versions.pause, "pause-tag", "", "tag of the pause image")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var missing error
	flags.VisitAll(func(f *flag.Flag) {
		if f.Value.String() == "" {
			missing = errors.Join(missing, fmt.Errorf("-%s is not given", f.Name))
		}
	})
	return o, missing
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	start := time.Now()
	say := func(format string, a ...any) {
		fmt.Fprintf(os.Stderr, "%4.0f s  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, a...))
	}
	if err := os.MkdirAll(o.cache, 0o700); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	base, err := debian(ctx, o.cache, o.rebuild, say)
	if err != nil {
		return err
	}
	if err := build(ctx, o, base, o.out); err != nil {
		return err
	}
	info, err := os.Stat(o.out)
	if err != nil {
		return err
	}
	say("%s: %.0f MB", o.tag, float64(info.Size())/1e6)
	if !o.verify {
		return nil
	}
	return verify(ctx, o, base, say)
}

// verify builds a second time, from the same Debian.
func verify(ctx context.Context, o options, base string, say func(string, ...any)) error {
	second := o.out + ".second"
	defer func() { _ = os.Remove(second) }()
	if err := build(ctx, o, base, second); err != nil {
		return err
	}
	same, err := sameBytes(o.out, second)
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	if !same {
		return errors.New("two builds from the same inputs differ")
	}
	say("built twice: the same bytes")
	return nil
}

// build writes the archive beside its place and moves it there when it is whole.
func build(ctx context.Context, o options, base, out string) error {
	temp, err := os.MkdirTemp(filepath.Dir(out), ".nodeimage-")
	if err != nil {
		return fmt.Errorf("node image: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	r, err := openRootfs(base)
	if err != nil {
		return err
	}
	defer r.close()
	inner, err := components(r, o.programs, o.versions, temp)
	if err != nil {
		return err
	}
	tar := filepath.Join(temp, "components.tar")
	if err := save(tar, inner); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	images, err := outer(r, o, base, tar, temp)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	whole := filepath.Join(temp, "image.tar")
	if err := save(whole, images); err != nil {
		return err
	}
	if err := os.Rename(whole, out); err != nil {
		return fmt.Errorf("node image: %w", err)
	}
	return nil
}

// outer are the two images of the archive.
func outer(r *rootfs, o options, base, componentTar, temp string) ([]image, error) {
	debian, err := existing(base)
	if err != nil {
		return nil, err
	}
	node, err := nodeLayer(o.programs, o.versions, componentTar)
	if err != nil {
		return nil, err
	}
	own, err := node.blob(temp, false)
	if err != nil {
		return nil, err
	}
	balancer, err := balancerLayer(r, o.programs.inside)
	if err != nil {
		return nil, err
	}
	standIn, err := balancer.blob(temp, false)
	if err != nil {
		return nil, err
	}
	label := func(text string) map[string]string {
		return map[string]string{"internal.dualtrack.image": text}
	}
	return []image{
		{tags: []string{o.tag}, layers: []blob{debian, own}, run: runConfig{
			Env: []string{nodePath, "container=docker"}, StopSignal: "SIGRTMIN+3",
			Entrypoint: []string{"/usr/local/bin/entrypoint", "/sbin/init"}, Labels: label("node"),
		}},
		{tags: []string{o.balancer}, layers: []blob{standIn}, run: runConfig{
			Env: []string{nodePath}, Labels: label("load balancer of Dualtrack, in the place of Envoy: not Envoy"),
		}},
	}, nil
}

// save writes an archive to a file.
func save(name string, images []image) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err := errors.Join(writeArchive(w, images), w.Flush(), f.Close()); err != nil {
		return fmt.Errorf("archive %s: %w", name, err)
	}
	return nil
}
