package remote_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	helmregistry "helm.sh/helm/v3/pkg/registry"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source/remote"
)

// TestHelmRepository: a chart of an HTTP repository is locked, read, read again
// without the server, and moved when asked to.
func TestHelmRepository(t *testing.T) {
	t.Parallel()
	dir := helmRepository(t, "1.2.3", "1.3.0", "2.0.0")
	server, seen := serve(t, http.StripPrefix("/charts", http.FileServer(http.Dir(dir))))
	o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(server)}
	src := catalog.Source{Helm: &catalog.Helm{Repo: server.URL + "/charts", Chart: "app", Version: "~1.2"}}
	cat := locked(t, o, one(src, nil))
	pin := cat.Lock.Spec.Sources["app"]
	if pin.Version != "1.2.3" || pin.URL != server.URL+"/charts/app-1.2.3.tgz" || pin.Format != "chart" {
		t.Errorf("pin %+v", pin)
	}
	asked := seen.count()
	files, err := read(t, o, cat)
	if err != nil || files["remote/app/values.yaml"] != "text: of-1.2.3\n" || files["remote/app/Chart.yaml"] == "" {
		t.Errorf("files %q, %v", files, err)
	}
	if seen.count() != asked {
		t.Errorf("what is cached was asked for: %q", seen.seen[asked:])
	}

	src.Helm.Version = "~1.2 || ~1.3"
	if _, err := read(t, o, cat); !strings.HasPrefix(errText(err), "components/app/component.yaml: spec.source.helm: asks for helm+"+server.URL+"/charts/app@~1.2 || ~1.3, and platform.lock:") {
		t.Errorf("another version than is locked: %v", err)
	}
	old := cat.Lock
	if cat = locked(t, o, cat); cat.Lock.Spec.Sources["app"].Version != "1.3.0" {
		t.Errorf("pin %+v", cat.Lock.Spec.Sources["app"])
	}
	if cmp.Equal(old.Spec.Sources, cat.Lock.Spec.Sources) {
		t.Error("nothing moved")
	}
	packaged(t, dir, "1.3.1", "new")
	reindex(t, dir)
	if same := locked(t, o, one(src, cat.Lock)); same.Lock.Spec.Sources["app"].Version != "1.3.0" {
		t.Errorf("lock without --upgrade moved to %+v", same.Lock.Spec.Sources["app"])
	}
	store := remote.New(o)
	t.Cleanup(store.Close)
	up, err := store.Lock(t.Context(), cat, remote.LockOptions{Upgrade: true})
	if err != nil || up.Sources["app"].Version != "1.3.1" || len(up.Moves) != 1 {
		t.Errorf("upgrade gives %+v, %v", up, err)
	}
}

// TestMovedVersion: a version whose bytes change under its name is no upgrade.
func TestMovedVersion(t *testing.T) {
	t.Parallel()
	dir := helmRepository(t, "1.2.3")
	server, _ := serve(t, http.FileServer(http.Dir(dir)))
	o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(server)}
	cat := locked(t, o, one(catalog.Source{Helm: &catalog.Helm{Repo: server.URL, Chart: "app", Version: "1.2.3"}}, nil))
	packaged(t, dir, "1.2.3", "swapped")
	reindex(t, dir)
	store := remote.New(o)
	t.Cleanup(store.Close)
	_, err := store.Lock(t.Context(), cat, remote.LockOptions{Upgrade: true})
	if !strings.Contains(errText(err), "platform.lock:8:5: spec.sources.app: 1.2.3 has other bytes than were pinned") {
		t.Errorf("a version that moved: %v", err)
	}
	o.CacheDir = t.TempDir()
	if _, err := read(t, o, cat); !strings.Contains(errText(err), "platform.lock:8:5: spec.sources.app: pins ") {
		t.Errorf("a swapped archive: %v", err)
	}
	if left := tree(t, o.CacheDir); len(left) != 0 {
		t.Errorf("the cache holds %q", left)
	}
}

// TestRegistry: a chart as `helm push` puts it there, and the mirror of it.
func TestRegistry(t *testing.T) {
	t.Parallel()
	server, _ := ociRegistry(t)
	host := strings.TrimPrefix(server.URL, "https://")
	archive, err := os.ReadFile(packaged(t, t.TempDir(), "1.2.3", "pushed"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := helmregistry.NewClient(helmregistry.ClientOptHTTPClient(server.Client()), helmregistry.ClientOptWriter(&bytes.Buffer{}),
		helmregistry.ClientOptCredentialsFile(filepath.Join(t.TempDir(), "none.json")))
	if err != nil {
		t.Fatal(err)
	}
	pushed, err := client.Push(archive, host+"/charts/app:1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(server)}
	for name, source := range map[string]*catalog.OCI{
		"by version": {URL: "oci://" + host + "/charts/app", Version: "1.2.3"},
		"by digest":  {URL: "oci://" + host + "/charts/app", Digest: pushed.Manifest.Digest},
	} {
		source.Helm = &catalog.Helm{}
		cat := locked(t, o, one(catalog.Source{OCI: source}, nil))
		pin := cat.Lock.Spec.Sources["app"]
		if pin.Digest != pushed.Chart.Digest || pin.Revision != pushed.Manifest.Digest || pin.Format != "chart" {
			t.Errorf("%s: pin %+v", name, pin)
		}
		fresh := o
		fresh.CacheDir = t.TempDir()
		files, err := read(t, fresh, cat)
		if err != nil || files["remote/app/values.yaml"] != "text: pushed\n" {
			t.Errorf("%s: files %q, %v", name, files, err)
		}
	}
}

// TestGit: a tag, a branch and a commit of Git's own server.
func TestGit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	work := filepath.Join(dir, "deploy")
	first := gitRepository(t, work, map[string]string{"apps/web/kustomization.yaml": "resources: [map.yaml]\n", "apps/web/map.yaml": "kind: ConfigMap\n", "README": "no"})
	git(t, work, "tag", "-a", "v1", "-m", "v1")
	second := commit(t, work, map[string]string{"apps/web/map.yaml": "kind: Secret\n"})
	server, _ := gitServer(t, dir)
	for _, c := range []struct {
		name string
		ref  catalog.GitRef
		want string
		text string
	}{
		{"annotated tag", catalog.GitRef{Tag: "v1"}, first, "kind: ConfigMap\n"},
		{"branch", catalog.GitRef{Branch: "main"}, second, "kind: Secret\n"},
		{"commit that is no tip", catalog.GitRef{Commit: first}, first, "kind: ConfigMap\n"},
	} {
		o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(server)}
		src := catalog.Source{Git: &catalog.Git{URL: server.URL + "/deploy/.git", Ref: c.ref, Path: "apps/web", Kustomize: &catalog.Kustomize{Path: "."}}}
		cat := locked(t, o, one(src, nil))
		if got := cat.Lock.Spec.Sources["app"].Revision; got != c.want {
			t.Errorf("%s: commit %s, want %s", c.name, got, c.want)
		}
		o.CacheDir = t.TempDir()
		files, err := read(t, o, cat)
		want := map[string]string{"remote/app/kustomization.yaml": "resources: [map.yaml]\n", "remote/app/map.yaml": c.text}
		if diff := cmp.Diff(want, files); diff != "" || err != nil {
			t.Errorf("%s: %v, files (-want +got):\n%s", c.name, err, diff)
		}
		if left := tree(t, o.CacheDir); len(left) != 1 {
			t.Errorf("%s: the cache holds %q", c.name, left)
		}
	}
}

// TestGitMoved: a branch that went on: its old commit is still to be had.
func TestGitMoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	work := filepath.Join(dir, "deploy")
	gitRepository(t, work, map[string]string{"a/map.yaml": "kind: ConfigMap\n"})
	server, _ := gitServer(t, dir)
	o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(server)}
	src := catalog.Source{Git: &catalog.Git{URL: server.URL + "/deploy/.git", Ref: catalog.GitRef{Branch: "main"}, Path: "a", Kustomize: &catalog.Kustomize{Path: "."}}}
	cat := locked(t, o, one(src, nil))
	commit(t, work, map[string]string{"a/map.yaml": "kind: Secret\n"})
	o.CacheDir = t.TempDir()
	files, err := read(t, o, cat)
	if err != nil || files["remote/app/map.yaml"] != "kind: ConfigMap\n" {
		t.Errorf("files %q, %v", files, err)
	}
	git(t, work, "commit", "-q", "--amend", "-m", "other")
	git(t, work, "checkout", "-q", "--orphan", "new")
	git(t, work, "commit", "-q", "-m", "new")
	git(t, work, "branch", "-D", "main")
	o.CacheDir = t.TempDir()
	if _, err := read(t, o, cat); err == nil {
		t.Error("a commit that no branch has any more was found")
	}
	if left := tree(t, o.CacheDir); len(left) != 0 {
		t.Errorf("the cache holds %q", left)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// tree lists the files of a folder but for locks.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Base(name) != "lock" && filepath.Ext(name) != ".lock" {
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
