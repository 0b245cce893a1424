// Package kind runs clusters with real nodes: containers of a Docker, Podman or
// nerdctl engine, made by kind's library from the image of a node, with the
// settings that package settings renders. A cluster's state lies in one hidden
// folder; killed at any point, the next Start finds what is there and finishes
// or removes it. It never pulls an image, never touches containers that it did
// not make, and never changes a cluster's settings in place: kind cannot.
package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/tool"
)

// Config says where clusters live and what nodes start from. StateDir and Image
// are required.
type Config struct {
	// StateDir is the fleet's; clusters lie in a hidden folder in it.
	StateDir string
	// Image gives the node image that the engine holds, and makes it if need be.
	Image func(ctx context.Context) (Image, error)
	// ReadyTimeout bounds one cluster's start without the image; 0 means 10
	// minutes: 40 s are needed alone, three control planes need two minutes, and
	// several clusters may share two busy cores.
	ReadyTimeout time.Duration
	// StopGrace is how long a node may take to end by itself; 0 means 5 s. It is
	// mostly used up: a node's systemd waits for its pods.
	StopGrace time.Duration
	// FirstPort and LastPort bound the ports of API servers on loopback; 0 means
	// 17000 and 17999.
	FirstPort, LastPort int
}

// Provider implements cluster.Core and what is asserted below.
type Provider struct {
	cfg    Config
	ports  sync.Mutex // one cluster at a time picks a port
	waking sync.Mutex // one cluster at a time starts its containers: they get addresses in turn
}

var (
	_ cluster.Core         = (*Provider)(nil)
	_ cluster.StatusReader = (*Provider)(nil)
	_ cluster.LogReader    = (*Provider)(nil)
	_ cluster.ImageLoader  = (*Provider)(nil)
)

// New makes a provider. It touches no file and asks no engine.
func New(cfg Config) (*Provider, error) {
	if cfg.StateDir == "" || cfg.Image == nil {
		return nil, errors.New("clusters of kind: the state folder or the image is not set")
	}
	dir, err := filepath.Abs(cfg.StateDir)
	if err != nil {
		return nil, fmt.Errorf("clusters of kind: state folder: %w", err)
	}
	cfg.StateDir = dir
	if cfg.ReadyTimeout == 0 {
		cfg.ReadyTimeout = 10 * time.Minute
	}
	if cfg.StopGrace == 0 {
		cfg.StopGrace = 5 * time.Second
	}
	if cfg.FirstPort == 0 && cfg.LastPort == 0 {
		cfg.FirstPort, cfg.LastPort = 17000, 17999
	}
	return &Provider{cfg: cfg}, nil
}

// Lacks lists what our node image does not offer: it has neither a metrics
// server nor a provisioner of volumes. Access tells of the cluster itself.
func (*Provider) Lacks(*catalog.Cluster) []cluster.Ability {
	return []cluster.Ability{cluster.MetricsAPI, cluster.Volumes}
}

// Knows says that the cluster was begun here.
func (p *Provider) Knows(name string) bool {
	l, err := p.layout(name)
	if err != nil {
		return false
	}
	_, err = os.Lstat(l.path("cluster.json"))
	return err == nil
}

func (p *Provider) layout(name string) (layout, error) {
	if err := cluster.CheckName(name); err != nil {
		return layout{}, err
	}
	return layout{name: name, root: filepath.Join(p.cfg.StateDir, ".kind", name)}, nil
}

// lock keeps two callers from working on one cluster at once. The lock lies in
// the cluster's folder, so that Remove leaves nothing.
func (p *Provider) lock(ctx context.Context, l layout, doing string) (func(), error) {
	release, err := tool.Acquire(ctx, l.path("lock"), doing, func(tool.Holder) {})
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", l.name, storage("lock", l.root, err))
	}
	return release, nil
}

// Stop ends the nodes and keeps them. A cluster that is not there is no error.
func (p *Provider) Stop(ctx context.Context, name string) error {
	l, err := p.layout(name)
	if err != nil || !l.there() {
		return err
	}
	release, err := p.lock(ctx, l, "stopping cluster "+name)
	if err != nil {
		return err
	}
	defer release()
	id, err := l.readIdentity()
	if errors.Is(err, cluster.ErrNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	eng, err := detect(ctx)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", name, err)
	}
	found, err := eng.nodes(ctx, l, id.Name)
	if err != nil {
		return err
	}
	return eng.stop(ctx, found, p.cfg.StopGrace)
}

// Remove deletes the nodes and the cluster's folder. A cluster that is not there
// is no error.
func (p *Provider) Remove(ctx context.Context, name string) error {
	l, err := p.layout(name)
	if err != nil || !l.there() {
		return err
	}
	release, err := p.lock(ctx, l, "removing cluster "+name)
	if err != nil {
		return err
	}
	defer release()
	id, err := l.readIdentity()
	switch {
	case errors.Is(err, cluster.ErrNotRunning): // killed before anything was made
	case err != nil:
		return err
	default:
		if err := p.removeNodes(ctx, l, id.Name); err != nil {
			return err
		}
	}
	return l.removeAll()
}

func (p *Provider) removeNodes(ctx context.Context, l layout, kindName string) error {
	eng, err := detect(ctx)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", l.name, err)
	}
	found, err := eng.nodes(ctx, l, kindName)
	if err != nil {
		return err
	}
	if err := eng.remove(ctx, found); err != nil {
		return fmt.Errorf("cluster %s: %w", l.name, err)
	}
	return eng.removeNetwork(ctx, l)
}
