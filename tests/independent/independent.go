// Package independent confirms with plain client-go that a cluster holds what
// was rendered for it. It is the word that tests set against the product's own
// judges, so it shares no code with them: it imports nothing of the product.
package independent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// Object names an object; Namespace is empty for a cluster's own.
type Object struct{ Kind, Namespace, Name string }

// String is "Kind namespace/name".
func (o Object) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// Cluster is what is asked of one cluster.
type Cluster struct {
	Kubeconfig string   // path
	Files      []string // rendered YAML files, or folders of them
	Version    string   // the API server's GitVersion, "v1.99.3"
	Withheld   []Object // rendered objects that must not be there
}

// Check fails the test for everything that is not as asked: the server's
// version, a rendered object that is absent, a withheld one that is present or
// was never rendered, a Deployment that is not Available.
func Check(t testing.TB, c Cluster) {
	t.Helper()
	wrong, err := c.Wrong(t.Context())
	if err != nil {
		t.Errorf("%s: %v", c.Kubeconfig, err)
	}
	for _, line := range wrong {
		t.Errorf("%s: %s", c.Kubeconfig, line)
	}
}

// Wrong gives a line for everything that is not as asked. The error is for a
// cluster or a file that could not be read.
func (c Cluster) Wrong(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	objs, err := read(c.Files)
	if err != nil {
		return nil, err
	}
	if len(objs) == 0 {
		return nil, errors.New("no objects were rendered")
	}
	l, err := look(c.Kubeconfig)
	if err != nil {
		return nil, err
	}
	wrong, err := c.version(l)
	if err != nil {
		return nil, err
	}
	seen := map[Object]bool{}
	for _, want := range objs {
		line, err := l.object(ctx, want, c.Withheld, seen)
		if err != nil {
			return wrong, err
		}
		if line != "" {
			wrong = append(wrong, line)
		}
	}
	for _, o := range c.Withheld {
		if !seen[o] {
			wrong = append(wrong, o.String()+" is on the list of withheld objects and was not rendered")
		}
	}
	return wrong, nil
}

func (c Cluster) version(l *looker) ([]string, error) {
	got, err := l.discovery.ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("ask for the version: %w", err)
	}
	if got.GitVersion != c.Version {
		return []string{fmt.Sprintf("the API server is %s, want %s", got.GitVersion, c.Version)}, nil
	}
	return nil, nil
}

// looker reads a cluster.
type looker struct {
	discovery *discovery.DiscoveryClient
	client    dynamic.Interface
	mapper    meta.RESTMapper
}

func look(kubeconfig string) (*looker, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst, config.Timeout = 200, 400, 30*time.Second
	l := &looker{}
	if l.discovery, err = discovery.NewDiscoveryClientForConfig(config); err != nil {
		return nil, err
	}
	if l.client, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	groups, err := restmapper.GetAPIGroupResources(l.discovery)
	if err != nil {
		return nil, fmt.Errorf("discover the API: %w", err)
	}
	l.mapper = restmapper.NewDiscoveryRESTMapper(groups)
	return l, nil
}

// object says what is wrong with one rendered object, "" when nothing is.
func (l *looker) object(ctx context.Context, want *unstructured.Unstructured, withheld []Object, seen map[Object]bool) (string, error) {
	name := Object{want.GetKind(), want.GetNamespace(), want.GetName()}
	gvk := want.GroupVersionKind()
	mapping, err := l.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	held := slices.Contains(withheld, name)
	seen[name] = true
	switch {
	case meta.IsNoMatchError(err) && held:
		return "", nil
	case meta.IsNoMatchError(err):
		return fmt.Sprintf("%s: the cluster serves no %s", name, gvk), nil
	case err != nil:
		return "", fmt.Errorf("%s: %w", name, err)
	}
	var from dynamic.ResourceInterface = l.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		from = l.client.Resource(mapping.Resource).Namespace(orDefault(name.Namespace))
	}
	live, err := from.Get(ctx, name.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) && held:
		return "", nil
	case apierrors.IsNotFound(err):
		return name.String() + " is not there", nil
	case err != nil:
		return "", fmt.Errorf("%s: %w", name, err)
	case held:
		return name.String() + " should be withheld and is there", nil
	case live.GetDeletionTimestamp() != nil:
		return name.String() + " is being deleted", nil
	case gvk.GroupKind().String() == "Deployment.apps":
		return unavailable(name, live), nil
	}
	return "", nil
}

func orDefault(namespace string) string {
	if namespace == "" {
		return metav1.NamespaceDefault
	}
	return namespace
}

// unavailable says why a Deployment is not Available, "" when it is.
func unavailable(name Object, d *unstructured.Unstructured) string {
	observed, _, _ := unstructured.NestedInt64(d.Object, "status", "observedGeneration")
	if observed < d.GetGeneration() {
		return fmt.Sprintf("%s: its controller saw generation %d, it is at %d", name, observed, d.GetGeneration())
	}
	conditions, _, _ := unstructured.NestedSlice(d.Object, "status", "conditions")
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		if condition["type"] != "Available" {
			continue
		}
		if condition["status"] == "True" {
			return ""
		}
		return fmt.Sprintf("%s is not Available: %v: %v", name, condition["reason"], condition["message"])
	}
	return name.String() + " has no condition Available"
}

// read gives the objects of the files, in order.
func read(paths []string) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || name != path && filepath.Ext(name) != ".yaml" {
				return err
			}
			objs, err := readFile(name)
			out = append(out, objs...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readFile(name string) ([]*unstructured.Unstructured, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []*unstructured.Unstructured
	for d := yaml.NewYAMLOrJSONDecoder(f, 4096); ; {
		o := &unstructured.Unstructured{}
		err := d.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(o.Object) > 0 {
			out = append(out, o)
		}
	}
}
