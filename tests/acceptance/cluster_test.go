package acceptance

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// client reaches one cluster of the fleet with plain client-go.
func (f *fleet) client(t *testing.T, cluster, userAgent string) *kubernetes.Clientset {
	t.Helper()
	return clientset(t, rest.AddUserAgent(f.config(t, cluster), userAgent))
}

func (f *fleet) config(t *testing.T, cluster string) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", f.kubeconfig(t, cluster))
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func clientset(t *testing.T, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// kubeconfig is the path that `platform kubeconfig` prints.
func (f *fleet) kubeconfig(t *testing.T, cluster string) string {
	t.Helper()
	return strings.TrimSpace(f.run(t, "kubeconfig", cluster, "--path").want(t, 0).stdout)
}

// auditLogs are the audit logs of every API server of the fleet.
func (f *fleet) auditLogs(t *testing.T) []string {
	t.Helper()
	var logs []string
	err := filepath.WalkDir(f.state, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Base(filepath.Dir(path)) == "audit" && strings.HasSuffix(path, ".log") {
			logs = append(logs, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return logs
}

// event is the part of an audit event that the tests read.
type event struct {
	AuditID    string `json:"auditID"`
	Stage      string `json:"stage"`
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	UserAgent  string `json:"userAgent"`
	User       struct {
		Username string   `json:"username"`
		Groups   []string `json:"groups"`
	} `json:"user"`
}

// mutations are the requests of the administrator that changed something,
// leaving out those whose audit id is known already.
func (f *fleet) mutations(t *testing.T, known map[string]bool) []event {
	t.Helper()
	var found []event
	logs := f.auditLogs(t)
	if len(logs) == 0 {
		t.Fatal("no audit log was written")
	}
	for _, path := range logs {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				continue // the last line may be half written
			}
			if mutates(e) && !known[e.AuditID] {
				known[e.AuditID] = true
				found = append(found, e)
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	return found
}

// mutates leaves out dry runs, and the cluster's own programs, which renew
// leases and move pods all the time.
func mutates(e event) bool {
	switch e.Verb {
	case "create", "update", "patch", "delete", "deletecollection":
	default:
		return false
	}
	simulator := e.User.Username == "dualtrack:kwok"
	return !strings.Contains(e.RequestURI, "dryRun=All") && !simulator && !strings.HasPrefix(e.User.Username, "system:")
}
