package p95

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
	"strconv"
	"strings"
	"time"
)

const (
	startLimit = time.Minute
	maxAnswer  = 64 << 20
	ticks      = 100 // a second: the unit of CPU times in /proc
)

// server is a Prometheus that scrapes nothing and keeps what it has.
type server struct {
	program, dir, addr string
	client             http.Client
	cmd                *exec.Cmd
	log                bytes.Buffer
	done               chan error
}

func newServer(ctx context.Context, program, dir string) (*server, error) {
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte("global: {}\n"), 0o600); err != nil {
		return nil, fmt.Errorf("the server's configuration: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a port for the server: %w", err)
	}
	s := &server{program: program, dir: dir, addr: l.Addr().String(), client: http.Client{Timeout: 2 * time.Minute}}
	return s, l.Close()
}

// data is the folder of its blocks.
func (s *server) data() string { return filepath.Join(s.dir, "data") }

// start starts it on the blocks it has, and waits until it is ready.
func (s *server) start(ctx context.Context) error {
	s.log.Reset()
	s.cmd = exec.CommandContext(ctx, s.program, "--config.file="+filepath.Join(s.dir, "prometheus.yml"), "--storage.tsdb.path="+s.data(),
		"--storage.tsdb.retention.time=50y", "--web.listen-address="+s.addr, "--log.level=warn")
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.dir, &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("starting Prometheus: %w", err)
	}
	s.done = make(chan error, 1)
	go func() { s.done <- s.cmd.Wait() }()
	tick, limit := time.NewTicker(100*time.Millisecond), time.NewTimer(startLimit)
	defer tick.Stop()
	defer limit.Stop()
	for {
		select {
		case err := <-s.done:
			s.cmd = nil
			return fmt.Errorf("the server ended: %w: %s", err, s.log.String())
		case <-limit.C:
			return errors.Join(fmt.Errorf("the server is not ready after %s", startLimit), s.stop())
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), s.stop())
		case <-tick.C:
			if _, err := s.get(ctx, "/-/ready", nil); err == nil {
				return nil
			}
		}
	}
}

// stop ends it and waits for its end. Nothing it holds is lost: it took nothing.
func (s *server) stop() error {
	if s.cmd == nil {
		return nil
	}
	err := s.cmd.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-s.done //nolint:errcheck // it was killed
	s.cmd = nil
	return err
}

func (s *server) get(ctx context.Context, path string, values url.Values) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+path+"?"+values.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("asking Prometheus: %w", err)
	}
	answer, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking Prometheus: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.300s", answer.Status, text)
	}
	if err != nil {
		return nil, fmt.Errorf("asking Prometheus: %w", err)
	}
	return text, nil
}

// answer is one series over the asked time, and how many samples were read for it.
type answer struct {
	values  []float64
	samples float64
}

// query asks for an expression over hours, a value a step.
func (s *server) query(ctx context.Context, expr string, hours int) (answer, error) {
	text, err := s.get(ctx, "/api/v1/query_range", url.Values{"query": {expr}, "stats": {"all"}, "step": {strconv.Itoa(step)},
		"start": {strconv.Itoa(begin + 600)}, "end": {strconv.Itoa(begin + hours*3600)}})
	if err != nil {
		return answer{}, err
	}
	var a struct {
		Data struct {
			Result []struct {
				Values [][2]any `json:"values"`
			} `json:"result"`
			Stats struct {
				Samples struct {
					Total float64 `json:"totalQueryableSamples"`
				} `json:"samples"`
			} `json:"stats"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return answer{}, fmt.Errorf("the answer to %s: %w", expr, err)
	}
	if len(a.Data.Result) != 1 {
		return answer{}, fmt.Errorf("%s gives %d series; one is expected", expr, len(a.Data.Result))
	}
	out := answer{samples: a.Data.Stats.Samples.Total}
	for _, v := range a.Data.Result[0].Values {
		text, _ := v[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return answer{}, fmt.Errorf("the answer to %s: %w", expr, err)
		}
		out.values = append(out.values, value)
	}
	return out, nil
}

// cpu is the CPU time that the server has used since it started, in seconds.
func (s *server) cpu() (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "stat"))
	if err != nil {
		return 0, fmt.Errorf("the server's CPU time: %w", err)
	}
	// The name in brackets may hold blanks; utime and stime are the 12th and 13th after it.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, errors.New("the server's CPU time: its file in /proc is too short")
	}
	sum := 0.0
	for _, f := range fields[11:13] {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return 0, fmt.Errorf("the server's CPU time: %w", err)
		}
		sum += n
	}
	return sum / ticks, nil
}
