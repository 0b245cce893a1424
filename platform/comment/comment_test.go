package comment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/comment"
)

const (
	secret = "canary-token-0123456789"
	marker = "<!-- dualtrack check .shop -->"
)

// note is a comment as both fakes keep it.
type note struct {
	ID             int64
	Body           string
	Login, Type    string
	System, Edited bool
}

// forge is a fake of GitHub's or GitLab's API, as far as comments go: it pages,
// checks the token, and keeps what it is sent.
type forge struct {
	kind   comment.Forge
	page   int  // most of a page, whatever is asked for
	links  bool // tells of further pages in a header
	self   string
	pulls  []map[string]any
	refuse func(method, path string) int // a status, 0 to go on

	mu    sync.Mutex
	notes []note
	calls []string
}

func (f *forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, r.Method+" "+r.URL.Path)
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if f.kind == comment.GitLab {
		token = r.Header.Get("PRIVATE-TOKEN")
	}
	status := 0
	if f.refuse != nil {
		status = f.refuse(r.Method, r.URL.Path)
	}
	if token != secret {
		status = http.StatusUnauthorized
	}
	if status != 0 {
		if status == http.StatusFound {
			w.Header().Set("Location", "http://"+r.Host+"/elsewhere")
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"message": "no, %s may not"}`, secret)
		return
	}
	f.answer(w, r)
}

func (f *forge) answer(w http.ResponseWriter, r *http.Request) {
	list, one := "/api/repos/o/r/issues/7/comments", regexp.MustCompile(`^/api/repos/o/r/issues/comments/(\d+)$`)
	change := http.MethodPatch
	if f.kind == comment.GitLab {
		list, one, change = "/api/projects/42/merge_requests/7/notes", regexp.MustCompile(`^/api/projects/42/merge_requests/7/notes/(\d+)$`), http.MethodPut
	}
	var sent struct{ Body string }
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	m := one.FindStringSubmatch(r.URL.Path)
	switch {
	case r.Method == http.MethodGet && r.URL.Path == list:
		f.list(w, r)
	case r.Method == http.MethodPost && r.URL.Path == list:
		f.notes = append(f.notes, note{ID: 900, Body: sent.Body, Login: f.self, Type: "Bot"})
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{}`)
	case r.Method == change && m != nil:
		id, _ := strconv.ParseInt(m[1], 10, 64)
		for i := range f.notes {
			if f.notes[i].ID == id {
				f.notes[i].Body, f.notes[i].Edited = sent.Body, true
			}
		}
		fmt.Fprint(w, `{}`)
	case r.URL.Path == "/api/user":
		_ = json.NewEncoder(w).Encode(map[string]string{"login": f.self, "username": f.self})
	case r.URL.Path == "/api/repos/o/r/pulls" && r.URL.Query().Get("head") == "fork:a&b" && r.URL.Query().Get("state") == "open":
		_ = json.NewEncoder(w).Encode(f.pulls)
	default:
		http.NotFound(w, r)
	}
}

func (f *forge) list(w http.ResponseWriter, r *http.Request) {
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	if f.page > 0 {
		size = f.page
	}
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	from := min((page-1)*size, len(f.notes))
	to := min(from+size, len(f.notes))
	if f.links && to < len(f.notes) {
		w.Header().Set("Link", fmt.Sprintf(`<http://x/?page=%d>; rel="next"`, page+1))
	}
	out := []map[string]any{}
	for _, n := range f.notes[from:to] {
		out = append(out, map[string]any{"id": n.ID, "body": n.Body, "system": n.System,
			"user": map[string]string{"login": n.Login, "type": n.Type}, "author": map[string]string{"username": n.Login}})
	}
	_ = json.NewEncoder(w).Encode(out)
}

// others are comments of other people, some of which look like ours.
func others(n int) []note {
	var out []note
	for i := range n {
		out = append(out, note{ID: int64(i + 1), Body: "see " + marker, Login: "someone", Type: "User"})
	}
	return out
}

func target(kind comment.Forge, api string) comment.Target {
	t := comment.Target{Forge: kind, API: api + "/api", Repository: "o/r", Number: 7, Token: secret, TokenName: "GITHUB_TOKEN"}
	if kind == comment.GitLab {
		t.Repository, t.TokenName = "42", "GITLAB_TOKEN"
	}
	return t
}

func TestPut(t *testing.T) {
	t.Parallel()
	body := marker + "\n### denied <b> \"x\" \\ ü"
	mine := func(login, kind string) note {
		return note{ID: 500, Body: marker + "\r\nold", Login: login, Type: kind}
	}
	cases := []struct {
		name    string
		page    int
		links   bool
		notes   []note
		created bool
		replace int64
	}{
		{"none", 0, true, nil, true, 0},
		{"only others", 0, true, others(250), true, 0},
		{"first page", 0, true, append([]note{mine("bot", "Bot")}, others(10)...), false, 500},
		{"third page", 0, true, append(others(230), mine("bot", "Bot")), false, 500},
		{"short pages, told of in a header", 30, true, append(others(70), mine("bot", "Bot")), false, 500},
		{"full pages without a header", 0, false, append(others(200), mine("bot", "Bot")), false, 500},
		{"a user's token", 0, true, append(others(3), mine("me", "User")), false, 500},
		{"somebody else's with our marker", 0, true, append(others(3), mine("someone", "User")), true, 0},
		{"of another tree", 0, true, []note{{ID: 3, Body: "<!-- dualtrack check .other -->\nx", Login: "bot", Type: "Bot"}}, true, 0},
	}
	for _, kind := range []comment.Forge{comment.GitHub, comment.GitLab} {
		for _, c := range cases {
			t.Run(string(kind)+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				f := &forge{kind: kind, page: c.page, links: c.links, self: "me", notes: append([]note(nil), c.notes...)}
				if kind == comment.GitLab { // has no word for bots
					for i := range f.notes {
						if f.notes[i].Login == "bot" {
							f.notes[i].Login = "me"
						}
					}
				}
				server := httptest.NewServer(f)
				defer server.Close()
				got, err := comment.Put(t.Context(), target(kind, server.URL), body)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(comment.Outcome{Number: 7, Created: c.created}, got); diff != "" {
					t.Errorf("outcome (-want +got):\n%s", diff)
				}
				for _, n := range f.notes {
					want := n.ID == c.replace || c.created && n.ID == 900
					if (n.Body == body) != want {
						t.Errorf("comment %d is %q", n.ID, n.Body)
					}
				}
			})
		}
	}
}

// TestSystemNotes: what GitLab writes itself is not ours.
func TestSystemNotes(t *testing.T) {
	t.Parallel()
	f := &forge{kind: comment.GitLab, self: "me", notes: []note{{ID: 5, Body: marker, Login: "me", System: true}}}
	server := httptest.NewServer(f)
	defer server.Close()
	if got, err := comment.Put(t.Context(), target(comment.GitLab, server.URL), marker+"\nx"); err != nil || !got.Created {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestFindsPullRequest of a fork, for which the job that holds the token does not run.
func TestFindsPullRequest(t *testing.T) {
	t.Parallel()
	pull := func(number int, sha string) map[string]any {
		return map[string]any{"number": number, "head": map[string]any{"sha": sha}}
	}
	for name, c := range map[string]struct {
		pulls []map[string]any
		want  comment.Outcome
		said  string
	}{
		"found":        {[]map[string]any{pull(6, "other"), pull(7, "abc")}, comment.Outcome{Number: 7, Created: true}, "comment created on #7"},
		"has moved on": {[]map[string]any{pull(7, "newer")}, comment.Outcome{MovedOn: true}, "no open pull request has this commit as its head any more: nothing to comment on"},
		"closed":       {nil, comment.Outcome{MovedOn: true}, "no open pull request has this commit as its head any more: nothing to comment on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &forge{kind: comment.GitHub, pulls: c.pulls}
			server := httptest.NewServer(f)
			defer server.Close()
			to := target(comment.GitHub, server.URL)
			to.Number, to.Head, to.Commit = 0, "fork:a&b", "abc"
			got, err := comment.Put(t.Context(), to, marker+"\nx")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]any{c.want, c.said}, []any{got, got.String()}); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if n := len(f.notes); (n == 1) == c.want.MovedOn {
				t.Errorf("%d comments", n)
			}
		})
	}
}

// TestRefusals: each is said with its mend, and never with the token, which this
// forge says back.
func TestRefusals(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		status int
		method string
		want   string
	}{
		{"401", 401, http.MethodGet, "401 Unauthorized: no, (token) may not; the token in %TOKEN% is not, or no longer, a token of this forge"},
		{"403", 403, http.MethodPost, "403 Forbidden: no, (token) may not; the token in %TOKEN% needs "},
		{"404", 404, http.MethodGet, "404 Not Found: no, (token) may not; there is no such repository or request, or the token in %TOKEN% may not see it"},
		{"429", 429, http.MethodGet, "or the forge's limit of requests is reached"},
		{"502", 502, http.MethodGet, "502 Bad Gateway: no, (token) may not; the forge failed: run the job again later"},
		{"500 at last", 500, http.MethodPost, "500 Internal Server Error"},
		{"redirection", 302, http.MethodGet, "a redirection is not followed"},
	}
	for _, kind := range []comment.Forge{comment.GitHub, comment.GitLab} {
		for _, c := range cases {
			t.Run(string(kind)+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				f := &forge{kind: kind, refuse: func(method, _ string) int {
					if method == c.method {
						return c.status
					}
					return 0
				}}
				server := httptest.NewServer(f)
				defer server.Close()
				to := target(kind, server.URL)
				_, err := comment.Put(t.Context(), to, marker+"\nx")
				var refused *comment.Error
				if !errors.As(err, &refused) || refused.Status != c.status {
					t.Fatalf("%v", err)
				}
				if want := strings.ReplaceAll(c.want, "%TOKEN%", to.TokenName); !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
					t.Errorf("%v, want %s", err, want)
				}
				for _, call := range f.calls {
					if strings.Contains(call, "elsewhere") {
						t.Error("the redirection is followed")
					}
				}
			})
		}
	}
}

func TestNoForge(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	gone := server.URL
	server.Close()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	nonsense := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	defer nonsense.Close()
	for api, want := range map[string]string{
		gone: "GitHub can't be reached: GET /api/repos/o/r/issues/7/comments: ", nonsense.URL: "the answer is not what this API says",
		"http://forge.invalid": "http://forge.invalid: a token goes over https alone", "ftp://127.0.0.1": "a token goes over https alone",
		"https://user:pass@forge.invalid": "the forge's API is no address", "": "the forge's API is no address",
	} {
		to := target(comment.GitHub, api)
		if api == "" {
			to.API = ""
		}
		if _, err := comment.Put(t.Context(), to, marker+"\nx"); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v, want %s", api, err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := comment.Put(ctx, target(comment.GitHub, slow.URL), marker+"\nx"); !errors.Is(err, ctx.Err()) {
		t.Errorf("a forge that never answers: %v", err)
	}
	if _, err := comment.Put(t.Context(), target(comment.GitHub, gone), "### no marker"); err == nil {
		t.Error("a comment without a marker is taken")
	}
}

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	github := "GITHUB_REPOSITORY=o/r GITHUB_TOKEN=t GITHUB_API_URL=https://ghe.invalid/api/v3"
	gitlab := "CI_PROJECT_ID=42 CI_API_V4_URL=https://gitlab.invalid/api/v4 GITLAB_TOKEN=t"
	cases := []struct {
		name, env string
		given     comment.Target
		want      comment.Target
		err       string
	}{
		{name: "pull request", env: github + " GITHUB_REF=refs/pull/12/merge",
			want: comment.Target{Forge: comment.GitHub, API: "https://ghe.invalid/api/v3", Repository: "o/r", Number: 12, Token: "t", TokenName: "GITHUB_TOKEN"}},
		{name: "merge request", env: gitlab + " CI_MERGE_REQUEST_IID=3",
			want: comment.Target{Forge: comment.GitLab, API: "https://gitlab.invalid/api/v4", Repository: "42", Number: 3, Token: "t", TokenName: "GITLAB_TOKEN"}},
		{name: "a fork's, by a later job", env: github + " GITHUB_REF=refs/heads/main", given: comment.Target{Head: "a:b", Commit: "c"},
			want: comment.Target{Forge: comment.GitHub, API: "https://ghe.invalid/api/v3", Repository: "o/r", Head: "a:b", Commit: "c", Token: "t", TokenName: "GITHUB_TOKEN"}},
		{name: "by its number", env: "GITHUB_REPOSITORY=o/r GITHUB_TOKEN=t", given: comment.Target{Number: 5},
			want: comment.Target{Forge: comment.GitHub, API: "https://api.github.com", Repository: "o/r", Number: 5, Token: "t", TokenName: "GITHUB_TOKEN"}},
		{name: "nowhere", env: "", err: "this is no job of a known forge"},
		{name: "no token", env: "GITHUB_REPOSITORY=o/r GITHUB_REF=refs/pull/1/merge", err: "GITHUB_TOKEN is empty"},
		{name: "a branch", env: github + " GITHUB_REF=refs/heads/main", err: "no pull or merge request is named"},
		{name: "a branch of GitLab", env: gitlab, err: "no pull or merge request is named"},
		{name: "a path for a name", env: "GITHUB_REPOSITORY=../../user GITHUB_TOKEN=t", err: "is not of the form owner/name"},
	}
	for _, c := range cases {
		values := map[string]string{}
		for _, pair := range strings.Fields(c.env) {
			name, value, _ := strings.Cut(pair, "=")
			values[name] = value
		}
		got, err := comment.FromEnvironment(c.given, func(name string) string { return values[name] })
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, diff)
		}
	}
}
