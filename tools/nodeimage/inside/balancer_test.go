package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// backend is a TLS server that says its name and may be ill.
func backend(t *testing.T, name string, ill *atomic.Bool) string {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" && ill.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, name)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "https://")
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// writeFiles writes what kind would, the way it does: beside, then moved.
func writeFiles(t *testing.T, dir string, port int, backends ...string) {
	t.Helper()
	cds := "resources:\n- load_assignment:\n    endpoints:\n    - lb_endpoints:\n"
	for _, b := range backends {
		host, p, err := net.SplitHostPort(b)
		if err != nil {
			t.Fatal(err)
		}
		cds += fmt.Sprintf("      - endpoint: {address: {socket_address: {address: %q, port_value: %s}}}\n", host, p)
	}
	lds := fmt.Sprintf("resources:\n- address: {socket_address: {address: 127.0.0.1, port_value: %d}}\n", port)
	for name, text := range map[string]string{"cds.yaml": cds, "lds.yaml": lds} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path+".tmp", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".tmp", path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBalancerFollowsItsConfigurationAndHealth(t *testing.T) {
	t.Parallel()
	var illA, illB atomic.Bool
	a, b := backend(t, "a", &illA), backend(t, "b", &illB)
	dir, port := t.TempDir(), freePort(t)
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		if err := newBalancer(dir, log.New(io.Discard, "", 0)).serve(ctx); err != nil {
			t.Error(err)
		}
	})
	defer work.Wait()
	defer cancel()
	client := &http.Client{Timeout: 5 * time.Second, Transport: newBalancer(dir, nil).client.Transport}
	ask := func() string {
		answer, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/", port))
		if err != nil {
			return ""
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			return ""
		}
		return string(text)
	}
	until := func(what string, want map[string]bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			seen := map[string]bool{}
			for range 6 {
				seen[ask()] = true
			}
			if fmt.Sprint(seen) == fmt.Sprint(want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: answers come from %v, want %v", what, seen, want)
			}
		}
	}
	until("nothing is configured", map[string]bool{"": true})
	writeFiles(t, dir, port, a)
	until("one backend", map[string]bool{"a": true})
	writeFiles(t, dir, port, a, b, fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	until("two backends, and one that is not there", map[string]bool{"a": true, "b": true})
	illA.Store(true)
	until("one is ill", map[string]bool{"b": true})
	illB.Store(true)
	until("all are ill: then any is tried", map[string]bool{"a": true, "b": true})
}

func TestHalfClose(t *testing.T) {
	t.Parallel()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { // answers only when the client has said all
		conn, err := server.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		said, err := io.ReadAll(conn)
		if err != nil {
			t.Error(err)
		}
		_, _ = conn.Write(bytes.ToUpper(said))
	})
	b := newBalancer(t.TempDir(), log.New(io.Discard, "", 0))
	b.set(config{backends: []string{server.Addr().String()}})
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	work.Go(func() { b.accept(ctx, front) })
	defer cancel()
	conn, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "HELLO" {
		t.Errorf("answer %q, %v", got, err)
	}
}
