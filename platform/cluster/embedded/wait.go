package embedded

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// probeTimeout bounds one question to one program.
const probeTimeout = 3 * time.Second

// await waits until programs do their work. A program of the cluster that ends
// meanwhile ends the waiting at once.
func (s *starter) await(ctx context.Context, procs []process) error {
	pending := slices.Clone(procs)
	return s.until(ctx, func(ctx context.Context) (string, error) {
		var last error
		pending = slices.DeleteFunc(pending, func(proc process) bool {
			err := s.probes.ask(ctx, proc.probe)
			if err != nil {
				last = err
			}
			return err == nil
		})
		if len(pending) == 0 {
			return "", nil
		}
		return pending[0].name, last
	})
}

// until asks done, at once and then each poll, until it has no error. What is
// waited for is done's first answer.
func (s *starter) until(ctx context.Context, done func(context.Context) (waiting string, err error)) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if err := s.checkAlive(); err != nil {
			return err
		}
		waiting, err := done(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return s.ended(ctx, waiting, err)
		case <-tick.C:
		}
	}
}

// ended says why waiting ended: the provider's limit, or the caller.
func (s *starter) ended(ctx context.Context, waiting string, last error) error {
	if cause := context.Cause(ctx); !errors.Is(cause, errTooLong) {
		return fmt.Errorf("cluster %s: waiting for %s: %w", s.l.name, waiting, cause)
	}
	return &TimeoutError{Cluster: s.l.name, Waiting: waiting, Limit: s.p.cfg.ReadyTimeout, Last: last}
}

// checkAlive reports a started program that ended or was stopped.
func (s *starter) checkAlive() error {
	for _, proc := range s.procs {
		lv, runs := s.running[proc.name]
		if !runs {
			continue
		}
		switch alive, stopped := lv.alive(); {
		case !alive:
			return s.p.exitError(s.l, proc, lv.pid)
		case stopped:
			return &StoppedError{Cluster: s.l.name, Program: proc.name, PID: lv.pid}
		}
	}
	return nil
}

// probes asks programs with the cluster's own certificates.
type probes struct {
	clients map[string]*http.Client // by name of the client certificate; "" without one
}

func (l layout) newProbes() (*probes, error) {
	p := &probes{clients: map[string]*http.Client{}}
	for _, id := range []struct{ cert, ca string }{{"", clusterCA}, {"provider", clusterCA}, {"etcd-client", etcdCA}} {
		cfg, err := l.tlsConfig(id.cert, id.ca)
		if err != nil {
			return nil, err
		}
		p.clients[id.cert] = &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: true}}
	}
	cfg, err := l.tlsConfig("provider", clusterCA)
	if err != nil {
		return nil, err
	}
	cfg.ServerName = apiServerName
	p.clients[gatewayName] = &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: true}}
	return p, nil
}

func (l layout) tlsConfig(cert, ca string) (*tls.Config, error) {
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(l.pki(ca + ".crt"))
	if err != nil {
		return nil, storage("read a certificate", l.root, err)
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", l.pki(ca+".crt"))
	}
	cfg := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(l.pki(cert+".crt"), l.pki(cert+".key"))
		if err != nil {
			return nil, fmt.Errorf("certificate %s: %w", cert, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// ask passes when the answer's status is 200. The body of a failing answer of
// Kubernetes lists parts that are "ok" too, so the status decides; etcd's names
// its health besides.
func (p *probes) ask(ctx context.Context, q probe) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, q.url, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", q.url, err)
	}
	resp, err := p.clients[q.client].Do(req)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return fmt.Errorf("ask %s: %w", q.url, err)
	}
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), q.body) {
		return fmt.Errorf("%s answers %s: %s", q.url, resp.Status, strings.TrimSpace(string(body[:min(500, len(body))])))
	}
	return nil
}

func (p *probes) close() {
	for _, c := range p.clients {
		c.CloseIdleConnections()
	}
}
