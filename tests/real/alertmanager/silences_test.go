//go:build real

package alertmanager

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cli"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// repository is a copy of this one, with silences of its own.
func repository(t *testing.T) string {
	t.Helper()
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, folder := range []string{"clusters", "components", "policies"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(root, folder))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "policies", "silences"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// entry is a silence of Git, from an hour ago.
func entry(name, matchers string, until time.Time, reason string) string {
	return fmt.Sprintf("    - {name: %s, matchers: [%s], from: %q, until: %q, owner: shop, reason: %q}\n",
		name, matchers, time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339), reason)
}

func silences(t *testing.T, repo, name string, entries ...string) {
	t.Helper()
	write(t, filepath.Join(repo, "policies", "silences", name+".yaml"),
		"apiVersion: platform.dualtrack.internal/v1alpha1\nkind: Silences\nmetadata: {name: "+name+"}\nspec:\n  silences:\n"+strings.Join(entries, ""))
}

// outcome is what the command prints.
type outcome struct {
	Kept, Writes int
	Changes      []struct{ Do, Name, ID, NewID, Why string }
	Foreign      []struct{ ID, CreatedBy string }
}

// platform runs the CLI, and holds it to an exit code.
func platform(t *testing.T, repo string, code int, args ...string) string {
	t.Helper()
	var out, complaints bytes.Buffer
	streams := cli.System()
	streams.Out, streams.Err = &out, &complaints
	if got := cli.Run(t.Context(), streams, append([]string{"-w", repo}, args...)); got != code {
		t.Fatalf("platform %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, code, out.String(), complaints.String())
	}
	return out.String()
}

// does writes what a command did in lines: ids that change are only said to.
func does(t *testing.T, text string) []string {
	t.Helper()
	var o outcome
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	lines := []string{fmt.Sprintf("kept %d, written %d", o.Kept, o.Writes)}
	for _, c := range o.Changes {
		line := c.Do + " " + c.Name
		if c.ID != "" && c.NewID != "" {
			line += ", another id"
		}
		lines = append(lines, line)
	}
	for _, f := range o.Foreign {
		lines = append(lines, "foreign by "+f.CreatedBy)
	}
	return lines
}

// held counts the server's silences by state.
func held(t *testing.T, s *Server) map[string]int {
	t.Helper()
	text, err := call(t.Context(), http.MethodGet, s.URL+"/api/v2/silences", nil)
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Status struct{ State string } }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, one := range list {
		out[one.Status.State]++
	}
	return out
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// foreign posts a silence as a person would, and gives it as the server shows it.
func foreign(t *testing.T, s *Server, site string) (id string) {
	t.Helper()
	body := fmt.Sprintf(`{"matchers":[{"name":"site","value":%q,"isRegex":false,"isEqual":true}],"startsAt":%q,"endsAt":%q,"createdBy":"night-shift","comment":"known: # 7"}`,
		site, time.Now().UTC().Format(time.RFC3339Nano), time.Now().Add(2*time.Hour).UTC().Format(time.RFC3339Nano))
	text, err := call(t.Context(), http.MethodPost, s.URL+"/api/v2/silences", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ SilenceID string }
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.SilenceID
}

func shown(t *testing.T, s *Server, id string) string {
	t.Helper()
	text, err := call(t.Context(), http.MethodGet, s.URL+"/api/v2/silence/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSilences leads silences of Git through their lives in the real server.
func TestSilences(t *testing.T) {
	t.Parallel()
	program, files := hub(t)
	wecom, err := NewWeCom(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer wecom.Close()
	dir, repo := t.TempDir(), repository(t)
	config, err := Here(dir, files, wecom.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := started(t, program, config, dir)
	sync := func(code int, args ...string) []string {
		t.Helper()
		return does(t, platform(t, repo, code, append([]string{"silence", "sync", "--alertmanager", s.URL, "-o", "json"}, args...)...))
	}
	status := func(code int) []string {
		t.Helper()
		return does(t, platform(t, repo, code, "silence", "status", "--alertmanager", s.URL, "-o", "json"))
	}
	end := time.Now().Add(24 * time.Hour)
	lima, osaka := "{label: site, value: edge-lima}, {label: absent}", "{label: site, op: =~, value: edge-os.+}, {label: team, op: '!='}"
	silences(t, repo, "shop", entry("lima", lima, end, "The fibre is being mended."), entry("osaka", osaka, end, "A move."))

	same(t, "status before", []string{"kept 0, written 0", "create lima", "create osaka"}, status(1))
	same(t, "dry run", []string{"kept 0, written 0", "create lima", "create osaka"}, sync(0, "--dry-run"))
	same(t, "nothing was written", map[string]int{}, held(t, s))
	same(t, "created", []string{"kept 0, written 2", "create lima", "create osaka"}, sync(0))
	same(t, "held", map[string]int{"active": 2}, held(t, s))
	same(t, "again", []string{"kept 2, written 0"}, sync(0))
	same(t, "status after", []string{"kept 2, written 0"}, status(0))

	// What is silenced is not sent: of two sites one is.
	if err := s.Send(t.Context(), firing("A", "page", "edge-lima", "shop"), firing("A", "page", "edge-perth", "shop")); err != nil {
		t.Fatal(err)
	}
	await(t, 40*time.Second, "a message about edge-perth", func() bool { return len(wecom.Messages()) > 0 })
	same(t, "states", map[string]string{"A edge-lima": "suppressed, silenced", "A edge-perth": "active"}, states(t, s))
	if text := wecom.Messages()[0].Markdown.Content; len(wecom.Messages()) != 1 || strings.Contains(text, "lima") {
		t.Errorf("%d messages, the first:\n%s", len(wecom.Messages()), text)
	}

	// Another reason or end is changed in place; other matchers are another silence.
	silences(t, repo, "shop", entry("lima", lima, end.Add(time.Hour), "It takes longer."), entry("osaka", strings.Replace(osaka, "os.+", "pe.+", 1), end, "A move."))
	same(t, "renewed", []string{"kept 0, written 2", "renew lima", "renew osaka, another id"}, sync(0))
	same(t, "the old one is expired", map[string]int{"active": 2, "expired": 1}, held(t, s))
	same(t, "again", []string{"kept 2, written 0"}, sync(0))
	silences(t, repo, "shop", entry("lima", lima, end.Add(time.Hour), "It takes longer."))
	same(t, "expired", []string{"kept 1, written 1", "expire osaka"}, sync(0))
	same(t, "held", map[string]int{"active": 1, "expired": 2}, held(t, s))

	// A foreign one is reported and not touched, until Git holds it.
	id := foreign(t, s, "edge-tromso")
	before := shown(t, s, id)
	same(t, "reported", []string{"kept 1, written 0", "foreign by night-shift"}, status(1))
	same(t, "left alone", []string{"kept 1, written 0", "foreign by night-shift"}, sync(0))
	same(t, "the foreign silence", before, shown(t, s, id))
	printed := platform(t, repo, 0, "silence", "import", "--alertmanager", s.URL)
	platform(t, repo, 0, "silence", "import", "--alertmanager", s.URL, "--write", "night")
	same(t, "printed and written", strings.Replace(printed, "name: adopted\n", "name: night\n", 1), read(t, filepath.Join(repo, "policies", "silences", "night.yaml")))
	platform(t, repo, 0, "check", "-c", "hub")
	name := regexp.MustCompile(`adopted-\w+`).FindString(printed)
	same(t, "adopted", []string{"kept 1, written 1", "adopt " + name}, sync(0))
	same(t, "status then", []string{"kept 2, written 0"}, status(0))

	// A server that lost its memory gets all of it back.
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	platform(t, repo, 5, "silence", "sync", "--alertmanager", s.URL)
	s = started(t, program, config, dir)
	lost := held(t, s)["active"]
	again := sync(0)
	same(t, "after kill -9", fmt.Sprintf("kept %d, written %d", lost, 2-lost), again[0])
	same(t, "held", 2, held(t, s)["active"])
	same(t, "status at last", []string{"kept 2, written 0"}, status(0))
	if err := os.Remove(filepath.Join(repo, "policies", "silences", "night.yaml")); err != nil {
		t.Fatal(err)
	}
	same(t, "the adopted one, gone from Git", []string{"kept 1, written 1", "expire " + name}, sync(0))
}

// TestChangedByHand shows that what somebody made of a silence of ours is theirs.
func TestChangedByHand(t *testing.T) {
	t.Parallel()
	s, _ := running(t)
	repo := repository(t)
	silences(t, repo, "shop", entry("lima", "{label: site, value: edge-lima}", time.Now().Add(24*time.Hour), "The fibre."))
	platform(t, repo, 0, "silence", "sync", "--alertmanager", s.URL)
	text, err := call(t.Context(), http.MethodGet, s.URL+"/api/v2/silences", nil)
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	list[0]["matchers"] = []any{map[string]any{"name": "site", "value": "edge-.*", "isRegex": true, "isEqual": true}}
	changed, err := json.Marshal(list[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call(t.Context(), http.MethodPost, s.URL+"/api/v2/silences", changed); err != nil {
		t.Fatal(err)
	}
	args := []string{"silence", "sync", "--alertmanager", s.URL, "-o", "json"}
	same(t, "sync", []string{"kept 0, written 1", "create lima", "foreign by shop"}, does(t, platform(t, repo, 0, args...)))
	same(t, "held", map[string]int{"active": 2, "expired": 1}, held(t, s))
}

// TestPair runs the two instances of the hub: a silence reaches both through one,
// an alert that both are sent is one message, and one that starts with an empty
// disk gets the silences from the other.
func TestPair(t *testing.T) {
	t.Parallel()
	program, files := hub(t)
	wecom, err := NewWeCom(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer wecom.Close()
	ports := freePorts(t, 2)
	const peerTimeout = 3 * time.Second
	start := func(i int) *Server {
		t.Helper()
		dir := t.TempDir()
		config, err := Here(dir, files, wecom.URL)
		if err != nil {
			t.Fatal(err)
		}
		return started(t, program, config, dir, "--cluster.listen-address="+ports[i], "--cluster.peer="+ports[0], "--cluster.peer="+ports[1], "--cluster.peer-timeout="+peerTimeout.String())
	}
	first, second := start(0), start(1)
	repo := repository(t)
	silences(t, repo, "shop", entry("lima", "{label: site, value: edge-lima}", time.Now().Add(24*time.Hour), "The fibre."))
	platform(t, repo, 0, "silence", "sync", "--alertmanager", first.URL)
	await(t, 30*time.Second, "the silence in the second instance", func() bool { return held(t, second)["active"] == 1 })
	same(t, "through the second", []string{"kept 1, written 0"}, does(t, platform(t, repo, 0, "silence", "sync", "--alertmanager", second.URL, "-o", "json")))
	for _, s := range []*Server{first, second} {
		if err := s.Send(t.Context(), firing("A", "page", "edge-perth", "shop")); err != nil {
			t.Fatal(err)
		}
	}
	await(t, 40*time.Second, "a message", func() bool { return len(wecom.Messages()) > 0 })
	time.Sleep(2 * peerTimeout) // after which the other one would have told too
	same(t, "messages", 1, len(wecom.Messages()))
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	first = start(0)
	await(t, 60*time.Second, "the silence back in the first instance", func() bool { return held(t, first)["active"] == 1 })
}

// freePorts are addresses where nobody listens.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		out = append(out, l.Addr().String())
	}
	return out
}
