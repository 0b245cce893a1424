// Package existing reaches clusters that were there before the platform, by the
// contexts of the user's kubeconfig. Such a cluster is surveyed first, and
// nothing is applied to one that the fleet has not adopted; the adoption is
// recorded in the cluster itself. It never starts, stops or deletes a cluster,
// and keeps nothing on this machine but a kubeconfig for kubectl.
package existing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
)

// Config says how clusters are found. All but Adopt is required.
type Config struct {
	StateDir    string   // the fleet's; kubeconfigs for kubectl lie in it
	Kubeconfigs []string // files, the first one wins
	Fleet       string   // name of the fleet that asks
	// Declared finds a cluster's declaration, nil when there is none.
	Declared func(name string) *catalog.Cluster
	Adopt    bool // take clusters that no fleet has adopted
}

// Provider implements cluster.Core and cluster.Surveyor.
type Provider struct{ cfg Config }

var (
	_ cluster.Core     = (*Provider)(nil)
	_ cluster.Surveyor = (*Provider)(nil)
)

// New makes a provider. It touches no file and talks to nobody.
func New(cfg Config) *Provider { return &Provider{cfg: cfg} }

// ContextError is a declaration that leads to no cluster.
type ContextError struct {
	Cluster, Context string
	Files            []string
	Err              error
}

func (e *ContextError) Error() string {
	return fmt.Sprintf("cluster %s: context %q of %v: %v; set KUBECONFIG to the file that holds the context, or mend spec.existing.context",
		e.Cluster, e.Context, e.Files, e.Err)
}

// Unwrap is what the kubeconfig said.
func (e *ContextError) Unwrap() error { return e.Err }

// requestTimeout bounds each request; reach bounds the wait for an API server.
const (
	requestTimeout = 15 * time.Second
	reach          = 20 * time.Second
)

// config loads the client configuration of a declared cluster.
func (p *Provider) config(name string) (*rest.Config, *clientcmdapi.Config, error) {
	declared := p.cfg.Declared(name)
	if declared == nil {
		return nil, nil, fmt.Errorf("cluster %s: %w: it has no declaration", name, cluster.ErrNotRunning)
	}
	wanted := declared.Spec.Existing.Context
	fail := func(err error) error {
		return &ContextError{Cluster: name, Context: wanted, Files: p.cfg.Kubeconfigs, Err: err}
	}
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: p.cfg.Kubeconfigs}
	raw, err := rules.Load()
	if err != nil {
		return nil, nil, fail(err)
	}
	if raw.Contexts[wanted] == nil {
		return nil, nil, fail(errors.New("there is no such context"))
	}
	raw.CurrentContext = wanted
	if err := errors.Join(clientcmdapi.MinifyConfig(raw), clientcmdapi.FlattenConfig(raw)); err != nil {
		return nil, nil, fail(err)
	}
	cfg, err := clientcmd.NewDefaultClientConfig(*raw, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, nil, fail(err)
	}
	cfg.QPS, cfg.Timeout = -1, requestTimeout // the API server has a throttle of its own
	cfg.UserAgent, cfg.WarningHandler = cluster.FieldManager, rest.NoWarnings{}
	return cfg, raw, nil
}

func (p *Provider) kubeconfig(name string) string {
	return filepath.Join(p.cfg.StateDir, ".existing", name+".kubeconfig")
}

// Access reaches a declared cluster. Errors: *ContextError, *cluster.StorageError.
// A cluster that does not answer is none: what it lacks is then taken from its
// provider, which knows nothing.
func (p *Provider) Access(ctx context.Context, name string) (cluster.Access, error) {
	cfg, raw, err := p.config(name)
	if err != nil {
		return cluster.Access{}, err
	}
	data, err := clientcmd.Write(*raw)
	if err != nil {
		return cluster.Access{}, fmt.Errorf("cluster %s: kubeconfig: %w", name, err)
	}
	path := p.kubeconfig(name)
	if err := cluster.KeepFile(path, data); err != nil {
		return cluster.Access{}, err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return cluster.Access{}, fmt.Errorf("cluster %s: client: %w", name, err)
	}
	return cluster.Access{Name: name, Kubeconfig: path, Config: cfg, Lacks: lacks(ctx, client)}, nil
}

// Start reaches the cluster and checks that the fleet has adopted it, or adopts
// it. Errors: *ContextError, *NotAdoptedError, *OwnedError, and one that is
// cluster.ErrUnreachable.
func (p *Provider) Start(ctx context.Context, spec cluster.Spec, events cluster.Events) (cluster.Access, error) {
	name := spec.Cluster.Name
	began := time.Now()
	events.Begin(name, "reach", 0)
	access, err := p.Access(ctx, name)
	if err != nil {
		return cluster.Access{}, err
	}
	limited, cancel := context.WithTimeout(ctx, reach)
	defer cancel()
	if err := cluster.Wait(limited, access); err != nil {
		if ctx.Err() != nil {
			return cluster.Access{}, context.Cause(ctx)
		}
		return cluster.Access{}, fmt.Errorf("%w: %w", cluster.ErrUnreachable, err)
	}
	events.Begin(name, "reach", time.Since(began))
	client, err := kubernetes.NewForConfig(access.Config)
	if err != nil {
		return cluster.Access{}, fmt.Errorf("cluster %s: client: %w", name, err)
	}
	access.Changed, err = p.ensureAdopted(ctx, client, spec)
	return access, err
}

// Stop does nothing: the cluster is not the platform's to stop.
func (*Provider) Stop(context.Context, string) error { return nil }

// Remove forgets the cluster on this machine. What was applied stays, and so
// does the adoption.
func (p *Provider) Remove(_ context.Context, name string) error {
	path := p.kubeconfig(name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &cluster.StorageError{Doing: "remove the kubeconfig of cluster " + name, Path: path, Err: err}
	}
	_ = os.Remove(filepath.Dir(path)) // stays while it holds others
	return nil
}

// Lacks is empty: what an existing cluster lacks is seen only by asking it.
func (*Provider) Lacks(*catalog.Cluster) []cluster.Ability { return nil }

// Knows is always false: an existing cluster has no state on this machine.
func (*Provider) Knows(string) bool { return false }
