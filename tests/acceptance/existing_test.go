package acceptance

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/clustertest"
	"dualtrack.internal/platform/cluster/embedded"
)

// TestExisting: a cluster of somebody else's, known by a kubeconfig with a
// restricted account. The plan names each missing permission and writes nothing;
// nothing is applied to a cluster that was not adopted, is another fleet's, or
// where an object is in the way; what is not the fleet's stays as it was.
func TestExisting(t *testing.T) {
	t.Parallel()
	admin := substrate(t)
	f := newFleet(t)
	f.env = append(f.env, "KUBECONFIG="+restricted(t, admin))
	const site = "edge-berlin"
	f.declareExisting(t, site)
	unpinned := f.run(t, "up", "-c", site).want(t, 1)
	if !strings.Contains(unpinned.stdout, "denial") {
		t.Errorf("an image without a digest on a cluster whose nodes may be real:\n%s", unpinned.stdout)
	}
	f.pin(t, "otel-collector")
	grant(t, admin, false)
	theirs := foreign(t, admin)

	got := f.run(t, "up", "-c", site, "-o", "json").want(t, 1).json(t).Clusters[0]
	var missing []string
	for _, p := range got.Survey.Missing {
		missing = append(missing, cmp.Or(p.Group, "core")+"/"+p.Resource+":"+p.Verb+"@"+p.Namespace)
	}
	slices.Sort(missing)
	want := []string{
		"apps/deployments:delete@observability", "apps/deployments:delete@orders",
		"apps/deployments:patch@observability", "apps/deployments:patch@orders",
		"core/nodes:list@", "storage.k8s.io/storageclasses:list@",
	}
	if diff := gocmp.Diff(want, missing); diff != "" || got.State != "planned" {
		t.Errorf("%s, missing permissions (-want +got):\n%s", got.State, diff)
	}
	text := f.run(t, "up", "-c", site).want(t, 1).stdout
	for _, words := range []string{"the account may not patch deployments.apps in orders", "adopted by no fleet yet", "platform up --adopt --yes"} {
		if !strings.Contains(text, words) {
			t.Errorf("the plan does not say %q:\n%s", words, text)
		}
	}
	f.run(t, "up", "-c", site, "--adopt", "--yes").want(t, 1)
	untouched(t, admin)

	grant(t, admin, true)
	got = f.run(t, "up", "-c", site, "-o", "json").want(t, 1).json(t).Clusters[0]
	if len(got.Survey.Missing) > 0 || len(got.Changes) < 20 || got.State != "planned" {
		t.Errorf("with all permissions: %s, missing %v, %d changes", got.State, got.Survey.Missing, len(got.Changes))
	}
	if diff := gocmp.Diff([]object{{"v1", "ConfigMap", "orders", "order-service"}}, got.Survey.Foreign); diff != "" {
		t.Errorf("foreign objects (-want +got):\n%s", diff)
	}
	if text := f.run(t, "up", "-c", site, "--yes", "--adopt").want(t, 1).stdout; !strings.Contains(text, "ConfigMap orders/order-service is there and is not ours") {
		t.Errorf("an object in the way:\n%s", text)
	}
	untouched(t, admin)
	handOver(t, admin)
	if text := f.run(t, "up", "-c", site, "--yes").want(t, 1).stdout; !strings.Contains(text, "has not adopted") {
		t.Errorf("not adopted:\n%s", text)
	}
	untouched(t, admin)

	got = f.run(t, "up", "-c", site, "--adopt", "--yes", "-o", "json").want(t, 0).json(t).Clusters[0]
	if got.State != "converged" || got.HealthEvidence != "simulated" {
		t.Errorf("adopted: %s on %s evidence", got.State, got.HealthEvidence)
	}
	f.run(t, "up", "-c", site).want(t, 0) // nothing to approve
	if left := foreignOf(t, admin); left != theirs {
		t.Errorf("an object that is not ours was %s, is %s", theirs, left)
	}
	f.rival(t, site)
	f.run(t, "down", "-c", site).want(t, 0)
	if _, err := admin.CoreV1().Namespaces().Get(t.Context(), "orders", metav1.GetOptions{}); err != nil {
		t.Errorf("down reached into the cluster: %v", err)
	}
}

// substrate is a running cluster that no fleet knows of.
func substrate(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	p, err := embedded.New(embedded.Config{StateDir: filepath.Join(t.TempDir(), "theirs"), Programs: clustertest.Programs(t)})
	if err != nil {
		t.Fatal(err)
	}
	spec := clustertest.Spec(t, "theirs")
	t.Cleanup(func() {
		if err := p.Remove(context.WithoutCancel(t.Context()), "theirs"); err != nil {
			t.Error(err)
		}
	})
	access, err := p.Start(t.Context(), spec, cluster.Events{})
	if err != nil {
		t.Fatal(err)
	}
	return clientset(t, access.Config)
}

// restricted writes a kubeconfig of a ServiceAccount that may do nothing yet.
func restricted(t *testing.T, admin *kubernetes.Clientset) string {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "deployer"}}
	_, err := admin.CoreV1().ServiceAccounts("default").Create(t.Context(), account, metav1.CreateOptions{})
	check(t, err)
	seconds := int64(3600)
	token, err := admin.CoreV1().ServiceAccounts("default").CreateToken(t.Context(), "deployer",
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	check(t, err)
	root, err := admin.CoreV1().ConfigMaps("default").Get(t.Context(), "kube-root-ca.crt", metav1.GetOptions{})
	check(t, err)
	config := clientcmdapi.NewConfig()
	config.Clusters["theirs"] = &clientcmdapi.Cluster{Server: admin.RESTClient().Get().URL().Scheme + "://" + admin.RESTClient().Get().URL().Host, CertificateAuthorityData: []byte(root.Data["ca.crt"])}
	config.AuthInfos["deployer"] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts["berlin-store"] = &clientcmdapi.Context{Cluster: "theirs", AuthInfo: "deployer"}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	check(t, clientcmd.WriteToFile(*config, path))
	return path
}

// declareExisting makes a site of the reference fleet an existing cluster with
// three components.
func (f *fleet) declareExisting(t *testing.T, site string) {
	t.Helper()
	declaration := fmt.Sprintf(`apiVersion: platform.dualtrack.internal/v1alpha1
kind: Cluster
metadata: {name: %[1]s}
spec:
  role: edge
  provider: existing
  existing: {context: berlin-store}
  components:
    - name: base
      values:
        site: {name: %[1]s, city: Berlin}
    - name: otel
    - name: order-service
`, site)
	check(t, os.WriteFile(filepath.Join(f.repo, "clusters", site, "cluster.yaml"), []byte(declaration), 0o644))
}

// pin gives an image of the baseline a digest. No container will pull it: the
// cluster's nodes are simulated.
func (f *fleet) pin(t *testing.T, image string) {
	t.Helper()
	path := filepath.Join(f.repo, "components", "baseline.yaml")
	data, err := os.ReadFile(path)
	check(t, err)
	before, entry, ok := strings.Cut(string(data), "    "+image+":\n")
	if !ok {
		t.Fatalf("the baseline has no image %s", image)
	}
	entry = strings.Replace(entry, "digest: unresolved", "digest: sha256:"+strings.Repeat("a", 64), 1)
	check(t, os.WriteFile(path, []byte(before+"    "+image+":\n"+entry), 0o644))
}

// grant gives the account what the fleet needs, all of it or with gaps.
func grant(t *testing.T, admin *kubernetes.Clientset, all bool) {
	t.Helper()
	rule := func(group string, verbs []string, resources ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: verbs}
	}
	every := []string{"get", "list", "create", "patch", "delete"}
	rules := []rbacv1.PolicyRule{
		rule("", every, "namespaces", "configmaps", "services", "serviceaccounts", "limitranges", "resourcequotas"),
		rule("", []string{"list"}, "pods", "events"),
		rule("apps", every, "daemonsets"),
		rule("apps", []string{"get", "list", "create"}, "deployments"),
		rule("rbac.authorization.k8s.io", append([]string{"escalate", "bind"}, every...), "clusterroles", "clusterrolebindings"),
		rule("autoscaling", every, "horizontalpodautoscalers"),
		rule("policy", every, "poddisruptionbudgets"),
		rule("networking.k8s.io", every, "networkpolicies"),
	}
	if all {
		rules = append(rules, rule("apps", every, "deployments"), rule("", []string{"list"}, "nodes"), rule("storage.k8s.io", []string{"list"}, "storageclasses"))
	}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "deployer"}, Rules: rules}
	api := admin.RbacV1()
	if all {
		_, err := api.ClusterRoles().Update(t.Context(), role, metav1.UpdateOptions{})
		check(t, err)
	} else {
		_, err := api.ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{})
		check(t, err)
		_, err = api.ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "deployer"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "deployer"},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "default", Name: "deployer"}},
		}, metav1.CreateOptions{})
		check(t, err)
	}
	pause(t, time.Second) // the authorizer reads roles from a cache
}

// foreign makes objects of somebody else's: one that the bundle would write
// over, and one it knows nothing of, whose version it returns.
func foreign(t *testing.T, admin *kubernetes.Clientset) string {
	t.Helper()
	_, err := admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: "orders", Annotations: map[string]string{"platform.dualtrack.internal/adopt": "reference"}},
	}, metav1.CreateOptions{})
	check(t, err)
	for _, name := range []string{"order-service", "cellar"} {
		_, err = admin.CoreV1().ConfigMaps("orders").Create(t.Context(),
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"ours": "no"}}, metav1.CreateOptions{})
		check(t, err)
	}
	return foreignOf(t, admin)
}

func foreignOf(t *testing.T, admin *kubernetes.Clientset) string {
	t.Helper()
	cellar, err := admin.CoreV1().ConfigMaps("orders").Get(t.Context(), "cellar", metav1.GetOptions{})
	check(t, err)
	return cellar.ResourceVersion
}

// handOver lets the fleet have the object in its way.
func handOver(t *testing.T, admin *kubernetes.Clientset) {
	t.Helper()
	cm, err := admin.CoreV1().ConfigMaps("orders").Get(t.Context(), "order-service", metav1.GetOptions{})
	check(t, err)
	cm.Annotations = map[string]string{"platform.dualtrack.internal/adopt": "reference"}
	_, err = admin.CoreV1().ConfigMaps("orders").Update(t.Context(), cm, metav1.UpdateOptions{})
	check(t, err)
}

// untouched fails if the fleet wrote anything.
func untouched(t *testing.T, admin *kubernetes.Clientset) {
	t.Helper()
	if _, err := admin.CoreV1().Namespaces().Get(t.Context(), "dualtrack-system", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the fleet's own namespace: %v", err)
	}
	deployments, err := admin.AppsV1().Deployments("").List(t.Context(), metav1.ListOptions{})
	check(t, err)
	if len(deployments.Items) > 0 {
		t.Errorf("%d Deployments were made", len(deployments.Items))
	}
}

// rival asks for the cluster in another fleet's name, twice.
func (f *fleet) rival(t *testing.T, site string) {
	t.Helper()
	f.edit(t, "clusters/fleet.yaml", "name: reference", "name: rival")
	defer f.edit(t, "clusters/fleet.yaml", "name: rival", "name: reference")
	for range 2 {
		got := f.run(t, "up", "-c", site, "--adopt", "--yes").want(t, 1)
		if !strings.Contains(got.stdout, "fleet reference, cluster "+site+" has adopted") {
			t.Errorf("a rival is told:\n%s", got.stdout)
		}
	}
	f.run(t, "down", "--all", "--purge").want(t, 0)
}
