package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// trees measures `check --full` of generated repositories, cold: of 10, 100 and 1,000
// components on 10, 30 and 100 clusters. A cluster has a tenth of the components, at
// least ten, and each is on the same number of clusters; every fifth is a chart, and
// on every fourth cluster a patch makes the rendering another one. The growth is that
// of time and memory by the components of all clusters, an exponent: 1 is linear.
func (b *bench) trees(ctx context.Context) error {
	var before *treeFigure
	for _, size := range [][2]int{{10, 10}, {100, 30}, {1000, 100}} {
		one, err := b.tree(ctx, size[0], size[1], max(10, size[0]/10))
		if err != nil {
			return err
		}
		one.print(size[0], size[1])
		if before != nil {
			by := math.Log(float64(one.pairs) / float64(before.pairs))
			fmt.Printf("%-34s time by the power of %.2f, memory of %.2f\n", "growth", math.Log(one.median()/before.median())/by, math.Log(one.memory/before.memory)/by)
		}
		before = one
	}
	before.judge()
	return nil
}

// dense is the largest tree with every component on every cluster.
func (b *bench) dense(ctx context.Context) error {
	one, err := b.tree(ctx, 1000, 100, 1000)
	if err != nil {
		return err
	}
	one.print(1000, 100)
	one.judge()
	return nil
}

// treeFigure is what one size of tree took.
type treeFigure struct {
	pairs  int
	took   []time.Duration // sorted
	memory float64         // the most that a run had, in MiB
}

func (f *treeFigure) print(components, clusters int) {
	fmt.Printf("%-34s median %8.3f s  [%.3f to %.3f]  n=%d  most memory %.0f MiB, %d components of clusters\n", fmt.Sprintf("check of %d components, %d clusters", components, clusters),
		f.median(), f.took[0].Seconds(), f.took[len(f.took)-1].Seconds(), len(f.took), f.memory, f.pairs)
}

func (f *treeFigure) judge() {
	verdict := "within"
	if f.median() > 30 || f.memory > 1024 {
		verdict = "OVER"
	}
	fmt.Printf("%-34s 30 s and 1024 MiB: %s\n", "mark", verdict)
}

func (f *treeFigure) median() float64 { return f.took[len(f.took)/2].Seconds() }

func (b *bench) tree(ctx context.Context, components, clusters, each int) (*treeFigure, error) {
	root := filepath.Join(b.work, fmt.Sprintf("tree%d", components))
	pairs, err := b.generate(root, components, clusters, each)
	if err != nil {
		return nil, err
	}
	f := &treeFigure{pairs: pairs}
	for i := range min(3, b.runs) {
		cmd := exec.CommandContext(ctx, b.program, "check", "-q", "--full", "--cache-dir", filepath.Join(b.work, fmt.Sprint("cold", components, i)))
		var out bytes.Buffer
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = root, b.env, &out, &out
		began := time.Now()
		err := cmd.Run()
		f.took = append(f.took, time.Since(began))
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1: the rules found something
			return nil, fmt.Errorf("check of %d components: %w\n%.2000s", components, err, out.Bytes())
		}
		usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return nil, errors.New("this system does not tell a program's memory")
		}
		f.memory = max(f.memory, float64(usage.Maxrss)/1024)
	}
	slices.Sort(f.took)
	return f, os.RemoveAll(root)
}

// generate writes a repository with rules and baseline of this one; each cluster has
// so many of the components.
func (b *bench) generate(root string, components, clusters, each int) (pairs int, err error) {
	for _, name := range []string{"policies", "components/baseline.yaml"} {
		from, to := filepath.Join(b.root, name), filepath.Join(root, name)
		info, err := os.Stat(from)
		if err != nil {
			return 0, err
		}
		if info.IsDir() {
			err = os.CopyFS(to, os.DirFS(from))
		} else {
			err = copied(from, to)
		}
		if err != nil {
			return 0, err
		}
	}
	if err := os.Remove(filepath.Join(root, "policies", "exceptions.yaml")); err != nil {
		return 0, err
	}
	files := map[string]string{}
	for i := range components {
		component(files, i)
	}
	var names []string
	for n := range clusters {
		name, role := fmt.Sprintf("edge-%03d", n), "edge"
		if n == 0 {
			name, role = "hub", "hub"
		} else {
			names = append(names, name)
		}
		var list strings.Builder
		for i := range each {
			id := i
			if each < components { // neighbours have others
				id = (n + i*(components/each)) % components
			}
			fmt.Fprintf(&list, "    - name: c%04d\n", id)
			if n%4 == 0 {
				fmt.Fprintf(&list, "      patches: [{target: {group: apps, kind: Deployment, name: app, namespace: ns%04d}, merge: {spec: {replicas: %d}}}]\n", id, 2+n%3)
			}
			pairs++
		}
		files["clusters/"+name+"/cluster.yaml"] = fmt.Sprintf(generatedCluster, name, role, name, name, list.String())
	}
	files["clusters/fleet.yaml"] = fmt.Sprintf(generatedFleet, strings.Join(names, ", "))
	for name, text := range files {
		if err := written(filepath.Join(root, name), text); err != nil {
			return 0, err
		}
	}
	return pairs, nil
}

func copied(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return written(to, string(data))
}

func written(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// component writes one: a kustomization, or a chart with the same objects.
func component(files map[string]string, i int) {
	name := fmt.Sprintf("c%04d", i)
	dir := "components/" + name + "/"
	objects := strings.ReplaceAll(generatedObjects, "NUMBER", fmt.Sprintf("%04d", i))
	source := "kustomize: {path: base}"
	if i%5 == 4 {
		source = "helm: {path: chart}"
		files[dir+"chart/Chart.yaml"] = "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"
		files[dir+"chart/values.yaml"] = "replicas: 2\n"
		files[dir+"chart/templates/all.yaml"] = strings.Replace(objects, "replicas: 2", "replicas: {{ .Values.replicas }}", 1)
	} else {
		files[dir+"base/all.yaml"] = objects
		files[dir+"base/kustomization.yaml"] = "resources: [all.yaml]\nconfigMapGenerator:\n- {name: settings, namespace: ns" + name[1:] + ", literals: [\"level=info\"]}\n"
	}
	files[dir+"component.yaml"] = "apiVersion: platform.dualtrack.internal/v1alpha1\nkind: Component\nmetadata: {name: " + name + "}\nspec:\n  source: {" + source + "}\n"
}

const generatedFleet = `apiVersion: platform.dualtrack.internal/v1alpha1
kind: Fleet
metadata: {name: generated}
spec:
  waves:
    - {name: all, clusters: [%s]}
  policy:
    registries: [registry.example/shop]
`

const generatedCluster = `apiVersion: platform.dualtrack.internal/v1alpha1
kind: Cluster
metadata: {name: %s}
spec:
  role: %s
  site: {city: %s, country: DE, region: eu, zone: %s, timeZone: Europe/Berlin}
  nodes: [{name: box}]
  components:
%s`

const generatedObjects = `apiVersion: v1
kind: Namespace
metadata: {name: nsNUMBER, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: app, namespace: nsNUMBER}
automountServiceAccountToken: false
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: nsNUMBER}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: v1
kind: Service
metadata: {name: app, namespace: nsNUMBER}
spec: {selector: {app: app}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: nsNUMBER, labels: {app: app}}
spec:
  replicas: 2
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      serviceAccountName: app
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: app
          image: registry.example/shop/app:1.0.NUMBER@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
          ports: [{name: http, containerPort: 8080}]
          resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
          readinessProbe: {httpGet: {path: /ready, port: http}}
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: app, namespace: nsNUMBER}
spec: {maxUnavailable: 1, unhealthyPodEvictionPolicy: AlwaysAllow, selector: {matchLabels: {app: app}}}
`
