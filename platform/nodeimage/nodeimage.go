// Package nodeimage makes the image that nodes of kind start from out of the
// programs of the tool store, keeps it in the user's cache under a hash of all
// that goes in, and gives it to the container engine. It asks no registry, never
// starts a container, and never removes an image from the engine.
package nodeimage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/tool"
)

// Repository is the name of every node image, without its tag.
const Repository = "dualtrack.internal/node"

// balancerRepository is what kind asks for before several control planes. Our
// own balancer stands under that name.
const balancerRepository = "docker.io/envoyproxy/envoy"

// etcdRevision is what kubeadm's images of etcd carry behind the version.
const etcdRevision = "-0"

// Versions are the tags of what goes into the image.
type Versions struct {
	Kubernetes string // with v
	Etcd       string // as EtcdTag gives it
	CoreDNS    string // with v
	Pause      string
	Balancer   string // with v; the tag that kind is compiled with
}

// Of reads the versions from the baseline.
func Of(b *catalog.Baseline) (Versions, error) {
	v := Versions{Kubernetes: b.Spec.Kubernetes, Etcd: EtcdTag(b)}
	for name, at := range map[string]struct {
		to     *string
		prefix string
	}{"coredns": {&v.CoreDNS, "v"}, "pause": {&v.Pause, ""}, "kind-load-balancer": {&v.Balancer, "v"}} {
		declared := b.Spec.Versions[name].Declared
		if declared == "" {
			return Versions{}, fmt.Errorf("%s: no version of %s, which a node image needs; add spec.versions.%s", b.File, name, name)
		}
		*at.to = at.prefix + declared
	}
	return v, nil
}

// EtcdTag is the tag of etcd's image in a node: kubeadm must be told it, for its
// own default is another version.
func EtcdTag(b *catalog.Baseline) string { return b.Spec.Versions["etcd"].Declared + etcdRevision }

// Store builds programs; a *tool.Store is one.
type Store interface {
	Ensure(ctx context.Context, names []string, ev tool.Events) (map[string]string, error)
	Missing(names []string) ([]string, error)
}

// Options say what is made and where it is kept.
type Options struct {
	CacheDir string // of archives
	Versions Versions
	Rebuild  bool // make the archive anew, Debian's packages too
}

// Events tells a listener what is done; a nil field is skipped.
type Events struct {
	Programs tool.Events
	Step     func(text string)
}

func (e Events) step(format string, args ...any) {
	if e.Step != nil {
		e.Step(fmt.Sprintf(format, args...))
	}
}

// Result says which image there is now.
type Result struct {
	Ref      string // of the node image
	Balancer string // of the stand-in for kind's load balancer
	Archive  string // "" where the engine held the image already and no archive is kept
	Made     bool   // the archive was made by this call
	Loaded   bool   // the engine was given it by this call
}

// programs are the names in the store that go into an image, and its maker.
func programs() []string {
	return []string{tool.CoreDNS, tool.Crictl, tool.Etcd, tool.Inside, tool.Node, tool.NodeImage, tool.Pause}
}

// Ensure makes sure that the engine holds the image of these inputs, and says
// its name. What is there already is not made again. Errors: *LackError for what
// the machine lacks, and those of the store.
func Ensure(ctx context.Context, store Store, o Options, ev Events) (Result, error) {
	if err := engineAnswers(ctx); err != nil {
		return Result{}, err
	}
	missing, err := store.Missing(programs())
	if err != nil {
		return Result{}, err
	}
	if len(missing) > 0 { // so no archive of these inputs can be there: say early what it lacks
		if err := canMake(o); err != nil {
			return Result{}, err
		}
	}
	paths, err := store.Ensure(ctx, programs(), ev.Programs)
	if err != nil {
		return Result{}, err
	}
	release, err := tool.Acquire(ctx, filepath.Join(o.CacheDir, "lock"), "making a node image", func(h tool.Holder) {
		ev.step("waiting: %s", h)
	})
	if err != nil {
		return Result{}, fmt.Errorf("node image: %w", err)
	}
	defer release()
	r := Result{Ref: ref(paths, o.Versions), Balancer: balancerRepository + ":" + o.Versions.Balancer}
	archive := filepath.Join(o.CacheDir, "node-"+r.Ref[strings.LastIndexByte(r.Ref, '-')+1:]+".tar")
	if !o.Rebuild && engineHolds(ctx, r.Ref) && engineHolds(ctx, r.Balancer) {
		r.Archive = present(archive)
		return r, nil
	}
	r.Archive = archive
	if o.Rebuild || present(archive) == "" {
		if err := makeArchive(ctx, o, r, paths, ev); err != nil {
			return Result{}, err
		}
		r.Made = true
	}
	ev.step("giving the image to the engine")
	if err := load(ctx, archive); err != nil {
		return Result{}, err
	}
	r.Loaded = true
	return r, nil
}

// present is the path if the file is there.
func present(path string) string {
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// ref names the image by what goes in: the store's folder of each program names
// its sources and its toolchain.
func ref(paths map[string]string, v Versions) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		fmt.Fprintf(h, "%s\x00%s\x00", name, filepath.Base(filepath.Dir(paths[name])))
	}
	fmt.Fprintf(h, "%+v", v)
	return Repository + ":" + v.Kubernetes + "-" + hex.EncodeToString(h.Sum(nil))[:12]
}

// makeArchive runs the maker and removes the archives of older inputs.
func makeArchive(ctx context.Context, o Options, r Result, paths map[string]string, ev Events) error {
	if err := canMake(o); err != nil {
		return err
	}
	args := []string{
		"-out", r.Archive, "-cache", o.CacheDir, "-tag", r.Ref, "-balancer", r.Balancer,
		"-kubernetes", o.Versions.Kubernetes, "-etcd-tag", o.Versions.Etcd, "-coredns-tag", o.Versions.CoreDNS, "-pause-tag", o.Versions.Pause,
	}
	for _, name := range programs() {
		if name != tool.NodeImage {
			args = append(args, "-"+name, paths[name])
		}
	}
	if o.Rebuild {
		args = append(args, "-rebuild")
	}
	if err := runMaker(ctx, paths[tool.NodeImage], args, ev); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(o.CacheDir, "node-*.tar"))
	if err != nil {
		return fmt.Errorf("archives of older inputs: %w", err)
	}
	for _, path := range old {
		if path == r.Archive {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("archive of older inputs: %w", err)
		}
	}
	return nil
}
