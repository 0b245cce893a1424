package embedded

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"dualtrack.internal/platform/catalog"
)

const (
	// simulatedLabel says of an object what the provider only plays.
	simulatedLabel = "platform.dualtrack.internal/simulated"
	// volumeClass is the default storage class of a cluster with declared volumes.
	volumeClass = "simulated-local"
)

// declareVolumes makes the cluster's simulated volumes what the declaration
// says: local PersistentVolumes of its nodes and a default class that binds
// claims to them once a pod is scheduled. A bound volume is never deleted; one
// whose claim is gone is made anew, empty as ever.
func (s *starter) declareVolumes(ctx context.Context, client kubernetes.Interface) error {
	want, err := declaredVolumes(s.pl.spec.Cluster)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	const limit = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	list, err := client.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{LabelSelector: simulatedLabel})
	if err != nil {
		return fmt.Errorf("cluster %s: list volumes: %w", s.l.name, err)
	}
	if len(want) == 0 && len(list.Items) == 0 {
		return nil
	}
	have := map[string]*corev1.PersistentVolume{}
	for i := range list.Items {
		have[list.Items[i].Name] = &list.Items[i]
	}
	errs := []error{ensureClass(ctx, client, len(want) > 0)}
	for _, pv := range want {
		word, err := syncVolume(ctx, client, pv, have[pv.Name])
		errs = append(errs, err)
		if word != "" {
			s.changed = append(s.changed, "volume "+pv.Name+": "+word)
		}
		delete(have, pv.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if have[name].Status.Phase == corev1.VolumeBound {
			s.changed = append(s.changed, "volume "+name+": kept (not declared, and a claim holds it)")
			continue
		}
		errs = append(errs, deleteVolume(ctx, client, name))
		s.changed = append(s.changed, "volume "+name+": deleted (not declared)")
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	return nil
}

// ensureClass makes the class where volumes are declared, and removes ours elsewhere.
func ensureClass(ctx context.Context, client kubernetes.Interface, wanted bool) error {
	api := client.StorageV1().StorageClasses()
	if !wanted {
		if err := api.Delete(ctx, volumeClass, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete storage class %s: %w", volumeClass, err)
		}
		return nil
	}
	mode := storagev1.VolumeBindingWaitForFirstConsumer
	_, err := api.Create(ctx, &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name: volumeClass, Labels: map[string]string{simulatedLabel: "volume"},
			Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner: "kubernetes.io/no-provisioner", VolumeBindingMode: &mode,
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create storage class %s: %w", volumeClass, err)
	}
	return nil
}

// syncVolume makes one volume and says what it did. What a volume offers cannot
// be changed in place.
func syncVolume(ctx context.Context, client kubernetes.Interface, want, have *corev1.PersistentVolume) (string, error) {
	word := "created"
	if have != nil {
		same := equality.Semantic.DeepEqual(have.Spec.Capacity, want.Spec.Capacity)
		switch {
		case have.Status.Phase == corev1.VolumeBound && same, have.Status.Phase != corev1.VolumeReleased && have.Status.Phase != corev1.VolumeFailed && same:
			return "", nil
		case have.Status.Phase == corev1.VolumeBound:
			return "", fmt.Errorf("volume %s: a claim holds it, so that its size cannot change; delete the claim first", want.Name)
		}
		if err := deleteVolume(ctx, client, want.Name); err != nil {
			return "", err
		}
		word = "made anew"
	}
	if _, err := client.CoreV1().PersistentVolumes().Create(ctx, want, metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("create volume %s: %w", want.Name, err)
	}
	return word, nil
}

// deleteVolume deletes a volume that no claim holds, and waits until it is gone:
// its protection ends a moment later.
func deleteVolume(ctx context.Context, client kubernetes.Interface, name string) error {
	api := client.CoreV1().PersistentVolumes()
	if err := api.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete volume %s: %w", name, err)
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if _, err := api.Get(ctx, name, metav1.GetOptions{}); apierrors.IsNotFound(err) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("delete volume %s: %w", name, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// declaredVolumes renders the volumes of a cluster.
func declaredVolumes(c *catalog.Cluster) ([]*corev1.PersistentVolume, error) {
	var out []*corev1.PersistentVolume
	for _, n := range c.Spec.Nodes {
		for _, node := range n.Names() {
			made := 0
			for _, v := range n.Volumes {
				size, err := resource.ParseQuantity(string(v.Size))
				if err != nil {
					return nil, fmt.Errorf("volume size %q of node %s: %w", v.Size, n.Name, err)
				}
				for range max(1, v.Count) {
					made++
					out = append(out, renderVolume(node, made, size))
				}
			}
		}
	}
	return out, nil
}

func renderVolume(node string, number int, size resource.Quantity) *corev1.PersistentVolume {
	name := node + "-volume-" + strconv.Itoa(number)
	mode := corev1.PersistentVolumeFilesystem
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{simulatedLabel: "volume"}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: size},
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			StorageClassName:              volumeClass, VolumeMode: &mode,
			PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: "/simulated/" + name}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}},
			}}}},
		},
	}
}
