package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	authv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// What the calls are about.
const (
	namespaces = 20
	objects    = 50 // in each
	leases     = 10 // in each
	payload    = 512
)

// call is one call to be made.
type call struct {
	method, path string
	kind         string // of the body
	body         string
	namespace    int
	lists, watch bool
	makes        string // path of what it creates
}

func (c call) reader() io.Reader {
	if c.body == "" {
		return nil
	}
	return strings.NewReader(c.body)
}

// pick is the i-th call: of a hundred, 50 gets, 10 lists of 50 objects from the
// cache as informers begin with, 20 renewals of leases, 5 updates, 7 creations, 7
// deletions and a watch of 8 seconds, in an order that mixes them.
func (g *generator) pick(i int) call {
	ns := i % namespaces
	maps := fmt.Sprintf("/api/v1/namespaces/load-%d/configmaps", ns)
	one := fmt.Sprintf("%s/o-%d", maps, i/namespaces%objects)
	switch kind := i * 37 % 100; {
	case kind < 50:
		return call{method: http.MethodGet, path: one}
	case kind < 60:
		return call{method: http.MethodGet, path: maps + "?resourceVersion=0", lists: true, namespace: ns}
	case kind < 80:
		return call{method: http.MethodPatch, kind: "application/merge-patch+json",
			path: fmt.Sprintf("/apis/coordination.k8s.io/v1/namespaces/load-%d/leases/l-%d", ns, i/namespaces%leases),
			body: `{"spec":{"renewTime":"` + time.Now().UTC().Format("2006-01-02T15:04:05.000000Z") + `"}}`}
	case kind < 85:
		return call{method: http.MethodPut, path: one, kind: "application/json", body: configMap(fmt.Sprintf("o-%d", i/namespaces%objects), i)}
	case kind < 92:
		name := fmt.Sprintf("c-%d", i)
		return call{method: http.MethodPost, path: maps, kind: "application/json", body: configMap(name, i), makes: maps + "/" + name}
	case kind < 99:
		select {
		case path := <-g.created:
			return call{method: http.MethodDelete, path: path}
		default: // nothing to delete yet
			return call{method: http.MethodGet, path: one}
		}
	}
	return call{method: http.MethodGet, watch: true,
		path: fmt.Sprintf("%s?watch=1&timeoutSeconds=%d&resourceVersion=%s", maps, int(watchLength.Seconds()), *g.version[ns].Load())}
}

func configMap(name string, i int) string {
	text := strings.Repeat(fmt.Sprintf("%016x", i), payload/16)
	return `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"` + name + `"},"data":{"text":"` + text + `"}}`
}

var listVersionPattern = regexp.MustCompile(`^[^\[]*"resourceVersion":"(\d+)"`)

// listVersion is the version of a list, which stands before its items.
func listVersion(text []byte) string {
	m := listVersionPattern.FindSubmatch(text[:min(len(text), 512)])
	if m == nil {
		return ""
	}
	return string(bytes.Clone(m[1]))
}

// furnish writes the objects and gives the token of the account that calls.
func furnish(ctx context.Context, config *rest.Config) (string, error) {
	config = rest.CopyConfig(config)
	config.UserAgent = userAgent + " furnishes"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", err
	}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "load"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "list", "watch", "create", "update", "delete"}},
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"patch"}},
	}}
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "load"},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "load"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "load-0", Name: "load"}}}
	if _, err := client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	if _, err := client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	work, inside := errgroup.WithContext(ctx)
	for ns := range namespaces {
		work.Go(func() error { return fill(inside, client, fmt.Sprintf("load-%d", ns)) })
	}
	if err := work.Wait(); err != nil {
		return "", err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "load"}}
	if _, err := client.CoreV1().ServiceAccounts("load-0").Create(ctx, account, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	seconds := int64((12 * time.Hour).Seconds())
	token, err := client.CoreV1().ServiceAccounts("load-0").CreateToken(ctx, "load",
		&authv1.TokenRequest{Spec: authv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return token.Status.Token, nil
}

func fill(ctx context.Context, client kubernetes.Interface, ns string) error {
	if _, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	for i := range objects {
		o := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("o-%d", i)}, Data: map[string]string{"text": strings.Repeat("x", payload)}}
		if _, err := client.CoreV1().ConfigMaps(ns).Create(ctx, o, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for i := range leases {
		holder := "agent"
		l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("l-%d", i)}, Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder}}
		if _, err := client.CoordinationV1().Leases(ns).Create(ctx, l, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}
