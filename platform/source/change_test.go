package source_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/source"
)

// forked makes a repository with a default branch that went on after a branch
// left it, and checks the branch out:
//
//	first ─ left ─ theirs   (main, origin/main)
//	           └── ours     (work)
func forked(t *testing.T) (dir string, commits map[string]string) {
	t.Helper()
	dir, repo := repository(t)
	commits = map[string]string{}
	at := func(name string) plumbing.Hash {
		write(t, dir, "file", name+"\n")
		hash := commit(t, repo, name)
		commits[hash.String()] = name
		return hash
	}
	ref := func(name string, hash plumbing.Hash) {
		if err := repo.Storer.SetReference(plumbing.NewHashReference(plumbing.ReferenceName(name), hash)); err != nil {
			t.Fatal(err)
		}
	}
	at("first")
	left := at("left")
	theirs := at("theirs")
	tree, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	ref("refs/heads/main", theirs)
	ref("refs/remotes/origin/main", theirs)
	ref("refs/remotes/origin/release", left)
	if err := tree.Checkout(&git.CheckoutOptions{Hash: left, Branch: "refs/heads/work", Create: true}); err != nil {
		t.Fatal(err)
	}
	at("ours")
	return dir, commits
}

// sides is a change as a test reads it: commits by name.
type sides struct{ Base, Head, BaseName, Why string }

// named is the hash of a commit by its name.
func named(commits map[string]string, name string) string {
	for hash, other := range commits {
		if other == name {
			return hash
		}
	}
	return ""
}

func TestHeadIsNamed(t *testing.T) {
	t.Parallel()
	dir, _ := forked(t)
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{nil, "working tree"},
		{map[string]string{"GITHUB_BASE_REF": "main", "GITHUB_HEAD_REF": "feature/x"}, "working tree of feature/x"},
		{map[string]string{"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "x"}, "working tree of x"},
		{map[string]string{"SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main", "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/x"}, "working tree of x"},
		{map[string]string{"CHANGE_TARGET": "main", "CHANGE_BRANCH": "x"}, "working tree of x"},
		{map[string]string{"GITHUB_BASE_REF": "", "GITHUB_HEAD_REF": "x"}, "working tree"},
	} {
		got, err := source.FindChange(dir, source.ChangeOptions{Getenv: func(name string) string { return c.env[name] }})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got.Head.Name); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.env, diff)
		}
	}
}

func TestFindChange(t *testing.T) {
	t.Parallel()
	dir, commits := forked(t)
	cases := []struct {
		name       string
		base, head string
		env        map[string]string
		want       sides
		err        string
	}{
		{name: "merge base with the default branch", want: sides{"left", "ours", "merge base with origin/main", "a usual name of default branches"}},
		{name: "named base, not its merge base", base: "origin/main", want: sides{"theirs", "ours", "origin/main", "as asked for"}},
		{name: "both named", base: "origin/release", head: "main", want: sides{"left", "theirs", "origin/release", "as asked for"}},
		{name: "head named", head: "main", want: sides{"theirs", "theirs", "merge base with origin/main", "a usual name of default branches"}},
		{name: "parent", base: "HEAD~1", want: sides{"left", "ours", "HEAD~1", "as asked for"}},
		{name: "GitHub", env: map[string]string{"GITHUB_BASE_REF": "release"}, want: sides{"left", "ours", "merge base with origin/release", "GITHUB_BASE_REF of GitHub"}},
		{name: "GitLab", env: map[string]string{"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "release"},
			want: sides{"left", "ours", "merge base with origin/release", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME of GitLab"}},
		{name: "Azure Pipelines", env: map[string]string{"SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/release"},
			want: sides{"left", "ours", "merge base with origin/release", "SYSTEM_PULLREQUEST_TARGETBRANCH of Azure Pipelines"}},
		{name: "Jenkins", env: map[string]string{"CHANGE_TARGET": "release"}, want: sides{"left", "ours", "merge base with origin/release", "CHANGE_TARGET of Jenkins"}},
		{name: "GitLab, the target is not fetched", env: map[string]string{"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "next", "CI_MERGE_REQUEST_DIFF_BASE_SHA": named(commits, "first")},
			want: sides{"first", "ours", "where it left next", "CI_MERGE_REQUEST_DIFF_BASE_SHA of GitLab"}},
		{name: "GitLab, the target is fetched", env: map[string]string{"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_MERGE_REQUEST_DIFF_BASE_SHA": named(commits, "first")},
			want: sides{"left", "ours", "merge base with origin/main", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME of GitLab"}},
		{name: "GitLab, neither is there", env: map[string]string{"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "next", "CI_MERGE_REQUEST_DIFF_BASE_SHA": strings.Repeat("0", 40)},
			err: "CI_MERGE_REQUEST_TARGET_BRANCH_NAME of GitLab names the branch next, which this clone lacks; fetch it: `git fetch --no-tags origin next:refs/remotes/origin/next`"},
		{name: "branch that the clone lacks", env: map[string]string{"GITHUB_BASE_REF": "next"},
			err: "GITHUB_BASE_REF of GitHub names the branch next, which this clone lacks; fetch it: `git fetch --no-tags origin next:refs/remotes/origin/next`"},
		{name: "no such revision", base: "nowhere",
			err: `revision "nowhere": reference not found; fetch it: ` + "`git fetch --no-tags origin nowhere:refs/remotes/origin/nowhere`"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := source.FindChange(dir, source.ChangeOptions{Base: c.base, Head: c.head, Getenv: func(name string) string { return c.env[name] }})
			if c.err != "" {
				if _, typed := errors.AsType[*source.BaseError](err); !typed || err.Error() != c.err {
					t.Fatalf("error %v, want a BaseError %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, sides{commits[got.Base.Commit], commits[got.Head.Commit], got.Base.Name, got.Why}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if text, err := fs.ReadFile(got.Base.Files, "file"); string(text) != c.want.Base+"\n" || err != nil {
				t.Errorf("the base holds %q, error %v", text, err)
			}
			if (got.Head.Files != nil) != (c.head != "") {
				t.Errorf("head %q: the files are a commit's: %v", c.head, got.Head.Files != nil)
			}
		})
	}
}

func TestNothingToCompareWith(t *testing.T) {
	t.Parallel()
	empty, _ := repository(t)
	lonely, repo := repository(t)
	write(t, lonely, "file", "a\n")
	commit(t, repo, "first")
	if err := repo.Storer.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, "refs/heads/topic")); err != nil {
		t.Fatal(err)
	}
	commit(t, repo, "topic")
	if err := repo.Storer.RemoveReference("refs/heads/master"); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		t.TempDir(): "there is no Git repository",
		empty:       "the repository has no commit",
		lonely:      "no default branch was found; name what to compare with by --base",
	} {
		got, err := source.FindChange(dir, source.ChangeOptions{})
		if err != nil || got.Base != nil || got.Why != want {
			t.Errorf("base %v, why %q, error %v, want no base and %q", got.Base, got.Why, err, want)
		}
	}
}

// A clone of one commit, as CI systems make it, is told what to fetch.
func TestShallow(t *testing.T) {
	t.Parallel()
	from, _ := forked(t)
	dir := t.TempDir()
	if _, err := git.PlainClone(dir, false, &git.CloneOptions{URL: from, Depth: 1, ReferenceName: "refs/heads/work", SingleBranch: false}); err != nil {
		t.Fatal(err)
	}
	_, err := source.FindChange(dir, source.ChangeOptions{Getenv: func(name string) string {
		return map[string]string{"GITHUB_BASE_REF": "main"}[name]
	}})
	if _, typed := errors.AsType[*source.BaseError](err); !typed || !strings.Contains(err.Error(), "git fetch --no-tags --unshallow origin main:refs/remotes/origin/main") {
		t.Errorf("error %v, want a BaseError with the command to fetch", err)
	}
}
