package source

import (
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// target is the branch that a change is meant for.
type target struct {
	name    string
	hash    plumbing.Hash
	missing bool // it is named, and not in this clone
}

// forge is a CI system and the variables in which it names the branch that a
// change is meant for, the branch that it is on, for the checkout is detached, and
// the commit at which the two parted.
type forge struct{ system, variable, head, parted string }

// forges are those that are known; each sets its variables only in runs for a
// pull or merge request. GitHub's are also Gitea's and Forgejo's.
func forges() []forge {
	return []forge{
		{"GitHub", "GITHUB_BASE_REF", "GITHUB_HEAD_REF", ""},
		{"GitLab", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_MERGE_REQUEST_DIFF_BASE_SHA"},
		{"Azure Pipelines", "SYSTEM_PULLREQUEST_TARGETBRANCH", "SYSTEM_PULLREQUEST_SOURCEBRANCH", ""},
		{"Jenkins", "CHANGE_TARGET", "CHANGE_BRANCH", ""},
	}
}

// headName is what the working tree is called: of a run for a pull request with
// the name of its branch.
func headName(getenv func(string) string) string {
	if getenv == nil {
		return workingTree
	}
	for _, forge := range forges() {
		if branch := strings.TrimPrefix(getenv(forge.head), "refs/heads/"); branch != "" && getenv(forge.variable) != "" {
			return workingTree + " of " + branch
		}
	}
	return workingTree
}

// parted is the commit at which the CI says that the branches parted, nil where it
// does not say so or this clone lacks it.
func (f *finder) parted(getenv func(string) string) (*object.Commit, string) {
	if getenv == nil {
		return nil, ""
	}
	for _, forge := range forges() {
		if forge.parted == "" || getenv(forge.variable) == "" || !plumbing.IsHash(getenv(forge.parted)) {
			continue
		}
		if commit, err := f.repo.CommitObject(plumbing.NewHash(getenv(forge.parted))); err == nil {
			return commit, forge.parted + " of " + forge.system
		}
	}
	return nil, ""
}

// target finds the branch, and says how: the CI's word, the remote's default
// branch, or the usual names.
func (f *finder) target(getenv func(string) string) (target, string) {
	if getenv != nil {
		for _, forge := range forges() {
			branch := strings.TrimPrefix(getenv(forge.variable), "refs/heads/")
			if branch == "" {
				continue
			}
			why := forge.variable + " of " + forge.system
			if t, ok := f.branch("origin/"+branch, branch); ok {
				return t, why
			}
			return target{name: branch, missing: true}, why
		}
	}
	if ref, err := f.repo.Reference("refs/remotes/origin/HEAD", true); err == nil {
		return target{name: ref.Name().Short(), hash: ref.Hash()}, "the default branch of origin"
	}
	if t, ok := f.branch("origin/main", "origin/master", "main", "master"); ok {
		return t, "a usual name of default branches"
	}
	return target{}, ""
}

// branch is the first of some names that is a branch here.
func (f *finder) branch(names ...string) (target, bool) {
	for _, name := range names {
		for _, prefix := range []string{"refs/remotes/", "refs/heads/"} {
			if ref, err := f.repo.Reference(plumbing.ReferenceName(prefix+name), true); err == nil {
				return target{name: name, hash: ref.Hash()}, true
			}
		}
	}
	return target{}, false
}
