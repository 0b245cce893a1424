// Package etcdbench measures real etcd members, processes of this machine that
// write to disk as in production, under load: memory, CPU, and what each put
// costs. It never touches a cluster of the fleet.
package etcdbench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	startLimit = 30 * time.Second
	stopGrace  = 10 * time.Second
	maxAnswer  = 8 << 20
)

// Setting is how members are started.
type Setting struct {
	Binary string   // the etcd program
	Flags  []string // beside addresses and data
	Env    []string // NAME=value
}

// Cluster is a set of members that run.
type Cluster struct {
	Endpoints []string // URLs for clients
	members   []*member
}

type member struct {
	name, client, peer string
	cmd                *exec.Cmd
	log                *bytes.Buffer
	done               chan struct{} // closed at its end
	end                error         // how it ended, once done
	ended              bool
	began              time.Time
}

var errEnded = errors.New("exit status 0")

// Start starts one member or three with their data below dir and waits until all
// are healthy. Stop must be called.
func Start(ctx context.Context, s Setting, members int, dir string) (*Cluster, error) {
	c := &Cluster{}
	var initial []string
	for i := range members {
		client, err := freeAddress(ctx)
		peer, err2 := freeAddress(ctx)
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		m := &member{name: fmt.Sprintf("m%d", i+1), client: "http://" + client, peer: "http://" + peer, log: &bytes.Buffer{}}
		c.members = append(c.members, m)
		c.Endpoints = append(c.Endpoints, m.client)
		initial = append(initial, m.name+"="+m.peer)
	}
	for _, m := range c.members {
		if err := m.start(s, strings.Join(initial, ","), filepath.Join(dir, m.name)); err != nil {
			return nil, errors.Join(err, c.Stop())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for _, m := range c.members {
		if err := m.healthy(ctx); err != nil {
			return nil, errors.Join(err, c.Stop())
		}
	}
	return c, nil
}

// freeAddress is a port of loopback that nobody has yet.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }() // it held the port only to learn it
	return l.Addr().String(), nil
}

func (m *member) start(s Setting, initial, data string) error {
	args := append([]string{
		"--name", m.name, "--data-dir", data, "--initial-cluster", initial,
		"--listen-client-urls", m.client, "--advertise-client-urls", m.client,
		"--listen-peer-urls", m.peer, "--initial-advertise-peer-urls", m.peer,
		"--log-level", "error", "--enable-pprof",
	}, s.Flags...)
	// Not ended with a context: Stop ends and waits for it.
	m.cmd = exec.Command(s.Binary, args...) //nolint:noctx // see above
	m.cmd.Env = append(os.Environ(), s.Env...)
	m.cmd.Stdout, m.cmd.Stderr = m.log, m.log
	ownSession(m.cmd)
	m.began = time.Now()
	if err := m.cmd.Start(); err != nil {
		m.cmd = nil
		return fmt.Errorf("start %s: %w", s.Binary, err)
	}
	m.done = make(chan struct{})
	go func() { // Stop waits for it
		defer close(m.done)
		m.end = m.cmd.Wait()
	}()
	return nil
}

func (m *member) healthy(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if text, err := fetch(ctx, m.client+"/health"); err == nil && bytes.Contains(text, []byte(`"health":"true"`)) {
			return nil
		}
		select {
		case <-m.done:
			m.ended = true
			return fmt.Errorf("etcd member %s ended before it served: %w: %s", m.name, cmp.Or(m.end, errEnded), lastLine(m.log.String()))
		case <-ctx.Done():
			return fmt.Errorf("etcd member %s is not healthy: %w", m.name, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// Stop ends every member and waits for it.
func (c *Cluster) Stop() error {
	for _, m := range c.members {
		if m.cmd != nil && !m.ended {
			_ = m.cmd.Process.Signal(os.Interrupt) // one that is gone is what is wanted
		}
	}
	for _, m := range c.members {
		if m.cmd != nil && !m.ended {
			m.wait()
		}
	}
	return nil
}

// Kill ends one member as a loss of power would, and waits for it.
func (c *Cluster) Kill(i int) {
	m := c.members[i]
	_ = m.cmd.Process.Kill() // one that is gone is what is wanted
	<-m.done
	m.ended = true
}

func (m *member) wait() {
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-m.done:
	case <-grace.C:
		_ = m.cmd.Process.Kill() // the wait below sees its end
		<-m.done
	}
	m.ended = true
}

// fetch is one bounded answer of a member.
func fetch(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	defer func() { _ = answer.Body.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", answer.StatusCode)
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	return text, nil
}
