package kind

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"

	"dualtrack.internal/platform/cluster"
)

const (
	poll         = 300 * time.Millisecond
	probeTimeout = 5 * time.Second
	// ownLabels and ownTaints remember what was set, so that what leaves the
	// declaration leaves the node.
	ownLabels = "platform.dualtrack.internal/declared-labels"
	ownTaints = "platform.dualtrack.internal/declared-taints"
	// defaultClass marks the class of claims that name none.
	defaultClass = "storageclass.kubernetes.io/is-default-class"
)

// finish waits for the API and the nodes, and gives the nodes what is declared.
func (s *starter) finish(ctx context.Context) error {
	access, err := s.p.access(s.l, s.id, nil)
	if err != nil {
		return err
	}
	const step = "waiting for the nodes"
	began := time.Now()
	s.events.Begin(s.l.name, step, 0)
	if err := cluster.Wait(ctx, access); err != nil {
		return s.ended(ctx, "the API server", err)
	}
	connection, err := rest.HTTPClientFor(access.Config)
	if err != nil {
		return fmt.Errorf("cluster %s: client: %w", s.l.name, err)
	}
	defer connection.CloseIdleConnections()
	client, err := s.client(access.Config, connection)
	if err != nil {
		return err
	}
	if err := s.until(ctx, "the nodes", func(ctx context.Context) error { return s.ready(ctx, client) }); err != nil {
		return err
	}
	if err := s.until(ctx, "labels and taints", func(ctx context.Context) error { return s.declare(ctx, client.CoreV1().Nodes()) }); err != nil {
		return err
	}
	var lacks []cluster.Ability
	if err := s.until(ctx, "the storage classes", func(ctx context.Context) (err error) {
		lacks, err = lacksOf(ctx, client)
		return err
	}); err != nil {
		return err
	}
	s.events.Begin(s.l.name, step, time.Since(began))
	s.id.Lacks = lacks
	return s.l.writeIdentity(s.id)
}

func (s *starter) client(cfg *rest.Config, connection *http.Client) (kubernetes.Interface, error) {
	client, err := kubernetes.NewForConfigAndClient(cfg, connection)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: client: %w", s.l.name, err)
	}
	return client, nil
}

// until asks again and again.
func (s *starter) until(ctx context.Context, what string, ask func(context.Context) error) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, probeTimeout)
		err := ask(asking)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return s.ended(ctx, what, err)
		case <-tick.C:
		}
	}
}

// ended says why a wait is over: too long, or the caller gave up.
func (s *starter) ended(ctx context.Context, waiting string, last error) error {
	switch {
	case ctx.Err() == nil:
		return last
	case errors.Is(context.Cause(ctx), errTooLong):
		return &TimeoutError{Cluster: s.l.name, Waiting: waiting, Limit: s.p.cfg.ReadyTimeout, Last: last}
	}
	return fmt.Errorf("cluster %s: waiting for %s: %w", s.l.name, waiting, context.Cause(ctx))
}

// ready says what is still missing.
func (s *starter) ready(ctx context.Context, client kubernetes.Interface) error {
	if _, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{}); err != nil {
		return fmt.Errorf("default ServiceAccount: %w", err)
	}
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	isReady := map[string]bool{}
	for _, n := range list.Items {
		isReady[n.Name] = slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		})
	}
	var last time.Time
	for _, n := range newPlan(s.spec, s.id.Image).nodes {
		if !isReady[n.name] {
			return fmt.Errorf("node %s is not Ready", n.name)
		}
		if since, woken := s.woken[n.name]; woken {
			if err := heard(ctx, client, n.name, since); err != nil {
				return err
			}
			last = since
		}
	}
	if last.IsZero() {
		return nil
	}
	return counted(ctx, client, last)
}

// declare gives the nodes their labels and taints. It writes only what differs.
func (s *starter) declare(ctx context.Context, api typed.NodeInterface) error {
	for _, want := range newPlan(s.spec, s.id.Image).nodes {
		changed := false
		err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
			have, err := api.Get(ctx, want.name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			next := have.DeepCopy()
			merge(next, want)
			if changed = !equality.Semantic.DeepEqual(next, have); !changed {
				return nil
			}
			_, err = api.Update(ctx, next, metav1.UpdateOptions{FieldManager: cluster.FieldManager})
			return err
		})
		if err != nil {
			return fmt.Errorf("node %s: %w", want.name, err)
		}
		// A node that was made just now is said to be started, no more.
		if word := want.name + ": labels and taints changed"; changed && !slices.Contains(s.changed, want.name+": started") {
			s.changed = append(s.changed, word)
		}
	}
	return nil
}

// merge sets what is declared, removes what was declared before, and keeps what
// others set: Kubernetes itself taints nodes.
func merge(n *corev1.Node, want node) {
	for _, key := range strings.Split(n.Annotations[ownLabels], ",") {
		if _, still := want.labels[key]; !still {
			delete(n.Labels, key)
		}
	}
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	maps.Copy(n.Labels, want.labels)
	before := strings.Split(n.Annotations[ownTaints], ",")
	kept := slices.DeleteFunc(slices.Clone(n.Spec.Taints), func(t corev1.Taint) bool {
		return slices.Contains(before, taintID(t)) && !slices.Contains(want.taints, t)
	})
	for _, t := range want.taints {
		kept = slices.DeleteFunc(kept, func(k corev1.Taint) bool { return taintID(k) == taintID(t) && k != t })
		if !slices.Contains(kept, t) {
			kept = append(kept, t)
		}
	}
	n.Spec.Taints = kept
	if n.Annotations == nil {
		n.Annotations = map[string]string{}
	}
	ids := make([]string, len(want.taints))
	for i, t := range want.taints {
		ids[i] = taintID(t)
	}
	n.Annotations[ownLabels] = strings.Join(slices.Sorted(maps.Keys(want.labels)), ",")
	n.Annotations[ownTaints] = strings.Join(ids, ",")
}

func taintID(t corev1.Taint) string { return t.Key + ":" + string(t.Effect) }

// lacksOf asks the cluster what it offers: an image of another's may bring more
// than ours.
func lacksOf(ctx context.Context, client kubernetes.Interface) ([]cluster.Ability, error) {
	lacks := []cluster.Ability{} // nil would mean that nobody asked
	groups, err := client.Discovery().ServerGroups()
	if err != nil {
		return nil, fmt.Errorf("groups of the API: %w", err)
	}
	if !slices.ContainsFunc(groups.Groups, func(g metav1.APIGroup) bool { return g.Name == "metrics.k8s.io" }) {
		lacks = append(lacks, cluster.MetricsAPI)
	}
	classes, err := client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("storage classes: %w", err)
	}
	provisions := false
	for _, c := range classes.Items {
		provisions = provisions || c.Annotations[defaultClass] == "true" && c.Provisioner != "kubernetes.io/no-provisioner"
	}
	if !provisions {
		lacks = append(lacks, cluster.Volumes)
	}
	return lacks, nil
}
