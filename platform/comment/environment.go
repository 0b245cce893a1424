package comment

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// EnvironmentError says what a job's environment lacks, and how to mend it.
type EnvironmentError struct{ What string }

func (e *EnvironmentError) Error() string { return e.What }

var (
	// ownerName is how GitHub and its kin write a repository.
	ownerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]+$`)
	// pullRef is the ref of a run for a pull request.
	pullRef = regexp.MustCompile(`^refs/pull/([1-9][0-9]{0,9})/`)
)

// FromEnvironment reads where a job runs, and for what, from the variables that its
// forge sets. What t says already goes before.
func FromEnvironment(t Target, getenv func(string) string) (Target, error) {
	get := func(name string) string { return strings.TrimSpace(getenv(name)) }
	switch {
	case get("GITHUB_REPOSITORY") != "":
		t.Forge, t.Repository = GitHub, get("GITHUB_REPOSITORY")
		if t.API = get("GITHUB_API_URL"); t.API == "" {
			t.API = "https://api.github.com"
		}
		if m := pullRef.FindStringSubmatch(get("GITHUB_REF")); m != nil && t.Number == 0 && t.Commit == "" {
			t.Number, _ = strconv.Atoi(m[1]) // digits, as the pattern says
		}
		t.TokenName = "GITHUB_TOKEN"
		if !ownerName.MatchString(t.Repository) || strings.Contains(t.Repository, "..") {
			return t, &EnvironmentError{fmt.Sprintf("GITHUB_REPOSITORY %q is not of the form owner/name", t.Repository)}
		}
	case get("CI_PROJECT_ID") != "":
		t.Forge, t.Repository, t.API, t.TokenName = GitLab, get("CI_PROJECT_ID"), get("CI_API_V4_URL"), "GITLAB_TOKEN"
		if t.Number == 0 {
			t.Number, _ = strconv.Atoi(get("CI_MERGE_REQUEST_IID")) // empty outside merge requests: asked for below
		}
	default:
		return t, &EnvironmentError{"this is no job of a known forge: GITHUB_REPOSITORY (GitHub, Gitea, Forgejo) or CI_PROJECT_ID (GitLab) names the repository"}
	}
	if t.Token = get(t.TokenName); t.Token == "" {
		return t, &EnvironmentError{t.TokenName + " is empty; hand the job a token that may comment"}
	}
	if t.Number < 0 || t.Number == 0 && (t.Forge == GitLab || t.Commit == "" || t.Head == "") {
		return t, &EnvironmentError{"no pull or merge request is named; write --number, or --head OWNER:BRANCH and --commit of its head"}
	}
	return t, nil
}
