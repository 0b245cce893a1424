package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// readmeLines is how long an example of the README may be.
const readmeLines = 20

// TestReadmeAdds runs the README's two examples, to the letter, in one clone: a
// component is added to a site, and a site to the fleet.
func TestReadmeAdds(t *testing.T) {
	f := newFleet(t)
	check(t, os.Mkdir(filepath.Join(f.repo, "bin"), 0o755))
	check(t, os.Symlink(built.path, filepath.Join(f.repo, "bin", "platform")))
	for _, heading := range []string{"## Add a component", "## Add a cluster"} {
		script := example(t, heading)
		if n := strings.Count(script, "\n"); n >= readmeLines {
			t.Errorf("%s: %d lines, want fewer than %d", heading, n, readmeLines)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
		cmd.Dir, cmd.Env = f.repo, f.env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", heading, err, out)
		}
		if !strings.Contains(string(out), "1/1 in sync by both tracks") {
			t.Errorf("%s: did not converge:\n%s", heading, out)
		}
	}
	got := f.run(t, "kubectl", "edge-berlin", "--", "get", "configmap", "-n", "orders", "-o", "name").want(t, 0)
	if !strings.Contains(got.stdout, "configmap/notice-") {
		t.Errorf("the added component's ConfigMap is not there:\n%s", got.stdout)
	}
	status := f.run(t, "status", "-c", "edge-quito", "-o", "json").want(t, 0).json(t)
	if len(status.Clusters) != 1 || status.Clusters[0].State != "converged" {
		t.Errorf("the added cluster: %+v", status.Clusters)
	}
}

// example is the shell block under a heading of the README.
func example(t *testing.T, heading string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(built.root, "README.md"))
	check(t, err)
	_, after, found := strings.Cut(string(data), "\n"+heading+"\n")
	if !found {
		t.Fatalf("the README has no heading %q", heading)
	}
	_, after, _ = strings.Cut(after, "```sh\n")
	script, _, found := strings.Cut(after, "```")
	if !found {
		t.Fatalf("no shell block under %q", heading)
	}
	return script
}
