package track

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
)

// Bounds of one observation.
const (
	readers   = 8   // requests at a time
	listMost  = 250 // objects of one kind read by a list; more are got one by one
	listWorth = 3   // objects of one kind from which a list is cheaper
)

// Client reads a cluster, and asks it for dry runs. It can't write.
type Client struct {
	Name    string
	dynamic dynamic.Interface
	mapper  meta.RESTMapper
	http    *http.Client
	pinger  rest.Interface
	config  *rest.Config
}

// NewClient makes a Client of a running cluster; each request is bounded by
// timeout, 0 meaning apply.DefaultRequestTimeout. It talks to nobody yet.
func NewClient(access cluster.Access, timeout time.Duration) (*Client, error) {
	if timeout <= 0 {
		timeout = apply.DefaultRequestTimeout
	}
	c := &Client{Name: access.Name, config: ReadOnly(apply.Tune(access.Config, timeout))}
	var err error
	wrap := func(err error) error { return fmt.Errorf("cluster %s: client: %w", access.Name, err) }
	if c.http, err = rest.HTTPClientFor(c.config); err != nil {
		return nil, wrap(err)
	}
	if c.dynamic, err = dynamic.NewForConfigAndClient(c.config, c.http); err != nil {
		return nil, wrap(err)
	}
	if c.mapper, err = apiutil.NewDynamicRESTMapper(c.config, c.http); err != nil {
		return nil, wrap(err)
	}
	if c.pinger, err = apply.Pinger(c.config, c.http); err != nil {
		return nil, wrap(err)
	}
	return c, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Ping asks for a sign of life; the error holds apply.ErrUnreachable when there
// is none.
func (c *Client) Ping(ctx context.Context) error {
	if err := apply.Ping(ctx, c.pinger); err != nil {
		return fmt.Errorf("cluster %s: %w", c.Name, err)
	}
	return nil
}

// Config is the client configuration, which can't write.
func (c *Client) Config() *rest.Config { return c.config }

// HTTP is the client's connection pool, which can't write.
func (c *Client) HTTP() *http.Client { return c.http }

// resource finds how the object's kind is served.
func (c *Client) resource(o finding.Object) (dynamic.ResourceInterface, error) {
	mapping, err := c.mapping(o)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return c.dynamic.Resource(mapping.Resource).Namespace(o.Namespace), nil
	}
	return c.dynamic.Resource(mapping.Resource), nil
}

func (c *Client) mapping(o finding.Object) (*meta.RESTMapping, error) {
	gvk := schema.FromAPIVersionAndKind(o.APIVersion, o.Kind)
	return c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
}

// Get reads one object; nil when it, its namespace or its kind is not there.
func (c *Client) Get(ctx context.Context, o finding.Object) (*unstructured.Unstructured, error) {
	r, err := c.resource(o)
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	u, err := r.Get(ctx, o.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return u, err
}

// DryRun asks the cluster what a forced server-side apply by the platform's
// field manager would make of the object.
func (c *Client) DryRun(ctx context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	r, err := c.resource(RefOf(u))
	if err != nil {
		return nil, err
	}
	return r.Apply(ctx, u.GetName(), u, metav1.ApplyOptions{
		Force: true, FieldManager: apply.FieldManager, DryRun: []string{metav1.DryRunAll},
	})
}

// RefOf names a live object.
func RefOf(u *unstructured.Unstructured) finding.Object {
	return finding.Object{APIVersion: u.GetAPIVersion(), Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: u.GetName()}
}

// Live is what was seen of a cluster.
type Live struct {
	Objects map[finding.Object]*unstructured.Unstructured // absent when not there
	Failed  map[finding.Object]error                      // could not be read
	// Unused are claims that their class binds once a pod uses them, and that none
	// uses yet: they are as they should be, and pending.
	Unused map[finding.Object]bool
}

// Get finds a live object. It is shared: never change it in place.
func (l *Live) Get(o finding.Object) (*unstructured.Unstructured, error) {
	return l.Objects[o], l.Failed[o]
}

// Observe reads the objects: one list a kind where that is cheaper. An object
// that can't be read is noted as failed; the error is for a cluster that could
// not be reached at all, or a cancelled context.
func (c *Client) Observe(ctx context.Context, refs []finding.Object) (*Live, error) {
	if err := c.Ping(ctx); err != nil {
		return nil, err
	}
	kinds := map[schema.GroupVersionKind][]finding.Object{}
	for _, o := range refs {
		gvk := schema.FromAPIVersionAndKind(o.APIVersion, o.Kind)
		kinds[gvk] = append(kinds[gvk], o)
	}
	order := make([]schema.GroupVersionKind, 0, len(kinds))
	for gvk := range kinds {
		order = append(order, gvk)
	}
	slices.SortFunc(order, func(a, b schema.GroupVersionKind) int { return cmp.Compare(a.String(), b.String()) })
	parts := make([]*Live, len(order))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, gvk := range order {
		group.Go(func() error {
			var err error
			parts[i], err = c.observeKind(gctx, kinds[gvk])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("cluster %s: %w", c.Name, err)
	}
	out := newLive()
	for _, p := range parts {
		for o, u := range p.Objects {
			out.Objects[o] = u
		}
		for o, err := range p.Failed {
			out.Failed[o] = err
		}
	}
	c.unused(ctx, out)
	return out, nil
}

func newLive() *Live {
	return &Live{Objects: map[finding.Object]*unstructured.Unstructured{}, Failed: map[finding.Object]error{},
		Unused: map[finding.Object]bool{}}
}

// unused finds the claims that wait for their first consumer. The scheduler notes
// the node of a pod that uses one in an annotation (selected-node), after which the
// claim is to be bound. A class that can't be read leaves a claim pending.
func (c *Client) unused(ctx context.Context, out *Live) {
	late := map[string]bool{} // by class
	for o, u := range out.Objects {
		phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
		name, _, _ := unstructured.NestedString(u.Object, "spec", "storageClassName")
		if o.Kind != "PersistentVolumeClaim" || o.Group() != "" || phase != "Pending" || name == "" || u.GetAnnotations()[selectedNode] != "" {
			continue
		}
		if _, known := late[name]; !known {
			class, err := c.Get(ctx, finding.Object{APIVersion: "storage.k8s.io/v1", Kind: "StorageClass", Name: name})
			late[name] = err == nil && class != nil && class.Object["volumeBindingMode"] == "WaitForFirstConsumer"
		}
		if late[name] {
			out.Unused[o] = true
		}
	}
}

// selectedNode is the scheduler's annotation, of k8s.io/component-helpers' package
// storage/volume.
const selectedNode = "volume.kubernetes.io/selected-node"

// observeKind reads the objects of one kind.
func (c *Client) observeKind(ctx context.Context, refs []finding.Object) (*Live, error) {
	out := newLive()
	if len(refs) >= listWorth {
		done, err := c.list(ctx, refs, out)
		if err != nil || done {
			return out, err
		}
	}
	for _, o := range refs {
		u, err := c.Get(ctx, o)
		switch {
		case err != nil && (apply.Unreachable(err) || ctx.Err() != nil):
			return out, fmt.Errorf("%s: %w: %w", o, apply.ErrUnreachable, err)
		case err != nil:
			out.Failed[o] = err
		case u != nil:
			out.Objects[o] = u
		}
	}
	return out, nil
}

// list reads the objects of one kind by one list; false when there are too many
// for that, or lists are not allowed.
func (c *Client) list(ctx context.Context, refs []finding.Object, out *Live) (bool, error) {
	mapping, err := c.mapping(refs[0])
	if meta.IsNoMatchError(err) {
		return true, nil
	}
	if err != nil {
		return false, c.lost(refs[0], err)
	}
	list, err := c.dynamic.Resource(mapping.Resource).List(ctx, metav1.ListOptions{Limit: listMost})
	if err != nil {
		return false, c.lost(refs[0], err)
	}
	if list.GetContinue() != "" {
		return false, nil
	}
	found := map[[2]string]*unstructured.Unstructured{}
	for i := range list.Items {
		u := &list.Items[i]
		found[[2]string{u.GetNamespace(), u.GetName()}] = u
	}
	for _, o := range refs {
		if u := found[[2]string{o.Namespace, o.Name}]; u != nil {
			out.Objects[o] = u
		}
	}
	return true, nil
}

// lost keeps only the errors that end an observation.
func (c *Client) lost(o finding.Object, err error) error {
	if apply.Unreachable(err) {
		return fmt.Errorf("%s: %w: %w", o, apply.ErrUnreachable, err)
	}
	return nil
}
