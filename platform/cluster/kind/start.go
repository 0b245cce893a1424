package kind

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	kindcluster "sigs.k8s.io/kind/pkg/cluster"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
)

// errTooLong tells the provider's own limit from the caller giving up.
var errTooLong = errors.New("took too long")

// starter is one run of Start.
type starter struct {
	p       *Provider
	l       layout
	spec    cluster.Spec
	eng     engine
	events  cluster.Events
	id      identity
	woken   map[string]time.Time // when nodes that did not run were started
	changed []string
}

// Start brings the cluster to readiness: its nodes run and are Ready, with the
// declared labels and taints, and its API answers. What a killed start left
// unfinished is removed and made anew. Errors: *NoEngineError, *ImageError,
// *ChangedError, *ForeignError, *CreateError, *TimeoutError,
// *cluster.StorageError.
func (p *Provider) Start(ctx context.Context, spec cluster.Spec, events cluster.Events) (cluster.Access, error) {
	if err := spec.Check(); err != nil {
		return cluster.Access{}, err
	}
	l, err := p.layout(spec.Cluster.Name)
	if err != nil {
		return cluster.Access{}, err
	}
	eng, err := detect(ctx)
	if err != nil {
		return cluster.Access{}, fmt.Errorf("cluster %s: %w", l.name, err)
	}
	release, err := p.lock(ctx, l, "starting cluster "+l.name)
	if err != nil {
		return cluster.Access{}, err
	}
	defer release()
	s := &starter{p: p, l: l, spec: spec, eng: eng, events: events}
	if err := s.bring(ctx); err != nil {
		if !p.Knows(l.name) { // nothing was begun
			err = errors.Join(err, l.removeAll())
		}
		return cluster.Access{}, err
	}
	return p.access(l, s.id, s.changed)
}

// bring makes the cluster or wakes it, and waits until it is ready.
func (s *starter) bring(ctx context.Context) error {
	whole, err := s.recall(ctx)
	if err != nil {
		return err
	}
	if !whole {
		if s.id.Image, err = s.image(ctx); err != nil {
			return err
		}
	}
	limited, cancel := context.WithTimeoutCause(ctx, s.p.cfg.ReadyTimeout, errTooLong)
	defer cancel()
	if whole {
		err = s.wake(limited)
	} else {
		err = s.make(limited)
	}
	if err != nil {
		return s.ended(limited, "the engine", err)
	}
	return s.finish(limited)
}

// recall reads what is known of the cluster, and says whether it is there whole.
func (s *starter) recall(ctx context.Context) (whole bool, err error) {
	s.id, err = s.l.readIdentity()
	if errors.Is(err, ErrNotFound) {
		s.id = identity{Format: stateFormat, Fleet: s.spec.Fleet, Cluster: s.l.name, Name: kindName(s.spec.Fleet, s.l.name)}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if s.id.Fleet != s.spec.Fleet || s.id.Cluster != s.l.name {
		return false, fmt.Errorf("cluster %s: %s belongs to cluster %s of fleet %s, not to fleet %s; use another state folder, or remove that cluster first",
			s.l.name, s.l.root, s.id.Cluster, s.id.Fleet, s.spec.Fleet)
	}
	if !s.id.Ready {
		return false, nil
	}
	found, err := s.eng.nodes(ctx, s.l, s.id.Name)
	if err != nil {
		return false, err
	}
	if len(found) == 0 {
		s.changed = append(s.changed, "the nodes were gone, and all that the cluster held")
		return false, nil
	}
	for name := range s.id.Nodes {
		if !slices.Contains(names(found), name) {
			return false, &ChangedError{Cluster: s.l.name, What: "node " + name + " is gone"}
		}
	}
	hash, err := newPlan(s.spec, s.id.Image).hash()
	if err == nil && hash != s.id.Hash {
		err = &ChangedError{Cluster: s.l.name, What: "its settings are not those it was made with"}
	}
	return true, err
}

// image finds what the nodes start from. None is pulled: kind would.
func (s *starter) image(ctx context.Context) (Image, error) {
	image, err := s.p.cfg.Image(ctx)
	if err != nil {
		return Image{}, fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	held, err := s.eng.holds(ctx, image.Ref)
	if err == nil && !held {
		err = &ImageError{Cluster: s.l.name, Image: image.Ref, Engine: s.eng.name}
	}
	return image, err
}

// make has kind make the cluster, after what a killed start left is removed.
func (s *starter) make(ctx context.Context) error {
	pl := newPlan(s.spec, s.id.Image)
	if err := errors.Join(checkMounts(s.spec.Cluster), cluster.CheckCPUs(s.spec.Cluster, runtime.NumCPU())); err != nil {
		return err
	}
	left, err := s.eng.nodes(ctx, s.l, s.id.Name)
	if err != nil {
		return err
	}
	if err := s.eng.remove(ctx, left); err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	if s.id.Hash, err = pl.hash(); err != nil {
		return err
	}
	s.id.Ready, s.id.Nodes = false, nil
	if err := s.pickPort(ctx); err != nil { // writes the identity
		return err
	}
	if err := s.writeFiles(pl); err != nil {
		return err
	}
	cfg, err := pl.config(s.l.root, s.id.Port)
	if err != nil {
		return err
	}
	if err := s.network(ctx); err != nil {
		return err
	}
	if err := s.create(ctx, cfg); err != nil {
		return err
	}
	made, err := s.eng.nodes(ctx, s.l, s.id.Name)
	if err != nil {
		return err
	}
	for _, n := range pl.nodes {
		if !slices.Contains(names(made), n.name) {
			return fmt.Errorf("cluster %s: kind made no container %s; there are %v", s.l.name, n.name, names(made))
		}
	}
	s.id.Nodes = map[string]string{}
	for _, c := range made {
		s.id.Nodes[c.Name] = c.address()
		s.changed = append(s.changed, c.Name+": started")
	}
	s.id.Ready = true
	return s.l.writeIdentity(s.id)
}

// network makes the network that all clusters share, once.
func (s *starter) network(ctx context.Context) error {
	s.p.waking.Lock()
	defer s.p.waking.Unlock()
	return s.eng.ensureNetwork(ctx, s.l)
}

// checkMounts says which paths of the declaration this machine does not have.
func checkMounts(c *catalog.Cluster) error {
	for i, m := range c.Spec.Kind.ExtraMounts {
		if _, err := os.Stat(m.HostPath); err != nil || !filepath.IsAbs(m.HostPath) {
			return fmt.Errorf("%s: spec.kind.extraMounts[%d].hostPath: this machine has no %q; make it, or mend the path", c.File, i, m.HostPath)
		}
	}
	return nil
}

// pickPort takes a port for the API that nobody uses now and that no other
// cluster of ours has, and notes it.
func (s *starter) pickPort(ctx context.Context) error {
	s.p.ports.Lock()
	defer s.p.ports.Unlock()
	taken := map[int]bool{}
	others, err := filepath.Glob(filepath.Join(filepath.Dir(cluster.EscapeGlob(s.l.root)), "*", "cluster.json"))
	if err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	for _, path := range others {
		dir := filepath.Dir(path)
		if other, err := (layout{filepath.Base(dir), dir}).readIdentity(); err == nil && dir != s.l.root {
			taken[other.Port] = true
		}
	}
	first := s.id.Port
	if first == 0 {
		first = s.p.cfg.FirstPort
	}
	span := s.p.cfg.LastPort - s.p.cfg.FirstPort + 1
	for i := range span {
		port := s.p.cfg.FirstPort + (first-s.p.cfg.FirstPort+i)%span
		if taken[port] || !free(ctx, port) {
			continue
		}
		s.id.Port = port
		return s.l.writeIdentity(s.id)
	}
	return fmt.Errorf("cluster %s: no port from %d to %d is free", s.l.name, s.p.cfg.FirstPort, s.p.cfg.LastPort)
}

func free(ctx context.Context, port int) bool {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp4", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func (s *starter) writeFiles(pl plan) error {
	key, err := cluster.SecretsKey(s.l.name, s.l.path("secrets.key"))
	if err != nil {
		return err
	}
	files, err := pl.files(key)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := cluster.KeepFile(s.l.path(filepath.FromSlash(f.Path)), f.Data); err != nil {
			return err
		}
	}
	return nil
}

// create runs kind, which cannot be stopped: when the caller gives up, its
// containers are removed, and then it fails by itself.
func (s *starter) create(ctx context.Context, cfg *v1alpha4.Cluster) (err error) {
	logger, err := newLogger(s.l, s.events)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, logger.close()) }()
	kubeconfig := s.l.path("kind.kubeconfig")
	provider := s.eng.provider(logger)
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = provider.Create(s.id.Name, kindcluster.CreateWithV1Alpha4Config(cfg),
			kindcluster.CreateWithKubeconfigPath(kubeconfig), kindcluster.CreateWithRetain(true),
			kindcluster.CreateWithDisplayUsage(false), kindcluster.CreateWithDisplaySalutation(false))
	}()
	select {
	case <-done:
		if err == nil {
			return s.takeKubeconfig(kubeconfig)
		}
		err = &CreateError{Cluster: s.l.name, Err: err, Log: s.l.log(), Tail: tail(s.l.log(), 4<<10)}
	case <-ctx.Done():
		s.abandon(ctx, done)
		err = context.Cause(ctx)
	}
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), workTime)
	defer cancel()
	left, failed := s.eng.nodes(clean, s.l, s.id.Name)
	if failed == nil {
		failed = s.eng.remove(clean, left)
	}
	return errors.Join(err, failed)
}

// abandon removes containers until kind has given up.
func (s *starter) abandon(ctx context.Context, done <-chan struct{}) {
	ctx = context.WithoutCancel(ctx)
	const pause = 500 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if left, err := s.eng.nodes(ctx, s.l, s.id.Name); err == nil {
			_ = s.eng.remove(ctx, left) // what stays is removed in the next round, or at the end
		}
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}

// takeKubeconfig keeps kind's kubeconfig under the cluster's own name.
func (s *starter) takeKubeconfig(path string) error {
	raw, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return fmt.Errorf("cluster %s: kind's kubeconfig: %w", s.l.name, err)
	}
	at := raw.Contexts[raw.CurrentContext]
	if at == nil || raw.Clusters[at.Cluster] == nil || raw.AuthInfos[at.AuthInfo] == nil {
		return fmt.Errorf("cluster %s: kind's kubeconfig %s has no whole context %q", s.l.name, path, raw.CurrentContext)
	}
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters[s.l.name], cfg.AuthInfos["admin"] = raw.Clusters[at.Cluster], raw.AuthInfos[at.AuthInfo]
	cfg.Contexts[s.l.name] = &clientcmdapi.Context{Cluster: s.l.name, AuthInfo: "admin"}
	cfg.CurrentContext = s.l.name
	data, err := clientcmd.Write(*cfg)
	if err == nil {
		err = cluster.KeepFile(s.l.kubeconfig(), data)
	}
	if err != nil {
		return fmt.Errorf("cluster %s: kubeconfig: %w", s.l.name, err)
	}
	return storage("remove kind's kubeconfig", s.l.root, os.Remove(path))
}

// wake starts nodes that do not run, each with the address it had; where that
// cannot be asked for, their order helps: an engine gives addresses out in turn.
func (s *starter) wake(ctx context.Context) error {
	s.p.waking.Lock()
	defer s.p.waking.Unlock()
	found, err := s.eng.nodes(ctx, s.l, s.id.Name)
	if err != nil {
		return err
	}
	asleep := slices.DeleteFunc(found, container.runs)
	if len(asleep) == 0 {
		return nil
	}
	slices.SortFunc(asleep, func(a, b container) int {
		x, _ := netip.ParseAddr(s.id.Nodes[a.Name])
		y, _ := netip.ParseAddr(s.id.Nodes[b.Name])
		return cmp.Or(x.Compare(y), cmp.Compare(a.Name, b.Name))
	})
	const step = "starting nodes"
	began := time.Now()
	s.woken = map[string]time.Time{}
	s.events.Begin(s.l.name, step, 0)
	for _, c := range asleep {
		verb := "start"
		if c.State.Status == "paused" {
			verb = "unpause"
		}
		if verb == "start" {
			s.woken[c.Name] = time.Now()
			if err := s.eng.keepAddress(ctx, c.Name, s.id.Nodes[c.Name]); err != nil {
				return fmt.Errorf("cluster %s: %w", s.l.name, err)
			}
		}
		if _, err := s.eng.run(ctx, workTime, verb, c.Name); err != nil {
			return fmt.Errorf("cluster %s: %w", s.l.name, err)
		}
		s.changed = append(s.changed, c.Name+": started again (it did not run)")
	}
	s.events.Begin(s.l.name, step, time.Since(began))
	return s.sameAddresses(ctx)
}

// sameAddresses holds nodes against the addresses they had: certificates and
// the members of etcd stand by them.
func (s *starter) sameAddresses(ctx context.Context) error {
	found, err := s.eng.nodes(ctx, s.l, s.id.Name)
	if err != nil {
		return err
	}
	var moved []string
	for _, c := range found {
		if was := s.id.Nodes[c.Name]; was != "" && c.address() != was && !strings.HasSuffix(c.Name, "-external-load-balancer") {
			moved = append(moved, fmt.Sprintf("%s had address %s and has %s", c.Name, was, c.address()))
		}
	}
	if len(moved) > 0 {
		return &ChangedError{Cluster: s.l.name, What: strings.Join(moved, ", ")}
	}
	return nil
}
