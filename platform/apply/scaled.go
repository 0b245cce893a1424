package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"dualtrack.internal/platform/render"
)

// sent is the object as it is sent to a cluster where a HorizontalPodAutoscaler
// of the bundle may scale it. A bundle that gives the number up to an autoscaler
// no longer names it; the API server would then fall back to one replica until
// the autoscaler acts. So the live number is kept while the field is ours.
func (a *Applier) sent(ctx context.Context, p *plan, o render.Object) (*unstructured.Unstructured, error) {
	u := desired(o)
	scaled := slices.ContainsFunc(p.scaled, func(s Scaled) bool { return s.Covers(o.Ref()) })
	if _, named, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "replicas"); named || !scaled {
		return u, nil
	}
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(u.GroupVersionKind())
	err := a.client.Get(ctx, client.ObjectKeyFromObject(u), live)
	if apierrors.IsNotFound(err) {
		return u, nil
	}
	if err != nil {
		return nil, err
	}
	replicas, there, _ := unstructured.NestedInt64(live.Object, "spec", "replicas")
	if !there || !ownsReplicas(live.GetManagedFields()) {
		return u, nil
	}
	if err := unstructured.SetNestedField(u.Object, replicas, "spec", "replicas"); err != nil {
		return nil, fmt.Errorf("keep the live replicas: %w", err)
	}
	return u, nil
}

// ownsReplicas says that our own applies set the number.
func ownsReplicas(entries []metav1.ManagedFieldsEntry) bool {
	return slices.ContainsFunc(entries, func(e metav1.ManagedFieldsEntry) bool {
		if e.Manager != FieldManager || e.Operation != metav1.ManagedFieldsOperationApply || e.Subresource != "" || e.FieldsV1 == nil {
			return false
		}
		var fields struct {
			Spec map[string]json.RawMessage `json:"f:spec"`
		}
		if json.Unmarshal(e.FieldsV1.GetRawBytes(), &fields) != nil {
			return false
		}
		_, ours := fields.Spec["f:replicas"]
		return ours
	})
}
