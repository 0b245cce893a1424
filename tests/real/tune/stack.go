package tune

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"dualtrack.internal/platform/etcdbench"
	"dualtrack.internal/platform/tool"
)

const (
	startLimit = time.Minute
	maxAnswer  = 16 << 20
)

// The load: keys that are written again and again, and compacted.
const (
	Workload = "revisions"
	Clients  = 32
	Size     = 512
	// Tight is a GOGC that makes etcd collect all the time.
	Tight = 20
)

// Programs builds what is run, or finds it built, by name.
func Programs(ctx context.Context, root string) (map[string]string, error) {
	store, err := tool.New(tool.Config{ToolsDir: filepath.Join(root, "tools"), Programs: tool.Programs("v0.0.0"), Named: tool.CheckPrograms()})
	if err != nil {
		return nil, err
	}
	return store.Ensure(ctx, []string{tool.Etcd, tool.EtcdOps, tool.Prometheus}, tool.Events{})
}

// Busy loads a member until it is stopped. What went wrong is what stop returns.
func Busy(ctx context.Context, ops, endpoint string) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if _, err := etcdbench.Load(ctx, ops, []string{endpoint}, Workload, Clients, 20_000, Size, true); err != nil && ctx.Err() == nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	return func() error { cancel(); return <-ended }
}

// Prometheus is a real server that scrapes a member each second and has the
// shipped rules of etcd, hastened.
type Prometheus struct {
	URL    string
	cmd    *exec.Cmd
	log    bytes.Buffer
	done   chan struct{}
	client http.Client
}

// minute is a length of time in rules.
const minute = `\b(\d+)([mh])\b`

// hasten makes every minute of the rules a second, and an hour a minute, so that
// what takes an hour to see is seen in one minute. Thresholds stay.
func hasten(rules string) string {
	return regexp.MustCompile(minute).ReplaceAllStringFunc(rules, func(text string) string {
		return strings.NewReplacer("m", "s", "h", "m").Replace(text)
	})
}

// Watch starts a Prometheus below dir that watches a member, with the rules of the
// repository at root. Stop must be called.
func Watch(ctx context.Context, program, root, target, dir string) (*Prometheus, error) {
	rules, err := os.ReadFile(filepath.Join(root, "components", "prometheus", "base", "rules", "etcd.yaml"))
	if err != nil {
		return nil, err
	}
	config := `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [etcd.yaml]
scrape_configs:
  - job_name: etcd
    static_configs: [{targets: ["` + strings.TrimPrefix(target, "http://") + `"]}]
`
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "etcd.yaml"), []byte(hasten(string(rules))), 0o600),
		os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600)); err != nil {
		return nil, fmt.Errorf("the configuration of Prometheus: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a port for Prometheus: %w", err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, fmt.Errorf("a port for Prometheus: %w", err)
	}
	p := &Prometheus{URL: "http://" + addr, done: make(chan struct{}), client: http.Client{Timeout: 30 * time.Second}}
	// Not ended with a context: Stop ends it and waits.
	p.cmd = exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"), //nolint:noctx // see above
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Prometheus: %w", err)
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }() // how it ended stands in its log
	if err := p.ready(ctx); err != nil {
		p.Stop()
		return nil, fmt.Errorf("start Prometheus: %w: %s", err, p.Words())
	}
	return p, nil
}

func (p *Prometheus) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := p.get(ctx, "/-/ready"); err == nil {
			return nil
		}
		select {
		case <-p.done:
			return errors.New("it ended")
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Stop ends the server and waits for it.
func (p *Prometheus) Stop() {
	_ = p.cmd.Process.Kill() // one that is gone is what is wanted
	<-p.done
}

// Words are the last that the server said; it must be stopped.
func (p *Prometheus) Words() string {
	text := p.log.Bytes()
	return string(bytes.TrimSpace(text[max(0, len(text)-2000):]))
}

func (p *Prometheus) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	answer, err := p.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.300s", answer.Status, text)
	}
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %s: %w", path, err)
	}
	return text, nil
}

// Firing are the names of the alerts that fire.
func (p *Prometheus) Firing(ctx context.Context) ([]string, error) {
	var a struct {
		Data struct {
			Alerts []struct {
				Labels map[string]string
				State  string
			}
		}
	}
	text, err := p.get(ctx, "/api/v1/alerts")
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		return nil, fmt.Errorf("alerts that fire: %w", err)
	}
	var names []string
	for _, alert := range a.Data.Alerts {
		if alert.State == "firing" {
			names = append(names, alert.Labels["alertname"])
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Value is the one series of an expression, "nothing" when there is none.
func (p *Prometheus) Value(ctx context.Context, expr string) (string, error) {
	var a struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	text, err := p.get(ctx, "/api/v1/query?query="+url.QueryEscape(expr))
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", expr, err)
	}
	if len(a.Data.Result) == 0 {
		return "nothing", nil
	}
	return fmt.Sprint(a.Data.Result[0].Value[1]), nil
}
