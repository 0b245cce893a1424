package remote_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source/remote"
)

// TestWords: what is not there is said in words that name it.
func TestWords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gitRepository(t, filepath.Join(dir, "web"), map[string]string{"a/x": "1", "lfs/big": "version https://git-lfs.github.com/spec/v1\noid sha256:1\n"})
	git(t, filepath.Join(dir, "web"), "tag", "v1")
	gits, _ := gitServer(t, dir)
	charts, _ := serve(t, http.FileServer(http.Dir(helmRepository(t, "1.2.3"))))
	html, _ := serve(t, bytesOf([]byte("<html>\n\tlog in</html>")))
	registry, _ := ociRegistry(t)
	oci := "oci://" + strings.TrimPrefix(registry.URL, "https://")
	tag, unknown := catalog.GitRef{Tag: "v1"}, catalog.GitRef{Commit: strings.Repeat("12", 20)}
	k := &catalog.Kustomize{Path: "."}
	cases := []struct {
		name string
		src  catalog.Source
		want string
	}{
		{"no tag", catalog.Source{Git: &catalog.Git{URL: gits.URL + "/web/.git", Ref: catalog.GitRef{Tag: "v2"}, Kustomize: k}}, "it has no tag v2"},
		{"no branch", catalog.Source{Git: &catalog.Git{URL: gits.URL + "/web/.git", Ref: catalog.GitRef{Branch: "dev"}, Kustomize: k}}, "it has no branch dev"},
		{"no commit", catalog.Source{Git: &catalog.Git{URL: gits.URL + "/web/.git", Ref: unknown, Kustomize: k}}, "commit 1212121212121212121212121212121212121212: object not found"},
		{"no folder", catalog.Source{Git: &catalog.Git{URL: gits.URL + "/web/.git", Ref: tag, Path: "b", Kustomize: k}}, " has no folder b"},
		{"a file", catalog.Source{Git: &catalog.Git{URL: gits.URL + "/web/.git", Ref: tag, Path: "a/x", Kustomize: k}}, " has no folder a/x"},
		{"a pointer", catalog.Source{Git: &catalog.Git{URL: gits.URL + "/web/.git", Ref: tag, Path: "lfs", Kustomize: k}}, "big: is a pointer of Git LFS, whose content is elsewhere"},
		{"no Git repository", catalog.Source{Git: &catalog.Git{URL: gits.URL + "/none", Ref: tag, Kustomize: k}}, "repository not found"},
		{"no Git server", catalog.Source{Git: &catalog.Git{URL: html.URL + "/none", Ref: tag, Kustomize: k}}, "ask for Git's branches and tags: "},
		{"no version", catalog.Source{Helm: &catalog.Helm{Repo: charts.URL, Chart: "app", Version: "2"}}, "app has no version 2; the newest are 1.2.3"},
		{"no chart", catalog.Source{Helm: &catalog.Helm{Repo: charts.URL, Chart: "ap", Version: "2"}}, "the repository has no chart ap"},
		{"no index", catalog.Source{Helm: &catalog.Helm{Repo: charts.URL + "/x", Chart: "ap", Version: "2"}}, "answers 404 Not Found to https://127.0.0.1"},
		{"a page", catalog.Source{Helm: &catalog.Helm{Repo: html.URL, Chart: "ap", Version: "2"}}, "/index.yaml is no index: "},
		{"no artifact", catalog.Source{OCI: &catalog.OCI{URL: oci + "/charts/app", Version: "1", Helm: &catalog.Helm{}}}, "not found"},
		{"no registry", catalog.Source{OCI: &catalog.OCI{URL: "oci://" + strings.TrimPrefix(html.URL, "https://") + "/x", Version: "1", Helm: &catalog.Helm{}}}, "source of component app from oci://127.0.0.1"},
		{"nobody there", catalog.Source{Helm: &catalog.Helm{Repo: "https://127.0.0.1:1", Chart: "ap", Version: "2"}}, "connection refused"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(gits)}
			store := remote.New(o)
			t.Cleanup(store.Close)
			_, err := store.Lock(t.Context(), one(c.src, nil), remote.LockOptions{})
			t.Log(err)
			if !strings.Contains(errText(err), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if left := tree(t, o.CacheDir); len(left) != 0 {
				t.Errorf("the cache holds %q", left)
			}
		})
	}
}
