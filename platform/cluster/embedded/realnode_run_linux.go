package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/tool"
)

// unfit says what this system lacks for a real node besides programs.
func unfit() []string {
	var out []string
	all, err := hierarchies()
	if err != nil {
		return []string{err.Error()}
	}
	if lacking := lackingControllers(all); len(lacking) > 0 {
		out = append(out, "no control groups for "+strings.Join(lacking, ", "))
	}
	if _, err := os.Stat("/proc/self/ns/net"); err != nil {
		out = append(out, "no network namespaces")
	}
	return out
}

// prepareNode makes the real node's folders and link, or ends a real node that
// is not declared any more.
func (s *starter) prepareNode(ctx context.Context, id *identity) error {
	l := s.l
	if s.pl.real() == nil {
		if _, err := os.Stat(l.nodeDir()); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err := s.p.endNode(ctx, l, s.p.cfg.StopGrace); err != nil {
			return fmt.Errorf("cluster %s: %w", l.name, err)
		}
		if err := os.RemoveAll(l.nodeDir()); err != nil {
			return storage("remove the real node", l.root, err)
		}
		for _, program := range []string{containerdName, gatewayName, kubeletName, proxyName} {
			_ = os.Remove(l.record(program)) // else it would be listed as dead
		}
		id.Link, s.nodeLeft = "", true
		s.changed = append(s.changed, "real node: ended (not declared)")
		return nil
	}
	var places []string
	for at, dir := range l.private() {
		places = append(places, at)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return storage("make the node's folders", l.root, err)
		}
	}
	if err := os.MkdirAll(l.nodeDir("network"), 0o700); err != nil {
		return storage("make the node's folders", l.root, err)
	}
	slices.Sort(places)
	got, err := theHost().join(ctx, l.root, parseLink(id.Link), places)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", l.name, err)
	}
	id.Link, s.pl.link = got.String(), got
	return nil
}

// bringNode makes the real node run, if there is one.
func (s *starter) bringNode(ctx context.Context, client kubernetes.Interface) error {
	if s.nodeLeft {
		return s.retireNode(ctx, client)
	}
	if s.pl.real() == nil {
		return nil
	}
	const step = "real node"
	begun := time.Now()
	s.events.Begin(s.l.name, step, 0)
	for _, do := range []func(context.Context) error{
		func(ctx context.Context) error { return s.groundNode(ctx, client) },
		func(ctx context.Context) error { return s.bring(ctx, runtimeStage) },
		s.ensurePause,
		func(ctx context.Context) error { return s.admitNode(ctx, client) },
		func(ctx context.Context) error { return s.bring(ctx, nodeStage) },
	} {
		if err := do(ctx); err != nil {
			return err
		}
	}
	s.events.Begin(s.l.name, step, time.Since(begun))
	return nil
}

// groundNode makes what the node's programs stand on. When none of them is left,
// what their containers were goes too, and the API is told.
func (s *starter) groundNode(ctx context.Context, client kubernetes.Interface) error {
	err := s.l.ensureNetwork(ctx, s.pl.parts, s.pl.link)
	holder := 0
	if err == nil {
		holder, err = s.l.holder()
	}
	if err == nil && holder == 0 {
		if err = s.p.endContainers(ctx, s.l, 0); err == nil {
			// The kubelet would ask for seconds what became of each that is left.
			err = s.l.removeGroups(ctx)
		}
		if err == nil {
			err = errors.Join(emptyFolder(s.l.nodeDir("run")), s.l.emptyManagers())
			s.nodeEmpty = true
		}
		if err == nil {
			err = forgetNode(ctx, client, s.pl.real().Name)
		}
	}
	if err == nil {
		err = s.l.ensureGroups()
	}
	if err != nil {
		return fmt.Errorf("cluster %s: real node: %w", s.l.name, err)
	}
	return nil
}

// startInside starts a program in the namespaces of the real node.
func (l layout) startInside(proc process, env []string, log *os.File) (int, error) {
	holder, err := l.holder()
	if err != nil {
		return 0, err
	}
	return l.launchInside(holder, proc.binary, proc.argv(), env, log)
}

// endNode ends the real node: kubelet first, so that it starts nothing again,
// then the containers, those who watch over them, and containerd. What it
// changed of the machine is restored. A cluster without one is no error.
func (p *Provider) endNode(ctx context.Context, l layout, grace time.Duration) error {
	if _, err := os.Stat(l.nodeDir()); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	all, err := l.scanAll()
	if err != nil {
		return err
	}
	var nodes, helpers, last []live
	for _, lv := range all {
		switch {
		case lv.child:
			helpers = append(helpers, lv)
		case lv.program == kubeletName, lv.program == proxyName:
			nodes = append(nodes, lv)
		case lv.program == containerdName, lv.program == gatewayName:
			last = append(last, lv)
		}
	}
	if err := p.end(ctx, nodes, grace); err != nil {
		return err
	}
	if err := p.endContainers(ctx, l, grace); err != nil {
		return err
	}
	if err := p.end(ctx, helpers, 0); err != nil {
		return err
	}
	if err := p.end(ctx, last, grace); err != nil {
		return err
	}
	// A helper that containerd started meanwhile, or one of kubelet's.
	all, err = l.scanAll()
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(all, func(lv live) bool { return !lv.child })
	if err := errors.Join(p.end(ctx, left, 0), p.endContainers(ctx, l, 0)); err != nil {
		return err
	}
	if err := errors.Join(l.removeGroups(ctx), l.removeNetwork(ctx), emptyFolder(l.nodeDir("run"))); err != nil {
		return err
	}
	return theHost().leave(ctx, l.root)
}

// endContainers ends every process in the node's control groups.
func (p *Provider) endContainers(ctx context.Context, l layout, grace time.Duration) error {
	const rounds = 5 // a process may start another while the list is read
	for range rounds {
		found, err := l.contained()
		if err != nil || len(found) == 0 {
			return err
		}
		if err := p.end(ctx, found, grace); err != nil {
			return err
		}
	}
	return nil
}

// emptyFolder removes what is in a folder and keeps the folder.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("empty %s: %w", dir, err)
	}
	var errs []error
	for _, e := range entries {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return errors.Join(errs...)
}

// ensurePause gives containerd the image that holds a pod's namespaces.
func (s *starter) ensurePause(ctx context.Context) error {
	binary, err := os.ReadFile(s.pl.programs[tool.Pause])
	if err != nil {
		return fmt.Errorf("cluster %s: the image of pause: %w", s.l.name, err)
	}
	var archive bytes.Buffer
	digest, err := tool.PackImage(&archive, tool.ImageSpec{Ref: pauseRef, Program: "pause", Binary: binary, User: "65532:65532"})
	if err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	if err := s.l.loadImage(ctx, s.pl.parts, &archive, pauseRef, digest); err != nil {
		return fmt.Errorf("cluster %s: the image of pause: %w", s.l.name, err)
	}
	return nil
}

// loadImage gives containerd an image unless it has it.
func (l layout) loadImage(ctx context.Context, parts parts, archive io.Reader, ref, digest string) error {
	ctx, cancel := context.WithTimeout(ctx, imageWait)
	defer cancel()
	holder, err := l.holder()
	if err != nil {
		return err
	}
	if holder == 0 {
		return errors.New("containerd does not run; `platform up` starts it")
	}
	ctr := []string{parts.ctr, "--address", runtimeSocket, "--namespace", "k8s.io", "images"}
	has := func() (bool, error) {
		list, err := l.runInside(ctx, holder, nil, slices.Concat(ctr, []string{"ls", "name==" + ref})...)
		return strings.Contains(list, digest), err
	}
	if had, err := has(); had || err != nil {
		return err
	}
	if _, err := l.runInside(ctx, holder, archive, slices.Concat(ctr, []string{"import", "-"})...); err != nil {
		return err
	}
	if had, err := has(); !had || err != nil {
		return errors.Join(err, fmt.Errorf("the archive holds no image %s with digest %s", ref, digest))
	}
	return nil
}

// imageWait bounds the loading of one image.
const imageWait = 5 * time.Minute

// LoadImage gives an image to the containerd of the cluster's real node. Errors:
// ErrNotFound, *NoRealNodeError.
func (p *Provider) LoadImage(ctx context.Context, name string, image cluster.ImageArchive) error {
	l, err := p.layout(name)
	if err != nil {
		return err
	}
	if _, err := l.readIdentity(); err != nil {
		return err
	}
	if _, err := os.Stat(l.nodeDir()); err != nil {
		return &NoRealNodeError{Cluster: name}
	}
	found, missing := findParts()
	if len(missing) > 0 {
		return fmt.Errorf("cluster %s: load image %s: not installed: %s", name, image.Ref, strings.Join(missing, ", "))
	}
	f, err := os.Open(image.Path)
	if err != nil {
		return fmt.Errorf("cluster %s: load image %s: %w", name, image.Ref, err)
	}
	defer f.Close()
	if err := l.loadImage(ctx, found, f, image.Ref, image.Digest); err != nil {
		return fmt.Errorf("cluster %s: load image %s: %w", name, image.Ref, err)
	}
	return nil
}
