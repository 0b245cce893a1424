package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// How long a pruned object may take to be gone before the run goes on without it.
const (
	goneWait = 20 * time.Second
	gonePoll = 200 * time.Millisecond
)

// prune deletes what left the bundle, last applied first, and returns the
// entries that must stay in the inventory: what is kept, and what still
// terminates.
func (a *Applier) prune(ctx context.Context, leaving []Entry, opt Options, result *Result) ([]Entry, error) {
	var stays, deleted []Entry
	var errs []error
	for _, e := range leaving {
		change := Change{Object: e.Object, Component: e.Component, Action: Pruned}
		gone, why, err := a.pruneOne(ctx, e, opt)
		switch {
		case err != nil:
			failed := objectError(e.Object, err)
			result.Failed = append(result.Failed, failed)
			errs = append(errs, failed)
			continue
		case why != "":
			e.Kept, change.Action, change.Why = why, Kept, why
			stays = append(stays, e)
		case gone:
			continue // someone else deleted it
		default:
			e.Kept = ""
			deleted = append(deleted, e)
		}
		result.Changes = append(result.Changes, change)
	}
	if err := errors.Join(errs...); err != nil || opt.DryRun {
		return stays, err
	}
	remains, err := a.awaitGone(ctx, deleted, result)
	stays = append(stays, remains...)
	slices.Reverse(stays) // back to apply order
	return stays, err
}

// pruneOne deletes one object, or says that it is gone or why it is kept.
func (a *Applier) pruneOne(ctx context.Context, e Entry, opt Options) (gone bool, kept string, err error) {
	live, err := a.live(ctx, e)
	if err != nil || live == nil {
		return true, "", err
	}
	why, err := a.keeps(ctx, live, opt)
	if err != nil || why != "" || opt.DryRun || live.GetDeletionTimestamp() != nil {
		return false, why, err
	}
	uid := live.GetUID()
	err = a.client.Delete(ctx, live, client.PropagationPolicy(metav1.DeletePropagationBackground), client.Preconditions{UID: &uid})
	return apierrors.IsNotFound(err), "", client.IgnoreNotFound(err)
}

// live is the object as it stands, nil when neither it nor its kind is there.
func (a *Applier) live(ctx context.Context, e Entry) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{}
	u.SetAPIVersion(e.Object.APIVersion)
	u.SetKind(e.Object.Kind)
	err := a.client.Get(ctx, client.ObjectKey{Namespace: e.Object.Namespace, Name: e.Object.Name}, u)
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return nil, nil
	}
	return u, err
}

// keeps says why an object that left the bundle must stay.
func (a *Applier) keeps(ctx context.Context, live *unstructured.Unstructured, opt Options) (string, error) {
	gk := live.GroupVersionKind().GroupKind()
	switch {
	case live.GetAnnotations()[PruneAnnotation] == "disabled":
		return "annotation " + PruneAnnotation + " is disabled", nil
	case !ours(live):
		return "field manager " + FieldManager + " owns none of its fields", nil
	case gk == schema.GroupKind{Kind: "Namespace"} && systemNamespace(live.GetName()):
		return "the cluster's own namespace", nil
	case holdsData(gk) && !opt.PruneData:
		return "it holds data: only --prune-data prunes a " + gk.Kind, nil
	case gk == crdKind() && !opt.PruneData:
		return a.keepsDefinition(ctx, live)
	}
	return "", nil
}

// ours says that Dualtrack applied the object, by its managedFields.
func ours(live *unstructured.Unstructured) bool {
	return slices.ContainsFunc(live.GetManagedFields(), func(m metav1.ManagedFieldsEntry) bool {
		return m.Manager == FieldManager && m.Operation == metav1.ManagedFieldsOperationApply
	})
}

func systemNamespace(name string) bool {
	return name == "default" || name == InventoryNamespace || strings.HasPrefix(name, "kube-")
}

func holdsData(gk schema.GroupKind) bool {
	return gk.Group == "" && slices.Contains([]string{"Namespace", "PersistentVolumeClaim", "PersistentVolume"}, gk.Kind)
}

// keepsDefinition keeps a CRD while objects of its kind remain, because they
// would go with it.
func (a *Applier) keepsDefinition(ctx context.Context, crd *unstructured.Unstructured) (string, error) {
	gk, _ := definedBy(crd)
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	for _, v := range versions {
		version, _ := v.(map[string]any)
		if served, _ := version["served"].(bool); !served {
			continue
		}
		name, _ := version["name"].(string)
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gk.WithVersion(name).GroupVersion().WithKind(gk.Kind + "List"))
		err := a.client.List(ctx, list, client.Limit(1))
		if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		if len(list.Items) > 0 {
			return fmt.Sprintf("objects of kind %s remain and would go with it", gk.Kind), nil
		}
		return "", nil // one served version shows them all
	}
	return "", nil
}

// awaitGone waits for deleted objects to be gone; those that still terminate
// stay known.
func (a *Applier) awaitGone(ctx context.Context, deleted []Entry, result *Result) ([]Entry, error) {
	until := time.Now().Add(goneWait)
	for {
		var remains []Entry
		for _, e := range deleted {
			live, err := a.live(ctx, e)
			if err != nil {
				return deleted, objectError(e.Object, err)
			}
			if live != nil && live.GetDeletionTimestamp() != nil {
				remains = append(remains, e)
			}
		}
		if deleted = remains; len(deleted) == 0 || time.Now().After(until) {
			break
		}
		if err := sleep(ctx, gonePoll); err != nil {
			break
		}
	}
	for _, e := range deleted {
		result.Waiting = append(result.Waiting, Waiting{Object: e.Object, Why: "deleted, and its finalizers are not done"})
	}
	return deleted, nil
}
