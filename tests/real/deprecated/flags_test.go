//go:build real

package deprecated_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/cluster/kind"
	"dualtrack.internal/platform/tool"
	"dualtrack.internal/tests/real/rendered"
)

// flagged is what programs of Kubernetes say of flags and gates that go away, and
// of those that nobody knows, whatever they are asked for beside.
var flagged = regexp.MustCompile(`(?i)has been deprecated.*|unknown flag.*|unrecognized feature gate.*|Setting (?:GA|deprecated) feature gate.*|not a valid.*|invalid argument.*`)

// TestControlPlaneFlags gives every cluster's flags to the very programs.
func TestControlPlaneFlags(t *testing.T) {
	t.Parallel()
	programs := rendered.Programs(t, tool.ControlPlane, tool.Etcd)
	ask := func(program string, args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out, _ := exec.CommandContext(ctx, programs[tool.ControlPlane], slices.Concat([]string{program}, args, []string{"--version"})...).CombinedOutput()
		if said := flagged.FindString(string(out)); said != "" {
			return said
		}
		if !strings.HasPrefix(string(out), "Kubernetes v") {
			return string(out)
		}
		return ""
	}
	for arg, want := range map[string]string{
		"--default-watch-cache-size=5":    "has been deprecated, watch caches",
		"--evnt-ttl=1h":                   "unknown flag: --evnt-ttl",
		"--feature-gates=NoSuchGate=true": "NoSuchGate",
		"--event-ttl=one":                 "invalid argument",
	} {
		if said := ask("kube-apiserver", arg); !strings.Contains(said, want) {
			t.Errorf("%s: it says %q, want %q", arg, said, want)
		}
	}
	ownWords := paragraphs(t, programs[tool.Etcd], "--help")
	asked := map[string]bool{}
	for name, files := range nodes(t) {
		for program, flags := range extraArgs(t, string(files[slices.IndexFunc(files, isInit)].Data)) {
			key := program + strings.Join(flags, " ")
			if asked[key] {
				continue
			}
			asked[key] = true
			if program == "etcd" {
				for _, flag := range flags {
					judgeFlag(t, name+" etcd", flag, ownWords)
				}
			} else if said := ask(program, flags...); said != "" {
				t.Errorf("%s: %s %v: %s", name, program, flags, said)
			}
		}
	}
	t.Logf("%d different command lines", len(asked))
	if len(asked) < 4 {
		t.Errorf("only %d command lines were found", len(asked))
	}
}

func isInit(f kind.File) bool { return f.Path == "kubeadm-init.yaml" }

// extraArgs are the flags of a kubeadm configuration by program.
func extraArgs(t *testing.T, text string) map[string][]string {
	t.Helper()
	type part struct {
		ExtraArgs map[string]string `json:"extraArgs"`
	}
	out := map[string][]string{}
	for _, document := range strings.Split(text, "\n---\n") {
		var c struct {
			APIServer         part                 `json:"apiServer"`
			ControllerManager part                 `json:"controllerManager"`
			Scheduler         part                 `json:"scheduler"`
			Etcd              struct{ Local part } `json:"etcd"`
		}
		if err := yaml.Unmarshal([]byte(document), &c); err != nil {
			t.Fatal(err)
		}
		for program, p := range map[string]part{
			"kube-apiserver": c.APIServer, "kube-controller-manager": c.ControllerManager, "kube-scheduler": c.Scheduler, "etcd": c.Etcd.Local,
		} {
			for name, value := range p.ExtraArgs {
				out[program] = append(out[program], "--"+name+"="+value)
			}
			slices.Sort(out[program])
		}
	}
	return out
}

var flagLine = regexp.MustCompile(`^\s{0,10}(?:-\w, )?-{1,2}(?:\[no-\])?([a-zA-Z][a-zA-Z0-9._-]*)`)

// paragraphs are what a program's help says of each flag.
func paragraphs(t *testing.T, program string, args ...string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, _ := exec.CommandContext(ctx, program, args...).CombinedOutput() // some end with 1 or 2 on their help
	words, now := map[string]string{}, ""
	for line := range strings.Lines(string(out)) {
		if m := flagLine.FindStringSubmatch(line); m != nil {
			now = m[1]
		}
		if now != "" {
			words[now] += line
		}
	}
	if len(words) < 2 {
		t.Fatalf("%s %v: no flags in %q", filepath.Base(program), args, out)
	}
	return words
}

// judgeFlag holds that the program's help knows the flag, and its value, and calls
// neither deprecated.
func judgeFlag(t *testing.T, who, arg string, words map[string]string) {
	t.Helper()
	name, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	switch text, known := words[name]; {
	case !known:
		t.Errorf("%s: there is no flag %s", who, arg)
	case oldFlag(name, value, text):
		t.Errorf("%s: %s is deprecated: %s", who, arg, strings.Join(strings.Fields(text), " "))
	}
}

// oldFlag reads a paragraph of help: the flag is deprecated, or one of its values.
func oldFlag(name, value, text string) bool {
	text = strings.Join(strings.Fields(text), " ")
	if strings.Contains(text, "[DEPRECATED]") || name != "enable-feature" && says.MatchString(text) {
		return true
	}
	for _, one := range strings.Split(value, ",") {
		if one != "" && (strings.Contains(text, one+" (DEPRECATED)") || strings.Contains(text, one+" (deprecated)")) {
			return true
		}
	}
	return false
}

// TestWorkloadFlags judges the arguments of every cluster's workloads.
func TestWorkloadFlags(t *testing.T) {
	t.Parallel()
	readers := map[string]string{"prometheus": tool.Prometheus, "alertmanager": tool.Alertmanager, "otel-collector": "otelcol", "jaeger": "jaeger"}
	programs := rendered.Programs(t, tool.Prometheus, tool.Alertmanager, "otelcol", "jaeger")
	for image, program := range readers {
		words, judged := paragraphs(t, programs[program], "--help"), map[string]bool{}
		for _, s := range rendered.Subjects(t, image) {
			for _, arg := range s.Args {
				if strings.HasPrefix(arg, "-") && !judged[arg] {
					judged[arg] = true
					judgeFlag(t, s.Cluster+" "+image, arg, words)
				}
			}
		}
		t.Logf("%s: %d arguments", image, len(judged))
		if len(judged) == 0 {
			t.Errorf("%s has no arguments", image)
		}
	}
	words := paragraphs(t, programs[tool.Prometheus], "--help")
	for arg, want := range map[string]bool{
		"storage.tsdb.retention=15d": true, "enable-feature=remote-write-receiver": true,
		"enable-feature=expand-external-labels": false, "storage.tsdb.retention.time=15d": false,
	} {
		name, value, _ := strings.Cut(arg, "=")
		if got := oldFlag(name, value, words[name]); got != want || words[name] == "" {
			t.Errorf("%s is deprecated: %t, want %t", arg, got, want)
		}
	}
}

var oldWords = regexp.MustCompile(`(?i).*\bdeprecated\b.*`)

// TestCollectorStartsWithoutAWord has the collector build every pipeline, which is
// where it says that a name is deprecated; its check alone does not. Its addresses
// are nobody's, so that it ends before it listens.
func TestCollectorStartsWithoutAWord(t *testing.T) {
	t.Parallel()
	program, subjects := rendered.Configurations(t, "otelcol", "otel-collector")
	started := map[string]bool{}
	for _, s := range subjects {
		for _, arg := range s.Args {
			file, ok := strings.CutPrefix(arg, "--config=")
			if text := s.Files[file]; ok && !started[text] {
				started[text] = true
				if said := startWords(t, program, text, s.Env); said != "" {
					t.Errorf("%s %s: %s", s.Cluster, s.Name, said)
				}
				alias := strings.ReplaceAll(text, "otlp_http", "otlphttp")
				if alias == text {
					continue
				}
				if said := startWords(t, program, alias, s.Env); !strings.Contains(said, `"otlphttp" alias is deprecated`) {
					t.Errorf("%s: with a deprecated name the collector says %q", s.Cluster, said)
				}
			}
		}
	}
	t.Logf("%d configurations", len(started))
	if len(started) < 3 {
		t.Errorf("only %d configurations were found", len(started))
	}
}

// startWords starts the collector until its pipelines are built, and gives what it
// said of anything deprecated.
func startWords(t *testing.T, program, config string, env map[string]string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// Its own metrics would listen while the pipelines are built.
	cmd := exec.CommandContext(ctx, program, "--config="+file, "--set=service.telemetry.metrics.level=none")
	for name, value := range env {
		if name != "GOMEMLIMIT" && name != "POD_IP" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.Env = append(cmd.Env, "POD_IP=192.0.2.1") // of documentation, never this machine's
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, built, all := "", false, ""
	for lines := bufio.NewScanner(out); !built && lines.Scan(); {
		all += lines.Text() + "\n"
		said += oldWords.FindString(lines.Text())
		built = strings.Contains(lines.Text(), "Starting otelcol")
	}
	cancel()
	_ = cmd.Wait() // it was ended
	if !built {
		t.Fatalf("the collector did not build its pipelines:\n%s", all)
	}
	return said
}
