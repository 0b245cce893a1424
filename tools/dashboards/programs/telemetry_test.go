package programs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHere(t *testing.T) {
	t.Parallel()
	const text = "endpoint: ${env:POD_IP}:4317\nport: 8888\npath: /var/lib/otel/queue\nkey: x\n    tls:\n      ca_file: /a\n      # why\n      server_name_override: b\n" +
		"        tls:\n          key_file: /b\n    tls:\n      # why\n      insecure: true\nend: y\n"
	got, err := here(text, map[string]string{"4317": "1", "8888": "2"}, "/tmp/d", []string{"key: x", "key: z"})
	want := "endpoint: ${env:POD_IP}:1\nport: 2\npath: /tmp/d/queue\nkey: z\n    tls: {insecure: true}\n    tls:\n      # why\n      insecure: true\nend: y\n"
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := here(text, nil, "", []string{"gone", "new"}); err == nil || !strings.Contains(err.Error(), `does not contain "gone" any more`) {
		t.Errorf("error %v", err)
	}
}

// TestComponentsMove holds that nothing of a component's configuration would listen
// on a port or write to a folder that is not the generator's own.
func TestComponentsMove(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"jaeger/base/config.yaml", "otel/hub/gateway-config.yaml", "otel/hub/sampler-config.yaml", "otel/edge/gateway-config.yaml", "otel/base/agent-config.yaml"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "..", "components", filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		ports := map[string]string{}
		for _, found := range ownPort.FindAllStringSubmatch(string(data), -1) {
			ports[found[2]] = "9" + found[2]
		}
		got, err := here(string(data), ports, "/tmp/d", nil)
		if err != nil {
			t.Fatal(err)
		}
		for port := range ports {
			if strings.Contains(got, "POD_IP}:"+port) || strings.Contains(got, "port: "+port) {
				t.Errorf("%s: port %s stays", file, port)
			}
		}
		if ports["8888"] == "" || strings.Contains(got, "/var/") || strings.Contains(got, "/etc/") {
			t.Errorf("%s: it shows no metrics, or reads or writes elsewhere:\n%s", file, got)
		}
	}
}
