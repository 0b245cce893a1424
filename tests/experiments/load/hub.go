package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	gops "github.com/shirou/gopsutil/v4/process"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/embedded"
	"dualtrack.internal/platform/tool"
)

// declaration is the hub of the repository, and the programs that run it.
type declaration struct {
	spec     cluster.Spec
	programs map[string]string
}

// declaredHub reads the hub and builds what runs it. One setting is changed: the
// audit log is kept whole, so that it can be counted.
func declaredHub(ctx context.Context, root string) (declaration, error) {
	cat, err := catalog.Load(root)
	if err != nil {
		return declaration{}, err
	}
	at := slices.IndexFunc(cat.Clusters, func(c *catalog.Cluster) bool { return c.Spec.Role == catalog.Hub })
	if at < 0 {
		return declaration{}, errors.New("experiment load: the fleet has no hub")
	}
	hub := *cat.Clusters[at]
	hub.Spec.Kubernetes.Audit.MaxSizeMB, hub.Spec.Kubernetes.Audit.MaxBackups = 1<<14, 1
	if hub.Spec.Kubernetes.APIServers < 2 || hub.Spec.Etcd.Members < 3 {
		return declaration{}, fmt.Errorf("%s: the hub has %d API servers and %d etcd members; the experiment kills one of each, and needs 2 and 3",
			hub.File, hub.Spec.Kubernetes.APIServers, hub.Spec.Etcd.Members)
	}
	store, err := tool.New(tool.Config{ToolsDir: filepath.Join(root, "tools"), Programs: tool.Programs(cat.Baseline.Spec.Kubernetes)})
	if err != nil {
		return declaration{}, err
	}
	programs, err := store.Ensure(ctx, nil, tool.Events{})
	if err != nil {
		return declaration{}, err
	}
	return declaration{spec: cluster.Spec{Fleet: cat.Fleet.Name, Cluster: &hub, Kubernetes: cat.Baseline.Spec.Kubernetes}, programs: programs}, nil
}

// hub is the cluster that runs.
type hub struct {
	spec     cluster.Spec
	dir      string
	provider *embedded.Provider
	access   cluster.Access
}

func startHub(ctx context.Context, d declaration, dir string) (*hub, error) {
	p, err := embedded.New(embedded.Config{StateDir: dir, Programs: func(context.Context) (map[string]string, error) { return d.programs, nil }})
	if err != nil {
		return nil, err
	}
	h := &hub{spec: d.spec, dir: filepath.Join(dir, d.spec.Cluster.Name), provider: p}
	if h.access, err = p.Start(ctx, d.spec, cluster.Events{}); err != nil {
		return nil, errors.Join(err, h.remove(ctx))
	}
	return h, nil
}

// remove ends the cluster also when the run was interrupted.
func (h *hub) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return h.provider.Remove(ctx, h.spec.Cluster.Name)
}

// heal is what `up` does: what does not run is started.
func (h *hub) heal(ctx context.Context) error {
	_, err := h.provider.Start(ctx, h.spec, cluster.Events{})
	return err
}

// pids are the processes that run, by program.
func (h *hub) pids(ctx context.Context) (map[string]int, error) {
	list, err := h.provider.Status(ctx, h.spec.Cluster.Name)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, s := range list {
		if s.State == cluster.Running {
			out[s.Program] = s.PID
		}
	}
	return out, nil
}

// kill ends a program as a loss of power would, and waits until it is gone: what
// starts it again must not find it still there.
func (h *hub) kill(ctx context.Context, program string) error {
	pids, err := h.pids(ctx)
	if err != nil {
		return err
	}
	if pids[program] == 0 {
		return fmt.Errorf("%s does not run", program)
	}
	p, err := os.FindProcess(pids[program])
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		return fmt.Errorf("kill %s: %w", program, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, fmt.Errorf("%s is still there 10 s after it was killed", program))
	defer cancel()
	for pids[program] != 0 {
		if err := until(ctx, time.Now().Add(10*time.Millisecond)); err != nil {
			return err
		}
		if pids, err = h.pids(ctx); err != nil {
			return err
		}
	}
	return nil
}

// leader asks the members of etcd which of them leads.
func (h *hub) leader(ctx context.Context) (string, error) {
	client, err := h.etcdClient()
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	text, err := os.ReadFile(filepath.Join(h.dir, "cluster.json"))
	if err != nil {
		return "", fmt.Errorf("the cluster's ports: %w", err)
	}
	var id struct{ Ports map[string]int }
	if err := json.Unmarshal(text, &id); err != nil {
		return "", fmt.Errorf("the cluster's ports: %w", err)
	}
	for use, port := range id.Ports {
		name, isClient := strings.CutSuffix(use, " client")
		if !isClient || !strings.HasPrefix(name, "etcd-") {
			continue
		}
		metrics, err := get(ctx, client, "https://127.0.0.1:"+strconv.Itoa(port)+"/metrics")
		if err != nil {
			return "", fmt.Errorf("ask %s: %w", name, err)
		}
		if strings.Contains(metrics, "\netcd_server_is_leader 1\n") {
			return name, nil
		}
	}
	return "", errors.New("no member of etcd leads")
}

func (h *hub) etcdClient() (*http.Client, error) {
	pki := filepath.Join(h.dir, "pki")
	pair, err := tls.LoadX509KeyPair(filepath.Join(pki, "etcd-client.crt"), filepath.Join(pki, "etcd-client.key"))
	if err != nil {
		return nil, fmt.Errorf("certificate for etcd: %w", err)
	}
	ca, err := os.ReadFile(filepath.Join(pki, "etcd-ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("authority of etcd: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, MinVersion: tls.VersionTLS12}}}, nil
}

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	return string(text), err
}

// meter sums the CPU time of a cluster's processes, killed ones too.
type meter struct{ first, last map[int]float64 }

func newMeter() *meter { return &meter{first: map[int]float64{}, last: map[int]float64{}} }

// follow counts what runs now from now on, and what was started since from its start.
func (m *meter) follow(ctx context.Context, h *hub) error {
	pids, err := h.pids(ctx)
	if err != nil {
		return err
	}
	begins := len(m.first) == 0
	for _, pid := range pids {
		if _, known := m.first[pid]; known {
			continue
		}
		m.first[pid] = 0
		if begins {
			m.first[pid] = cpuSeconds(ctx, pid)
		}
		m.last[pid] = m.first[pid]
	}
	return nil
}

// read looks at all that are followed; one that is gone keeps its last value.
func (m *meter) read(ctx context.Context) {
	for pid := range m.first {
		m.last[pid] = max(m.last[pid], cpuSeconds(ctx, pid))
	}
}

func (m *meter) seconds() float64 {
	sum := 0.0
	for pid, last := range m.last {
		sum += last - m.first[pid]
	}
	return sum
}

// cpuSeconds is 0 of a process that is gone.
func cpuSeconds(ctx context.Context, pid int) float64 {
	p, err := gops.NewProcessWithContext(ctx, int32(pid))
	if err != nil {
		return 0
	}
	t, err := p.TimesWithContext(ctx)
	if err != nil {
		return 0
	}
	return t.User + t.System
}
