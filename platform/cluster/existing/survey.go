package existing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/restmapper"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
)

// AdoptAnnotation on an object that is somebody else's, with the fleet's name as
// its value, hands the object over to the fleet.
const AdoptAnnotation = "platform.dualtrack.internal/adopt"

// workers bounds the requests of one survey.
const workers = 8

// Survey says what applying the objects would meet. It writes nothing: access
// reviews are the only requests that are not reads. Errors: *ContextError, and
// one that is cluster.ErrUnreachable.
func (p *Provider) Survey(ctx context.Context, spec cluster.Spec, objects []finding.Object) (cluster.Survey, error) {
	var found cluster.Survey
	name := spec.Cluster.Name
	cfg, _, err := p.config(name)
	if err != nil {
		return found, err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return found, fmt.Errorf("cluster %s: client: %w", name, err)
	}
	meta, err := metadata.NewForConfig(cfg)
	if err != nil {
		return found, fmt.Errorf("cluster %s: client: %w", name, err)
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		if ctx.Err() != nil {
			return found, context.Cause(ctx)
		}
		return found, fmt.Errorf("cluster %s: %w: %w", name, cluster.ErrUnreachable, err)
	}
	found.Server, found.Version = version.GitVersion, differs(version.GitVersion, spec.Kubernetes)
	mapped, err := mapAll(client.Discovery(), objects)
	if err != nil {
		return found, fmt.Errorf("cluster %s: discovery: %w", name, err)
	}
	if found.Missing, err = missing(ctx, client, needed(mapped)); err != nil {
		return found, fmt.Errorf("cluster %s: ask for permissions: %w", name, err)
	}
	found.Lacks = lacks(ctx, client)
	if found.Foreign, err = foreign(ctx, meta, mapped, spec.Fleet); err != nil {
		return found, fmt.Errorf("cluster %s: %w", name, err)
	}
	found.Owner, err = owner(ctx, client, name)
	if apierrors.IsForbidden(err) { // said among the missing permissions
		err = nil
	}
	found.Adopted = found.Owner == ownerName(spec.Fleet, name)
	return found, err
}

// differs says why a server's version is not the baseline's; a patch release is
// no difference that matters.
func differs(server, baseline string) string {
	minor := func(v string) string {
		parts := strings.SplitN(v, ".", 3)
		return strings.Join(parts[:min(2, len(parts))], ".")
	}
	if minor(server) == minor(baseline) {
		return ""
	}
	return fmt.Sprintf("the server is %s and the baseline %s: `platform check --kube-version %s` says what that changes",
		server, baseline, strings.TrimPrefix(minor(server), "v"))
}

// mapped is an object with the resource that serves it.
type mapped struct {
	finding.Object
	resource schema.GroupVersionResource
	served   bool
}

// mapAll finds the resource of each object. A kind that the cluster does not
// serve yet, as its definition comes with the bundle, is named by the usual rule.
func mapAll(client discovery.DiscoveryInterface, objects []finding.Object) ([]mapped, error) {
	groups, err := restmapper.GetAPIGroupResources(client)
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDiscoveryRESTMapper(groups)
	var out []mapped
	for _, o := range objects {
		gvk := schema.FromAPIVersionAndKind(o.APIVersion, o.Kind)
		m := mapped{Object: o}
		if mapping, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version); err == nil {
			m.resource, m.served = mapping.Resource, true
			if mapping.Scope.Name() == meta.RESTScopeNameRoot {
				m.Namespace = ""
			}
		} else {
			m.resource, _ = meta.UnsafeGuessKindToResource(gvk)
		}
		out = append(out, m)
	}
	return out, nil
}

// needed lists what the platform does to the objects, to its own records, and
// what it reads to judge them; sorted, each once.
func needed(objects []mapped) []cluster.Permission {
	var all []cluster.Permission
	add := func(group, resource, namespace string, verbs ...string) {
		for _, v := range verbs {
			all = append(all, cluster.Permission{Verb: v, Group: group, Resource: resource, Namespace: namespace})
		}
	}
	for _, o := range objects {
		add(o.resource.Group, o.resource.Resource, o.Namespace, "get", "list", "create", "patch", "delete")
		if o.Namespace != "" {
			add("", "pods", o.Namespace, "list")
			add("", "events", o.Namespace, "list")
		}
	}
	add("", "namespaces", "", "get", "create", "patch")
	add("", "configmaps", cluster.SystemNamespace, "get", "create", "patch")
	add("", "nodes", "", "list")
	add("storage.k8s.io", "storageclasses", "", "list")
	slices.SortFunc(all, func(a, b cluster.Permission) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Group, b.Group),
			cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Verb, b.Verb))
	})
	return slices.Compact(all)
}

// missing asks for each permission and returns those that are not granted.
func missing(ctx context.Context, client kubernetes.Interface, all []cluster.Permission) ([]cluster.Permission, error) {
	granted := make([]bool, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i, p := range all {
		group.Go(func() error {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
				ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: p.Verb, Group: p.Group, Resource: p.Resource, Namespace: p.Namespace},
			}}
			answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
			if err == nil {
				granted[i] = answer.Status.Allowed
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var out []cluster.Permission
	for i, p := range all {
		if !granted[i] {
			out = append(out, p)
		}
	}
	return out, nil
}

// foreign lists the objects that are there, that the platform has never applied,
// and that nobody has handed over. What may not be read is left out: the missing
// permission is said.
func foreign(ctx context.Context, client metadata.Interface, objects []mapped, fleet string) ([]finding.Object, error) {
	var mu sync.Mutex
	theirs := map[finding.Object]bool{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, o := range objects {
		if !o.served {
			continue
		}
		group.Go(func() error {
			live, err := client.Resource(o.resource).Namespace(o.Namespace).Get(ctx, o.Name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read %s: %w", o.Object, err)
			}
			if !ours(live.ManagedFields) && live.Annotations[AdoptAnnotation] != fleet {
				mu.Lock()
				defer mu.Unlock()
				theirs[o.Object] = true
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var out []finding.Object
	for _, o := range objects { // in the bundle's order
		if theirs[o.Object] {
			out = append(out, o.Object)
		}
	}
	return out, nil
}

func ours(fields []metav1.ManagedFieldsEntry) bool {
	return slices.ContainsFunc(fields, func(f metav1.ManagedFieldsEntry) bool {
		return f.Manager == cluster.FieldManager && f.Operation == metav1.ManagedFieldsOperationApply
	})
}

// lacks finds out what the cluster does not offer. What may not be read counts
// as lacking: absence of evidence is not evidence.
func lacks(ctx context.Context, client kubernetes.Interface) []cluster.Ability {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var out []cluster.Ability
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 500})
	if err != nil || len(nodes.Items) == 0 || slices.ContainsFunc(nodes.Items, simulated) {
		out = append(out, cluster.RunsPods)
	}
	if _, err := client.Discovery().ServerResourcesForGroupVersion("metrics.k8s.io/v1beta1"); err != nil {
		out = append(out, cluster.MetricsAPI)
	}
	classes, err := client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil || !slices.ContainsFunc(classes.Items, isDefault) {
		out = append(out, cluster.Volumes)
	}
	return out
}
