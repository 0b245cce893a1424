package kind

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"dualtrack.internal/platform/cluster"
)

// Access reaches a cluster whose endpoint runs. Errors: ErrNotFound, ErrStopped,
// *NoEngineError. It asks the API nothing: whether it answers is another question.
func (p *Provider) Access(ctx context.Context, name string) (cluster.Access, error) {
	l, id, found, err := p.look(ctx, name)
	if err != nil {
		return cluster.Access{}, err
	}
	if !id.Ready || !slices.ContainsFunc(found, func(c container) bool { return c.Name == endpointOf(found) && c.runs() }) {
		return cluster.Access{}, fmt.Errorf("cluster %s: %w", name, ErrStopped)
	}
	return p.access(l, id, nil)
}

// endpointOf names the container that answers for the API.
func endpointOf(found []container) string {
	control := ""
	for _, c := range found {
		switch {
		case strings.HasSuffix(c.Name, "-external-load-balancer"):
			return c.Name
		case strings.HasSuffix(c.Name, "-control-plane"):
			control = c.Name
		}
	}
	return control
}

// look finds a cluster's state and its containers.
func (p *Provider) look(ctx context.Context, name string) (layout, identity, []container, error) {
	l, err := p.layout(name)
	if err != nil {
		return l, identity{}, nil, err
	}
	id, err := l.readIdentity()
	if err != nil {
		return l, id, nil, err
	}
	eng, err := detect(ctx)
	if err != nil {
		return l, id, nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	found, err := eng.nodes(ctx, l, id.Name)
	return l, id, found, err
}

func (p *Provider) access(l layout, id identity, changed []string) (cluster.Access, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", l.kubeconfig())
	if err != nil {
		return cluster.Access{}, fmt.Errorf("cluster %s: kubeconfig %s: %w", l.name, l.kubeconfig(), err)
	}
	cfg.QPS = -1 // the API server of this machine defends itself by priority and fairness
	cfg.UserAgent, cfg.WarningHandler = cluster.FieldManager, rest.NoWarnings{}
	lacks := id.Lacks
	if lacks == nil {
		lacks = p.Lacks(nil)
	}
	return cluster.Access{Name: l.name, Kubeconfig: l.kubeconfig(), Config: cfg, Changed: changed, Lacks: lacks}, nil
}

// Status lists the cluster's containers, those that do not run too. Without a
// cluster it still says that there is no engine. Errors: ErrNotFound,
// *NoEngineError.
func (p *Provider) Status(ctx context.Context, name string) ([]cluster.ProcessStatus, error) {
	if _, err := detect(ctx); err != nil {
		return nil, &LackError{Cluster: name, Err: err}
	}
	_, _, found, err := p.look(ctx, name)
	if err != nil {
		return nil, err
	}
	var out []cluster.ProcessStatus
	for _, c := range found {
		state := cluster.Dead
		switch c.State.Status {
		case "running":
			state = cluster.Running
		case "paused":
			state = cluster.Stopped
		}
		out = append(out, cluster.ProcessStatus{Program: c.Name, PID: c.State.Pid, State: state, Since: c.State.StartedAt.UTC()})
	}
	return out, nil
}

// The programs of a node that have logs.
const (
	units      = "kubelet containerd podnet"
	staticPods = "etcd kube-apiserver kube-controller-manager kube-scheduler"
	ownLog     = "kind" // what kind said when it made the cluster
)

// Logs writes the log of a node (its journal, by its name), of a program of its
// services or of a static pod, "kubelet" or "etcd@NODE"; without a node, of the
// first control plane. "kind" is what kind said when it made the cluster.
// Errors: *NoLogError.
func (p *Provider) Logs(ctx context.Context, name, program string, last int, w io.Writer) error {
	l, id, found, err := p.look(ctx, name)
	if err != nil {
		return err
	}
	if program == ownLog {
		return printLog(l.log(), last, w)
	}
	what, at, _ := strings.Cut(program, "@")
	where := id.Name + "-control-plane"
	if at != "" {
		where = at
	}
	var command []string
	switch {
	case slices.Contains(names(found), program):
		where, command = program, journal(last)
	case !slices.Contains(names(found), where):
	case slices.Contains(strings.Fields(units), what):
		command = append(journal(last), "-u", what)
	case slices.Contains(strings.Fields(staticPods), what):
		command = []string{"bash", "-c", `id=$(crictl ps -aq --name "^$1$" | head -n 1); [ -n "$id" ] && exec crictl logs --tail "$2" "$id" 2>&1`,
			"logs", what, strconv.Itoa(tailOf(last))}
	}
	if command == nil {
		known := append(names(found), strings.Fields(units+" "+staticPods+" "+ownLog)...)
		return &NoLogError{Cluster: name, Program: program, Known: known}
	}
	eng, err := detect(ctx)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", name, err)
	}
	out, err := eng.run(ctx, askTime, append([]string{"exec", where}, command...)...)
	if err != nil {
		return fmt.Errorf("cluster %s: log of %s: %w", name, program, err)
	}
	_, err = w.Write(out)
	return err
}

// tailOf is how many lines the programs in a node are asked for; -1 is all.
func tailOf(last int) int {
	if last == 0 {
		return -1
	}
	return last
}

func journal(last int) []string {
	command := []string{"journalctl", "--no-pager", "--output", "short-iso"}
	if last > 0 {
		command = append(command, "--lines", strconv.Itoa(last))
	}
	return command
}

func printLog(path string, last int, w io.Writer) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return storage("read kind's log", path, err)
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	if from := len(lines) - 1 - last; last > 0 && from > 0 {
		lines = lines[from:]
	}
	_, err = w.Write(bytes.Join(lines, nil))
	return err
}

// LoadImage gives an image to every node, under its tag and under its digest: a
// pod that names both is looked up by the digest alone.
func (p *Provider) LoadImage(ctx context.Context, name string, image cluster.ImageArchive) error {
	_, _, found, err := p.look(ctx, name)
	if err != nil {
		return err
	}
	eng, err := detect(ctx)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", name, err)
	}
	for _, c := range found {
		if strings.HasSuffix(c.Name, "-external-load-balancer") || !c.runs() {
			continue
		}
		if err := eng.loadInto(ctx, c.Name, image); err != nil {
			return fmt.Errorf("cluster %s: image %s: %w", name, image.Ref, err)
		}
	}
	return nil
}

func (e engine) loadInto(ctx context.Context, node string, image cluster.ImageArchive) error {
	at := strings.LastIndexByte(image.Ref, ':')
	if at < 0 || strings.Contains(image.Ref[at:], "/") {
		return fmt.Errorf("%q has no tag", image.Ref)
	}
	byDigest := image.Ref[:at] + "@" + image.Digest
	inside := []string{"exec", node, "ctr", "--namespace", "k8s.io", "images"}
	out, err := e.run(ctx, askTime, append(inside, "ls", "-q", "name=="+byDigest)...)
	if err == nil && len(bytes.TrimSpace(out)) > 0 {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	f, err := os.Open(image.Path)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	defer f.Close()
	load := append([]string{"exec", "-i"}, inside[1:]...)
	if _, err := e.runWith(ctx, workTime, f, append(load, "import", "--all-platforms", "--no-unpack", "-")...); err != nil {
		return err
	}
	_, err = e.run(ctx, askTime, append(inside, "tag", "--force", image.Ref, byDigest)...)
	return err
}
