//go:build linux

package embedded_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/clustertest"
	"dualtrack.internal/platform/tool"
)

// fairness applies component api-fairness and asks as its service accounts: the
// API server says which schema a request fell under.
func fairness(t *testing.T, access cluster.Access) {
	client := clustertest.Client(t, access)
	uids := map[string]string{}
	for _, file := range []string{"network.yaml", "observers.yaml"} {
		text, err := os.ReadFile(filepath.Join(clustertest.Root(t), "components", "api-fairness", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range strings.Split(string(text), "\n---\n") {
			create(t, client, access.Config.Host, doc, uids)
		}
	}
	for account, want := range map[string]string{
		"cilium:cilium": "network", "node-agents:otel-agent": "observers", "observability:prometheus": "observers",
		"kube-system:replicaset-controller": "", // keeps what Kubernetes gives it
	} {
		for deadline := time.Now().Add(time.Minute); ; pause(t, 200*time.Millisecond) { // the server learns of schemas as of anything
			got := schemaOf(t, client, access.Config.Host, "system:serviceaccount:"+account)
			if got == uids[want] || want == "" && got != uids["network"] && got != uids["observers"] {
				break
			}
			if time.Now().After(deadline) {
				t.Errorf("%s falls under %s, want %s (%v)", account, got, want, uids)
				break
			}
		}
	}
}

// create makes an object of the API of flows, and notes a schema's UID.
func create(t *testing.T, client *http.Client, host, doc string, uids map[string]string) {
	t.Helper()
	var object struct {
		Kind     string
		Metadata struct{ Name, UID string }
	}
	if err := yaml.Unmarshal([]byte(doc), &object); err != nil {
		t.Fatal(err)
	}
	body, err := yaml.YAMLToJSON([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	path := host + "/apis/flowcontrol.apiserver.k8s.io/v1beta3/" + strings.ToLower(object.Kind) + "s?fieldValidation=Strict"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusCreated || resp.Header.Get("Warning") != "" {
		t.Fatalf("%s %s: %s, warning %q, %v: %s", object.Kind, object.Metadata.Name, resp.Status, resp.Header.Get("Warning"), err, answer)
	}
	if object.Kind != "FlowSchema" {
		return
	}
	if err := yaml.Unmarshal(answer, &object); err != nil {
		t.Fatal(err)
	}
	uids[object.Metadata.Name] = object.Metadata.UID
}

func schemaOf(t *testing.T, client *http.Client, host, user string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, host+"/api/v1/namespaces/default/pods?limit=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Impersonate-User", user)
	req.Header.Set("Impersonate-Group", "system:serviceaccounts")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get("X-Kubernetes-PF-FlowSchema-UID")
}

// deprecated looks for what the programs of Kubernetes say of their flags.
func deprecated(t *testing.T, root string) {
	says := regexp.MustCompile(`(?i)flag --\S+ has been deprecated.*`)
	logs, err := filepath.Glob(filepath.Join(root, "logs", "kube-*.log"))
	if err != nil || len(logs) < 3 {
		t.Fatalf("logs are %v, %v", logs, err)
	}
	for _, log := range logs {
		text, err := os.ReadFile(log)
		if err != nil || len(text) == 0 {
			t.Fatalf("%s: %d bytes, %v", log, len(text), err)
		}
		for _, line := range says.FindAllString(string(text), -1) {
			t.Errorf("%s: %s", filepath.Base(log), line)
		}
	}
}

// TestGates gives etcd each gate beside the flag that it replaced, which the
// catalog refuses: etcd must not take both.
func TestGates(t *testing.T) {
	t.Parallel()
	programs, err := clustertest.Programs(t)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for flag, gate := range catalog.EtcdGates() {
		cmd := exec.CommandContext(t.Context(), programs[tool.Etcd], "--data-dir="+t.TempDir(), "--"+flag+"=true", "--feature-gates="+gate+"=true")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "cannot specify both flags") {
			t.Errorf("--%s beside the gate %s: %v\n%s", flag, gate, err, out)
		}
	}
}
