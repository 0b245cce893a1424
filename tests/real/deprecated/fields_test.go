//go:build real

package deprecated_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/kind"
	"dualtrack.internal/platform/nodeimage"
	"dualtrack.internal/tests/real/rendered"
)

// types are the Go types of a configuration, in a module that a program of tools/
// is built from, at that program's version.
type types struct {
	tool, module, folder string
	known                string // a field that they do deprecate, "" where there is none
}

// kubernetes has them by apiVersion of the document.
func kubernetes() map[string]types {
	return map[string]types{
		"kubeadm.k8s.io/v1beta3":                  {"node", "k8s.io/kubernetes", "cmd/kubeadm/app/apis/kubeadm/v1beta3", ""},
		"kubelet.config.k8s.io/v1beta1":           {"node", "k8s.io/kubelet", "config/v1beta1", "iptablesDropBit"},
		"kubeproxy.config.k8s.io/v1alpha1":        {"node", "k8s.io/kube-proxy", "config/v1alpha1", ""},
		"apiserver.config.k8s.io/v1":              {"node", "k8s.io/apiserver", "pkg/apis/config/v1", ""},
		"audit.k8s.io/v1":                         {"node", "k8s.io/apiserver", "pkg/apis/audit/v1", ""},
		"pod-security.admission.config.k8s.io/v1": {"node", "k8s.io/pod-security-admission", "admission/api/v1", ""},
	}
}

// workloads has them by image: those of the program, and those it shares.
func workloads() map[string][]types {
	return map[string][]types{
		"prometheus": {
			{"prometheus", "github.com/prometheus/prometheus", "config", ""},
			{"prometheus", "github.com/prometheus/prometheus", "discovery/kubernetes", ""},
			{"prometheus", "github.com/prometheus/common", "config", "bearer_token"},
		},
		"alertmanager": {
			{"alertmanager", "github.com/prometheus/alertmanager", "config", "match_re"},
			{"alertmanager", "github.com/prometheus/common", "config", "bearer_token"},
		},
	}
}

var says = regexp.MustCompile(`(?i)\bdeprecated\b`)

// fields are the names that the types' documentation calls deprecated. A name that
// another type has in good standing is left out: only the place tells them apart.
func (s types) fields(t *testing.T) map[string]bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-mod=mod", "-m", "-f", "{{.Dir}}", s.module)
	cmd.Dir = filepath.Join("..", "..", "..", "tools", s.tool)
	dir, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s in %s: %v", s.module, s.tool, err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), filepath.FromSlash(s.folder), "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no %s: %v", s.module, s.folder, err)
	}
	out, good, all := map[string]bool{}, map[string]bool{}, 0
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			f, ok := n.(*ast.Field)
			if !ok || f.Tag == nil {
				return true
			}
			tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
			name, _, _ := strings.Cut(tag.Get("json"), ",")
			if yamlName, _, _ := strings.Cut(tag.Get("yaml"), ","); yamlName != "" {
				name = yamlName
			}
			all++
			if says.MatchString(f.Doc.Text() + f.Comment.Text()) {
				out[name] = true
			} else {
				good[name] = true
			}
			return true
		})
	}
	maps.DeleteFunc(out, func(name string, _ bool) bool { return name == "" || good[name] })
	if all < 3 || s.known != "" && !out[s.known] {
		t.Fatalf("%s %s: of %d fields, deprecated are %v; want %q among them", s.module, s.folder, all, slices.Sorted(maps.Keys(out)), s.known)
	}
	return out
}

// keys are the names of a document, with the lines they stand on.
func keys(n *yaml.Node, found func(name string, line int)) {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			found(child.Value, child.Line)
		}
		keys(child, found)
	}
}

// TestKubernetesFields looks at what every cluster's nodes and API servers read.
func TestKubernetesFields(t *testing.T) {
	t.Parallel()
	deprecated, seen := map[string]map[string]bool{}, map[string]bool{}
	for version, s := range kubernetes() {
		deprecated[version] = s.fields(t)
	}
	for name, files := range nodes(t) {
		for _, f := range files {
			if strings.HasPrefix(f.Path, "patches/") || f.Path == "kind.yaml" {
				continue // parts of objects; kind's own is read by its library
			}
			for _, document := range strings.Split(string(f.Data), "\n---\n") {
				var n yaml.Node
				if err := yaml.Unmarshal([]byte(document), &n); err != nil {
					t.Fatalf("%s %s: %v", name, f.Path, err)
				}
				var kind struct {
					Version string `yaml:"apiVersion"`
				}
				if err := n.Decode(&kind); err != nil {
					t.Fatalf("%s %s: %v", name, f.Path, err)
				}
				old, known := deprecated[kind.Version]
				if !known {
					t.Fatalf("%s %s: nothing is known of %q", name, f.Path, kind.Version)
				}
				seen[kind.Version] = true
				keys(&n, func(key string, line int) {
					if old[key] {
						t.Errorf("%s %s:%d: %s of %s is deprecated", name, f.Path, line, key, kind.Version)
					}
				})
			}
		}
	}
	t.Logf("%d kinds of documents", len(seen))
	if len(seen) < 4 {
		t.Errorf("only %v were found", slices.Sorted(maps.Keys(seen)))
	}
}

// nodes are the files of every cluster's nodes, as `platform node render` writes them.
func nodes(t *testing.T) map[string][]kind.File {
	t.Helper()
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]kind.File{}
	for _, c := range cat.Clusters {
		spec := cluster.Spec{Fleet: cat.Fleet.Name, Cluster: c, Kubernetes: cat.Baseline.Spec.Kubernetes}
		files, err := kind.Render(spec, kind.Image{Ref: nodeimage.Repository, EtcdTag: nodeimage.EtcdTag(cat.Baseline)})
		if err != nil {
			t.Fatal(err)
		}
		out[c.Name] = files
	}
	return out
}

// TestWorkloadFields looks at the files of Prometheus and Alertmanager.
func TestWorkloadFields(t *testing.T) {
	t.Parallel()
	for image, sources := range workloads() {
		old := map[string]bool{}
		for _, s := range sources {
			maps.Copy(old, s.fields(t))
		}
		read := map[string]bool{}
		for _, s := range rendered.Subjects(t, image) {
			for file, text := range s.Files {
				if ext := filepath.Ext(file); read[text] || ext != ".yml" && ext != ".yaml" {
					continue
				}
				read[text] = true
				var n yaml.Node
				if err := yaml.Unmarshal([]byte(text), &n); err != nil {
					t.Fatalf("%s %s: %v", s.Cluster, file, err)
				}
				keys(&n, func(key string, line int) {
					if old[key] {
						t.Errorf("%s %s:%d: %s is deprecated", s.Cluster, file, line, key)
					}
				})
			}
		}
		t.Logf("%s: %d files, %d deprecated fields: %s", image, len(read), len(old), strings.Join(slices.Sorted(maps.Keys(old)), " "))
		if len(read) == 0 {
			t.Errorf("%s: no file was read", image)
		}
	}
}
