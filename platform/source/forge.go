package source

import (
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// target is the branch that a change is meant for.
type target struct {
	name    string
	hash    plumbing.Hash
	missing bool // it is named, and not in this clone
}

// forge is a CI system and the variable in which it names the branch that a
// change is meant for.
type forge struct{ system, variable string }

// forges are those that are known; each sets its variable only in runs for a
// pull or merge request. GitHub's is also Gitea's and Forgejo's.
func forges() []forge {
	return []forge{
		{"GitHub", "GITHUB_BASE_REF"},
		{"GitLab", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"},
		{"Azure Pipelines", "SYSTEM_PULLREQUEST_TARGETBRANCH"},
		{"Jenkins", "CHANGE_TARGET"},
	}
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
