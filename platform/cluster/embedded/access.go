package embedded

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	gops "github.com/shirou/gopsutil/v4/process"
	"k8s.io/client-go/tools/clientcmd"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
)

// Access reaches a cluster whose API server runs. Errors: ErrNotFound,
// ErrStopped. It asks the API nothing: whether it answers is another question.
func (p *Provider) Access(ctx context.Context, name string) (cluster.Access, error) {
	l, err := p.layout(name)
	if err != nil {
		return cluster.Access{}, err
	}
	id, err := l.readIdentity()
	if err != nil {
		return cluster.Access{}, err
	}
	if err := ctx.Err(); err != nil {
		return cluster.Access{}, context.Cause(ctx)
	}
	running, err := l.scan()
	if err != nil {
		return cluster.Access{}, fmt.Errorf("cluster %s: %w", name, err)
	}
	if !slices.ContainsFunc(running, func(lv live) bool { return strings.HasPrefix(lv.program, "kube-apiserver") }) {
		return cluster.Access{}, fmt.Errorf("cluster %s: %w", name, ErrStopped)
	}
	lacks := id.Lacks
	if len(lacks) == 0 { // written by a version that did not note it
		lacks = p.Lacks(&catalog.Cluster{})
	}
	return p.access(l, lacks, nil)
}

func (p *Provider) access(l layout, lacks []cluster.Ability, changed []string) (cluster.Access, error) {
	path := l.kubeconfig("admin")
	cfg, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return cluster.Access{}, fmt.Errorf("cluster %s: kubeconfig: %w", l.name, err)
	}
	cfg.QPS = -1 // the API server of this machine defends itself by priority and fairness
	return cluster.Access{Name: l.name, Kubeconfig: path, Config: cfg, Changed: changed, Lacks: lacks}, nil
}

// Status lists the cluster's programs in the order they start, dead ones too.
// Errors: ErrNotFound.
func (p *Provider) Status(ctx context.Context, name string) ([]cluster.ProcessStatus, error) {
	l, err := p.layout(name)
	if err != nil {
		return nil, err
	}
	if _, err := l.readIdentity(); err != nil {
		return nil, err
	}
	running, err := l.scan()
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	var out []cluster.ProcessStatus
	for _, lv := range running {
		out = append(out, lv.status(ctx))
	}
	files, err := filepath.Glob(filepath.Join(cluster.EscapeGlob(l.path("run")), "*.json"))
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	for _, f := range files {
		program := strings.TrimSuffix(filepath.Base(f), ".json")
		if slices.ContainsFunc(out, func(s cluster.ProcessStatus) bool { return s.Program == program }) {
			continue
		}
		rec, err := l.readRecord(program)
		if err != nil {
			return nil, err
		}
		out = append(out, cluster.ProcessStatus{Program: program, PID: rec.PID, State: cluster.Dead, Since: rec.Started})
	}
	slices.SortFunc(out, func(a, b cluster.ProcessStatus) int {
		return cmp.Or(cmp.Compare(startRank(a.Program), startRank(b.Program)), cmp.Compare(a.Program, b.Program), cmp.Compare(a.PID, b.PID))
	})
	return out, nil
}

// status reads what the system says of a process.
func (p live) status(ctx context.Context) cluster.ProcessStatus {
	st := cluster.ProcessStatus{Program: p.program, PID: p.pid, State: cluster.Running, PSS: proportional(p.pid)}
	if p.stopped {
		st.State = cluster.Stopped
	}
	proc, err := gops.NewProcessWithContext(ctx, int32(p.pid))
	if err != nil {
		return st // just gone: what is known stands
	}
	if ms, err := proc.CreateTimeWithContext(ctx); err == nil {
		st.Since = time.UnixMilli(ms).UTC()
	}
	if mem, err := proc.MemoryInfoWithContext(ctx); err == nil {
		st.RSS = mem.RSS
	}
	return st
}

func startRank(program string) int {
	for i, prefix := range []string{"etcd", "kube-apiserver", "balancer", "kube-controller-manager", "kube-scheduler", "kwok",
		containerdName, gatewayName, kubeletName, proxyName} {
		if strings.HasPrefix(program, prefix) {
			return i
		}
	}
	return -1
}
