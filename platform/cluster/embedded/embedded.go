// Package embedded runs real Kubernetes control planes as processes of this
// machine: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and
// kwok, which simulates the nodes. Everything listens on loopback, speaks TLS
// from certificate authorities made here, and lives in one folder a cluster.
// One node of a cluster may be real: a kubelet of this machine with containerd,
// in namespaces of its own, from which no packet leaves the machine.
// Killed at any point, the next Start finds what runs and finishes the work.
// It never runs a container elsewhere, never downloads, and never ends a process
// that it did not start.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/tool"
)

// Config says where clusters live and what runs them. Only StateDir and
// Programs are required.
type Config struct {
	// StateDir holds one folder a cluster. Two fleets never share it.
	StateDir string
	// Programs returns the paths of the programs by their names in package
	// tool, and builds what is missing. It must be safe to call from several
	// goroutines.
	Programs func(ctx context.Context) (map[string]string, error)
	// NodePrograms returns those that only real nodes run, tool.Balancer,
	// tool.Node and tool.Pause, in the same way. It is asked only for a cluster
	// with a real node, which cannot run without it.
	NodePrograms func(ctx context.Context) (map[string]string, error)
	// ReadyTimeout bounds one cluster's start; 0 means 4 minutes: about 10 s
	// are needed alone, and eight clusters may share two busy cores.
	ReadyTimeout time.Duration
	// StopGrace is how long a program may take to end by itself; 0 means 10 s.
	StopGrace time.Duration
	// FirstPort and LastPort bound the ports that are handed out; 0 means
	// 18000 and 32000, below what systems hand to outgoing connections.
	FirstPort, LastPort int
	// Now is the clock of certificates; nil means time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.ReadyTimeout == 0 {
		c.ReadyTimeout = 4 * time.Minute
	}
	if c.StopGrace == 0 {
		c.StopGrace = 10 * time.Second
	}
	if c.FirstPort == 0 && c.LastPort == 0 {
		c.FirstPort, c.LastPort = 18000, 32000
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	if c.StateDir == "" {
		errs = append(errs, errors.New("the state folder is not set"))
	}
	if c.Programs == nil {
		errs = append(errs, errors.New("the programs are not set"))
	}
	if c.FirstPort < 1 || c.LastPort > 65535 || c.FirstPort > c.LastPort {
		errs = append(errs, fmt.Errorf("ports %d to %d are no range within 1 to 65535", c.FirstPort, c.LastPort))
	}
	return errors.Join(errs...)
}

// Provider implements cluster.Core.
type Provider struct {
	cfg Config

	mu       sync.Mutex
	children map[int]*child // processes this Provider started, for their exit status
	portsMu  sync.Mutex     // one cluster at a time picks ports
	programs programCache
}

var (
	_ cluster.Core         = (*Provider)(nil)
	_ cluster.StatusReader = (*Provider)(nil)
	_ cluster.LogReader    = (*Provider)(nil)
	_ cluster.ImageLoader  = (*Provider)(nil)
)

// New makes a provider. It touches no file. Errors name each wrong setting.
func New(cfg Config) (*Provider, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("embedded clusters: %w", err)
	}
	dir, err := filepath.Abs(cfg.StateDir)
	if err != nil {
		return nil, fmt.Errorf("embedded clusters: state folder: %w", err)
	}
	cfg.StateDir = dir
	return &Provider{cfg: cfg, children: map[int]*child{}}, nil
}

// Lacks lists what simulated nodes do not offer, where any is. Claims bind where
// the nodes declare volumes.
func (*Provider) Lacks(c *catalog.Cluster) []cluster.Ability {
	lacks := []cluster.Ability{cluster.MetricsAPI}
	if !allReal(c) {
		lacks = []cluster.Ability{cluster.RunsPods, cluster.MetricsAPI}
	}
	if !slices.ContainsFunc(c.Spec.Nodes, func(n catalog.Node) bool { return len(n.Volumes) > 0 }) {
		lacks = append(lacks, cluster.Volumes)
	}
	return lacks
}

// Knows says that the cluster has a folder here.
func (p *Provider) Knows(name string) bool {
	l, err := p.layout(name)
	if err != nil {
		return false
	}
	info, err := os.Lstat(l.root)
	return err == nil && info.IsDir()
}

// lockCluster keeps two callers from working on one cluster at once. The lock
// lies in the cluster's folder, so that Remove leaves nothing.
func (p *Provider) lockCluster(ctx context.Context, l layout, doing string) (func(), error) {
	release, err := tool.Acquire(ctx, l.path("lock"), doing, func(tool.Holder) {})
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", l.name, storage("lock", l.root, err))
	}
	return release, nil
}

// layout finds a cluster's folder.
func (p *Provider) layout(name string) (layout, error) {
	if err := cluster.CheckName(name); err != nil {
		return layout{}, err
	}
	return layout{name: name, root: filepath.Join(p.cfg.StateDir, name)}, nil
}

// programCache asks for the programs once a provider.
type programCache struct {
	mu    sync.Mutex
	paths map[string]string
}

// programPaths are the programs of a cluster, those of a real node if it has one.
func (p *Provider) programPaths(ctx context.Context, real bool) (map[string]string, error) {
	paths, err := p.controlPlane(ctx)
	if err != nil || !real {
		return paths, err
	}
	if p.cfg.NodePrograms == nil {
		return nil, errors.New("programs of a real node: none are set")
	}
	node, err := p.cfg.NodePrograms(ctx)
	if err != nil {
		return nil, fmt.Errorf("programs of a real node: %w", err)
	}
	all := maps.Clone(paths)
	maps.Copy(all, node)
	return all, nil
}

func (p *Provider) controlPlane(ctx context.Context) (map[string]string, error) {
	p.programs.mu.Lock()
	defer p.programs.mu.Unlock()
	if p.programs.paths == nil {
		paths, err := p.cfg.Programs(ctx)
		if err != nil {
			return nil, fmt.Errorf("programs of the control plane: %w", err)
		}
		p.programs.paths = paths
	}
	return p.programs.paths, nil
}
