package validate

import (
	"regexp"
	"strings"
)

// Checkers are the readers of configurations that the distribution knows.
func Checkers() []Checker {
	return []Checker{
		{Name: "alertmanager", How: ByProgram, Images: []string{"alertmanager"}, judge: program{
			flags: []string{"--config.file"},
			args: func(files []string) []string {
				return append([]string{"--enable-feature=utf8-strict-mode", "check-config"}, files...)
			},
			accept: amtoolCounts,
		}},
		{Name: "cilium", How: ByLibrary, Images: []string{"cilium", "cilium-operator"}, Groups: []string{"cilium.io"}, judge: library{}},
		{Name: "dashboards", How: ByLibrary, Images: []string{"grafana", "prometheus"}, judge: library{}},
		{Name: "envoy", How: ByLibrary, Images: []string{"envoy"}, judge: library{}},
		{Name: "etcd", How: ByProgram, judge: etcdFlags{}},
		{Name: "etcdops", How: ByProgram, Images: []string{"etcdops"}, judge: library{args: []string{"judge"}}},
		{Name: "jaeger", How: ByProgram, Images: []string{"jaeger"}, judge: program{
			flags: []string{"--config"},
			args:  validateArgs,
		}},
		{Name: "kube-apiserver", How: ByLibrary, judge: library{args: []string{"judge"}}},
		{Name: "kubeadm", How: ByProgram, judge: program{
			flags:   []string{"--config"},
			version: []string{"kubeadm", "version", "-o", "short"},
			args:    func(files []string) []string { return []string{"kubeadm", "config", "validate", "--config", files[0]} },
		}},
		{Name: "kubelet", How: ByLibrary, judge: library{args: []string{"judge"}}},
		{Name: "otelcol", How: ByProgram, Images: []string{"otel-collector"}, judge: program{
			flags: []string{"--config"},
			args:  validateArgs,
		}},
		{Name: "promtool", How: ByProgram, Images: []string{"prometheus"}, judge: program{
			major:  "2", // of a module whose own major number is 0
			flags:  []string{"--config.file"},
			args:   func(files []string) []string { return append([]string{"check", "config"}, files...) },
			accept: ruleCounts,
		}},
	}
}

// Readers are the programs that the checkers need, by the checker's name, where
// the two differ.
func Readers() map[string]string {
	return map[string]string{"alertmanager": "amtool", "kube-apiserver": "node", "kubeadm": "node", "kubelet": "node"}
}

// validateArgs is how programs made of the collector check a configuration.
func validateArgs(files []string) []string {
	out := []string{"validate"}
	for _, f := range files {
		out = append(out, "--config="+f)
	}
	return out
}

var amtoolFound = regexp.MustCompile(`\d+ (?:inhibit rules|receivers|templates)`)

// amtoolCounts are amtool's words on what it found.
func amtoolCounts(out string) []string { return amtoolFound.FindAllString(out, -1) }

var rules = regexp.MustCompile(`\d+ rules found`)

// ruleCounts are promtool's words on the files of rules.
func ruleCounts(out string) []string {
	var lines []string
	for _, one := range rules.FindAllString(out, -1) {
		lines = append(lines, strings.TrimSuffix(one, " found"))
	}
	return lines
}
