package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const goodOrder = `{"customer":"c-1","items":[{"sku":"tea","quantity":2,"priceMinor":350},{"sku":"cup","quantity":1,"priceMinor":1299}]}`

// lines collects a program's log; it is read while the program writes.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func environ(pairs ...string) func(string) string {
	values := map[string]string{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	return func(name string) string { return values[name] }
}

// newTestService is a service without a collector, in an environment.
func newTestService(t *testing.T, pairs ...string) *service {
	t.Helper()
	cfg, err := configFrom(environ(append([]string{"SITE=osaka", "CURRENCY=JPY"}, pairs...)...))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider()
	s, err := newService(cfg, provider, newMetrics(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.model != nil {
			s.model.client.CloseIdleConnections()
		}
	})
	return s
}

// call sends one request to a handler, and gives the answer's code and body.
func call(t *testing.T, h http.Handler, method, path, body string) (int, string) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	return rec.Code, rec.Body.String()
}

// program is the program in this process, on ports of its own.
type program struct {
	orders, metrics string // base addresses
	log             *lines
	stop            context.CancelFunc
	done            chan int
}

// start runs the program as main does and waits until it answers.
func start(t *testing.T, pairs ...string) *program {
	t.Helper()
	orders, metrics := freeAddress(t), freeAddress(t)
	p := &program{orders: "http://" + orders, metrics: "http://" + metrics, log: &lines{}, done: make(chan int, 1)}
	env := environ(append([]string{
		"SITE=osaka", "CURRENCY=JPY", "LISTEN_ADDRESS=" + orders, "METRICS_ADDRESS=" + metrics, "SHUTDOWN_DELAY=10ms",
	}, pairs...)...)
	var ctx context.Context
	ctx, p.stop = context.WithCancel(t.Context())
	go func() { p.done <- run(ctx, env, p.log) }()
	t.Cleanup(func() {
		p.stop()
		http.DefaultClient.CloseIdleConnections()
	})
	eventually(t, "the program answers", func() bool {
		code, _, err := send(t, http.MethodGet, p.metrics+"/metrics", "")
		return err == nil && code == http.StatusOK
	})
	return p
}

// code waits for the program's end.
func (p *program) code(t *testing.T) int {
	t.Helper()
	select {
	case code := <-p.done:
		return code
	case <-time.After(20 * time.Second):
		t.Fatalf("the program does not end; its log:\n%s", p.log)
		return -1
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

func send(t *testing.T, method, url, body string, headers ...string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(text), err
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("in vain waited: %s", what)
}

func parse[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(fmt.Errorf("%q: %w", text, err))
	}
	return v
}
