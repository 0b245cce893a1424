package existing

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"dualtrack.internal/platform/cluster"
)

// AdoptionName is the ConfigMap in cluster.SystemNamespace that says which
// fleet's cluster this is.
const AdoptionName = "dualtrack-adoption"

// NotAdoptedError is a cluster that no fleet has adopted.
type NotAdoptedError struct{ Cluster, Context string }

func (e *NotAdoptedError) Error() string {
	return fmt.Sprintf("cluster %s: context %q is of a cluster that this fleet has not adopted; look at the plan, then `platform up -c %s --adopt --yes`",
		e.Cluster, e.Context, e.Cluster)
}

// Is makes the error one of cluster.ErrRefused.
func (*NotAdoptedError) Is(target error) bool { return target == cluster.ErrRefused }

// OwnedError is a cluster that another fleet, or another cluster's name, has.
type OwnedError struct{ Cluster, Context, Owner, Asking string }

func (e *OwnedError) Error() string {
	return fmt.Sprintf("cluster %s: context %q is of a cluster that %s has adopted, and %s asks for it; mend spec.existing.context, or delete ConfigMap %s/%s there once that fleet has given it up",
		e.Cluster, e.Context, e.Owner, e.Asking, cluster.SystemNamespace, AdoptionName)
}

// Is makes the error one of cluster.ErrRefused.
func (*OwnedError) Is(target error) bool { return target == cluster.ErrRefused }

func ownerName(fleet, name string) string { return "fleet " + fleet + ", cluster " + name }

// owner reads who has adopted the cluster; "" when nobody has.
func owner(ctx context.Context, client kubernetes.Interface, name string) (string, error) {
	cm, err := client.CoreV1().ConfigMaps(cluster.SystemNamespace).Get(ctx, AdoptionName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("cluster %s: read who has adopted it: %w", name, err)
	}
	return ownerName(cm.Data["fleet"], cm.Data["cluster"]), nil
}

// ensureAdopted checks the record, or makes it where that was asked for.
func (p *Provider) ensureAdopted(ctx context.Context, client kubernetes.Interface, spec cluster.Spec) ([]string, error) {
	name, where := spec.Cluster.Name, spec.Cluster.Spec.Existing.Context
	asking := ownerName(spec.Fleet, name)
	has, err := owner(ctx, client, name)
	switch {
	case err != nil:
		return nil, err
	case has == asking:
		return nil, nil
	case has != "":
		return nil, &OwnedError{Cluster: name, Context: where, Owner: has, Asking: asking}
	case !p.cfg.Adopt:
		return nil, &NotAdoptedError{Cluster: name, Context: where}
	}
	if err := adopt(ctx, client, spec); err != nil {
		if !apierrors.IsAlreadyExists(err) {
			return nil, fmt.Errorf("cluster %s: adopt it: %w", name, err)
		}
		// Another command was quicker: it may have been of another fleet.
		if has, err = owner(ctx, client, name); err == nil && has != asking {
			err = &OwnedError{Cluster: name, Context: where, Owner: has, Asking: asking}
		}
		return nil, err
	}
	return []string{"adopted by " + asking}, nil
}

// adopt records the adoption. The record is created, never overwritten, so that
// of two fleets only one can have it.
func adopt(ctx context.Context, client kubernetes.Interface, spec cluster.Spec) error {
	namespace, err := json.Marshal(cluster.SystemNamespaceObject())
	if err != nil {
		return fmt.Errorf("namespace: %w", err)
	}
	force := true
	options := metav1.PatchOptions{FieldManager: cluster.FieldManager, Force: &force}
	if _, err := client.CoreV1().Namespaces().Patch(ctx, cluster.SystemNamespace, types.ApplyPatchType, namespace, options); err != nil {
		return fmt.Errorf("namespace %s: %w", cluster.SystemNamespace, err)
	}
	record := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: AdoptionName, Labels: map[string]string{"app.kubernetes.io/managed-by": cluster.FieldManager}},
		Data:       map[string]string{"fleet": spec.Fleet, "cluster": spec.Cluster.Name},
	}
	_, err = client.CoreV1().ConfigMaps(cluster.SystemNamespace).Create(ctx, record, metav1.CreateOptions{FieldManager: cluster.FieldManager})
	return err
}
