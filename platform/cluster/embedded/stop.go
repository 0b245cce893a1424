package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Stop ends the cluster's processes, clients first and the store last, and
// keeps its state. A cluster that does not run, or is not there, is no error.
func (p *Provider) Stop(ctx context.Context, name string) error {
	return p.takeDown(ctx, name, false)
}

// Remove ends the cluster's processes and deletes its folder, half-made or not.
// The data is lost, so that programs get no time to save it.
func (p *Provider) Remove(ctx context.Context, name string) error {
	return p.takeDown(ctx, name, true)
}

func (p *Provider) takeDown(ctx context.Context, name string, remove bool) error {
	if err := supported(); err != nil {
		return err
	}
	l, err := p.layout(name)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(l.root); err == nil { // else there is nothing to lock, and no folder is to be made
		release, err := p.lockCluster(ctx, l, "stopping cluster "+name)
		if err != nil {
			return err
		}
		defer release()
	} else if !errors.Is(err, os.ErrNotExist) {
		return storage("look for cluster "+name, l.root, err)
	}
	grace := p.cfg.StopGrace
	if remove {
		grace = 0
	}
	if err := p.endNode(ctx, l, grace); err != nil {
		return fmt.Errorf("stop cluster %s: real node: %w", name, err)
	}
	running, err := l.scan()
	if err != nil {
		return fmt.Errorf("cluster %s: %w", name, err)
	}
	groups := stopGroups(running)
	if remove {
		groups = [][]live{running}
	}
	for _, group := range groups {
		if err := p.end(ctx, group, grace); err != nil {
			return fmt.Errorf("stop cluster %s: %w", name, err)
		}
	}
	if remove {
		return storage("remove cluster "+name, l.root, os.RemoveAll(l.root))
	}
	return nil
}

// stopGroups orders processes so that none loses what it still needs.
func stopGroups(running []live) [][]live {
	groups := make([][]live, 5)
	for _, lv := range running {
		g := 0 // kwok, and anything of an older layout
		switch name, _, _ := strings.Cut(lv.program, "-"); {
		case lv.program == "kube-scheduler", lv.program == "kube-controller-manager":
			g = 1
		case strings.HasPrefix(lv.program, "kube-apiserver"):
			g = 2
		case lv.program == "balancer":
			g = 3
		case name == "etcd":
			g = 4
		}
		groups[g] = append(groups[g], lv)
	}
	return groups
}
