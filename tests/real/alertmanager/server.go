package alertmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Paths of the container that the configuration names.
const (
	configPath   = "/etc/alertmanager/alertmanager.yml"
	templatesDir = "/etc/alertmanager-templates"
	secretPath   = "/etc/alertmanager-secrets/wecom-api-secret"
)

// Secret is the API secret that the stand-in for WeCom knows.
const Secret = "stand-in-secret"

// Here writes a rendered configuration, by path in the container, into a folder of
// this machine. Only its paths and the address of WeCom are changed.
func Here(dir string, files map[string]string, wecom string) (config string, err error) {
	if !strings.Contains(files[configPath], "\nglobal:\n") {
		return "", fmt.Errorf("%s is not among the files, or has no global part", configPath)
	}
	place := strings.NewReplacer(templatesDir, dir, secretPath, filepath.Join(dir, "secret"),
		"\nglobal:\n", "\nglobal:\n  wechat_api_url: "+wecom+"/cgi-bin/\n")
	written := map[string]string{"secret": Secret + "\n"}
	for path, text := range files {
		written[filepath.Base(path)] = place.Replace(text)
	}
	for name, text := range written {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write the configuration: %w", err)
		}
	}
	return filepath.Join(dir, filepath.Base(configPath)), nil
}

// Server is an Alertmanager that runs.
type Server struct {
	URL  string
	cmd  *exec.Cmd
	log  string
	done chan error
}

var listening = regexp.MustCompile(`msg="Listening on" address=(127\.0\.0\.1:\d+)`)

// Start starts an Alertmanager whose disk is a folder, on a port of its choice,
// and waits until it is ready. Without further arguments it has no peers.
func Start(ctx context.Context, program, config, dir string, args ...string) (*Server, error) {
	s := &Server{log: filepath.Join(dir, "log"), done: make(chan error, 1)}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, fmt.Errorf("start Alertmanager: %w", err)
	}
	defer log.Close()
	if len(args) == 0 {
		args = []string{"--cluster.listen-address="} // alone
	}
	s.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, append([]string{"--config.file=" + config, "--storage.path=" + filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0", "--enable-feature=utf8-strict-mode"}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Alertmanager: %w", err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	if err := s.ready(ctx); err != nil {
		words, _ := os.ReadFile(s.log)
		return nil, errors.Join(fmt.Errorf("start Alertmanager: %w: %s", err, bytes.TrimSpace(words)), s.Kill())
	}
	return s, nil
}

func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		words, err := os.ReadFile(s.log)
		if err != nil {
			return err
		}
		if m := listening.FindSubmatch(words); m != nil {
			s.URL = "http://" + string(m[1])
			if _, err := call(ctx, http.MethodGet, s.URL+"/-/ready", nil); err == nil {
				return nil
			}
		}
		select {
		case err := <-s.done:
			s.done <- err
			return fmt.Errorf("it ended: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Kill ends it as a loss of power would, and waits for it.
func (s *Server) Kill() error { return s.stop(os.Kill) }

// Stop asks it to end, and waits for it.
func (s *Server) Stop() error { return s.stop(syscall.SIGTERM) }

func (s *Server) stop(signal os.Signal) error {
	if err := s.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end Alertmanager: %w", err)
	}
	err := <-s.done
	s.done <- err // a second call finds it ended
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		return nil // by the signal
	}
	return err
}

// Alert is an alert as it is sent to the API, and as the API shows it.
type Alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Status      *AlertStatus      `json:"status,omitempty"`
}

// AlertStatus says what an Alertmanager makes of an alert.
type AlertStatus struct {
	State       string   `json:"state"`
	SilencedBy  []string `json:"silencedBy"`
	InhibitedBy []string `json:"inhibitedBy"`
}

// Send sends alerts, as Prometheus does.
func (s *Server) Send(ctx context.Context, alerts ...Alert) error {
	body, err := json.Marshal(alerts)
	if err == nil {
		_, err = call(ctx, http.MethodPost, s.URL+"/api/v2/alerts", body)
	}
	return err
}

// Alerts are all that it holds.
func (s *Server) Alerts(ctx context.Context) ([]Alert, error) {
	text, err := call(ctx, http.MethodGet, s.URL+"/api/v2/alerts", nil)
	if err != nil {
		return nil, err
	}
	var out []Alert
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("its alerts: %w", err)
	}
	return out, nil
}

// call is one request to loopback that must succeed.
func call(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, url, response.Status, text)
	}
	return text, err
}
