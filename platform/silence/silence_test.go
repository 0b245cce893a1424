package silence

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// now is between the begin and the end of what git says.
func now() time.Time { return time.Date(2030, 1, 10, 12, 0, 0, 0, time.UTC) }

// git is a silence of Git, changed.
func git(name string, change ...func(*catalog.Silence)) catalog.Silence {
	s := catalog.Silence{
		Name: name, From: "2030-01-10T08:00:00Z", Until: "2030-01-11T08:00:00+00:00", Owner: "shop", Reason: "The fibre is being mended.",
		Matchers: []catalog.Matcher{{Label: "site", Op: "=", Value: "edge-1"}, {Label: "severity", Op: "=~", Value: "ticket|info"}},
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

// written is what an Alertmanager holds after a sync at now.
func written(s catalog.Silence, id string, change ...func(*Held)) Held {
	c := wanted("reference", s)
	from, until := s.Span()
	h := Held{ID: id, State: Pending, Matchers: s.Matchers, From: from, Until: until.UTC(), By: c.Owner, Comment: c.comment()}
	if from.Before(now()) {
		h.State, h.From = Active, now()
	}
	for _, change := range change {
		change(&h)
	}
	return h
}

// does writes a plan in lines.
func does(p Plan) []string {
	out := []string{}
	for _, c := range p.Changes {
		out = append(out, fmt.Sprintf("%s %s %s: %s", c.Do, c.Name, c.ID, c.Why))
	}
	for _, name := range p.Kept {
		out = append(out, "keep "+name)
	}
	for _, name := range p.Ended {
		out = append(out, "ended "+name)
	}
	for _, f := range p.Foreign {
		out = append(out, strings.TrimSpace("foreign "+f.ID+" "+f.Why))
	}
	return out
}

func TestCompare(t *testing.T) {
	t.Parallel()
	owner := func(s *catalog.Silence) { s.Owner = "traffic" }
	reason := func(s *catalog.Silence) { s.Reason = "Another one." }
	longer := func(s *catalog.Silence) { s.Until = "2030-01-12T08:00:00Z" }
	narrower := func(s *catalog.Silence) { s.Matchers = s.Matchers[:1] }
	turned := func(s *catalog.Silence) { s.Matchers = []catalog.Matcher{s.Matchers[1], s.Matchers[0]} }
	later := func(s *catalog.Silence) { s.From = "2030-01-10T20:00:00Z" }
	over := func(s *catalog.Silence) { s.Until = "2030-01-10T12:00:00Z" }
	plain := func(h *Held) { h.By, h.Comment = "night shift", "we know" }
	cases := map[string]struct {
		want []catalog.Silence
		held []Held
		does []string
	}{
		"nothing":                   {does: []string{}},
		"missing":                   {[]catalog.Silence{git("a")}, nil, []string{"create a : Alertmanager does not hold it"}},
		"held":                      {[]catalog.Silence{git("a")}, []Held{written(git("a"), "1")}, []string{"keep a"}},
		"held, matchers turned":     {[]catalog.Silence{git("a", turned)}, []Held{written(git("a"), "1")}, []string{"keep a"}},
		"pending":                   {[]catalog.Silence{git("a", later)}, []Held{written(git("a", later), "1")}, []string{"keep a"}},
		"expired":                   {[]catalog.Silence{git("a")}, []Held{written(git("a"), "1", func(h *Held) { h.State = Expired })}, []string{"create a : Alertmanager does not hold it"}},
		"other owner":               {[]catalog.Silence{git("a", owner)}, []Held{written(git("a"), "1")}, []string{"renew a 1: Git has changed: owner"}},
		"other reason":              {[]catalog.Silence{git("a", reason)}, []Held{written(git("a"), "1")}, []string{"renew a 1: Git has changed: reason"}},
		"other matchers, other end": {[]catalog.Silence{git("a", longer, narrower)}, []Held{written(git("a"), "1")}, []string{"renew a 1: Git has changed: matchers, end"}},
		"begins later":              {[]catalog.Silence{git("a", later)}, []Held{written(git("a"), "1")}, []string{"renew a 1: Git has changed: begin"}},
		"begins earlier":            {[]catalog.Silence{git("a")}, []Held{written(git("a", later), "1")}, []string{"renew a 1: Git has changed: begin"}},
		"a server's clock ahead": {[]catalog.Silence{git("a")}, []Held{written(git("a"), "1", func(h *Held) { h.From = now().Add(time.Minute) })},
			[]string{"keep a"}},
		"gone from Git": {nil, []Held{written(git("b"), "2"), written(git("a"), "1")},
			[]string{"expire a 1: it is gone from Git", "expire b 2: it is gone from Git"}},
		"ended in Git":                {[]catalog.Silence{git("a", over)}, []Held{written(git("a"), "1")}, []string{"expire a 1: it has ended in Git", "ended a"}},
		"ended in Git and everywhere": {[]catalog.Silence{git("a", over)}, nil, []string{"ended a"}},
		"held twice": {[]catalog.Silence{git("a")}, []Held{written(git("a", reason), "1"), written(git("a"), "2")},
			[]string{"expire a 1: it is held twice", "keep a"}},
		"renamed": {[]catalog.Silence{git("b")}, []Held{written(git("a"), "1")},
			[]string{"create b : Alertmanager does not hold it", "expire a 1: it is gone from Git"}},
		"foreign":                {nil, []Held{written(git("a", narrower), "1", plain)}, []string{"foreign 1"}},
		"foreign, the same":      {[]catalog.Silence{git("a")}, []Held{written(git("a"), "1", plain)}, []string{"adopt a 1: Git holds the same silence"}},
		"foreign, the same, two": {[]catalog.Silence{git("a")}, []Held{written(git("a"), "2", plain), written(git("a"), "1", plain)}, []string{"adopt a 1: Git holds the same silence", "foreign 2"}},
		"foreign, another end":   {[]catalog.Silence{git("a")}, []Held{written(git("a", longer), "1", plain)}, []string{"create a : Alertmanager does not hold it", "foreign 1"}},
		"another fleet's": {nil, []Held{written(git("a"), "1", func(h *Held) { h.Comment = content{Fleet: "other", Name: "a"}.comment() })},
			[]string{"foreign 1 of the fleet other"}},
		"changed by hand": {[]catalog.Silence{git("a")}, []Held{written(git("a"), "1", func(h *Held) { h.Until = h.Until.Add(time.Hour) })},
			[]string{"create a : Alertmanager does not hold it", "foreign 1 made from a by hand"}},
		"a mark copied": {[]catalog.Silence{git("a")}, []Held{written(git("a"), "1"), written(git("b", narrower), "2", func(h *Held) { h.Comment = written(git("a"), "1").Comment })},
			[]string{"keep a", "foreign 2 made from a by hand"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Compare(Source{Fleet: "reference", Wanted: c.want, Now: now()}, c.held)
			if diff := cmp.Diff(c.does, does(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What goes on keeps its begin, so that it can be changed in place.
func TestPost(t *testing.T) {
	t.Parallel()
	changed := git("a", func(s *catalog.Silence) { s.Reason = "Another one." })
	p := Compare(Source{Fleet: "reference", Wanted: []catalog.Silence{changed}, Now: now()}, []Held{written(git("a"), "1", func(h *Held) { h.From = now().Add(-time.Hour) })})
	yes := true
	want := wire{
		ID: "1", StartsAt: now().Add(-time.Hour), EndsAt: time.Date(2030, 1, 11, 8, 0, 0, 0, time.UTC), CreatedBy: "shop",
		Comment:  "Another one. " + wanted("reference", changed).mark(),
		Matchers: []wireMatcher{{Name: "site", Value: "edge-1", IsEqual: &yes}, {Name: "severity", Value: "ticket|info", IsRegex: true, IsEqual: &yes}},
	}
	if diff := cmp.Diff(want, p.Changes[0].post()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	const good = `[{"id":"1","status":{"state":"active"},"updatedAt":"x","comment":"c","createdBy":"b","startsAt":"2030-01-01T00:00:00.5Z","endsAt":"2030-01-02T00:00:00Z",
		"matchers":[{"name":"a","value":"1","isRegex":false},{"name":"b","value":"2","isRegex":true,"isEqual":true},
		{"name":"c","value":"3","isRegex":false,"isEqual":false},{"name":"d","value":"","isRegex":true,"isEqual":false}]}]`
	got, err := parse([]byte(good))
	want := []Held{{ID: "1", State: Active, By: "b", Comment: "c", From: time.Date(2030, 1, 1, 0, 0, 0, 5e8, time.UTC), Until: time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC),
		Matchers: []catalog.Matcher{{Label: "a", Op: "=", Value: "1"}, {Label: "b", Op: "=~", Value: "2"}, {Label: "c", Op: "!=", Value: "3"}, {Label: "d", Op: "!~"}}}}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	cases := []struct{ old, new, want string }{
		{`[{"id"`, `{"id"`, "its answer is no list of silences: "},
		{`"id":"1"`, `"id":""`, "silence 1 of its answer: it has no id that could be one"},
		{`"state":"active"`, `"state":"asleep"`, "silence 1 of its answer: 1 is in no state that is known"},
		{`,"endsAt":"2030-01-02T00:00:00Z"`, ``, "silence 1 of its answer: 1 lacks its begin or its end"},
		{`"2030-01-02T00:00:00Z"`, `"soon"`, "its answer is no list of silences: "},
		{`"name":"b"`, `"name":""`, "silence 1 of its answer: 1 has a matcher without a label"},
		{`"matchers":[`, `"matchers":[],"rest":[`, "silence 1 of its answer: 1 has no matcher"},
	}
	for _, c := range cases {
		if _, err := parse([]byte(strings.Replace(good, c.old, c.new, 1))); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("with %s: %v, want %s", c.new, err, c.want)
		}
	}
}

// FuzzParse holds that any answer gives an error or silences that can be planned
// for, and that a file of what is foreign among them is one that the catalog
// reads.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`[{"id":"1","status":{"state":"active"},"comment":"c","createdBy":"b","startsAt":"2030-01-01T00:00:00Z","endsAt":"2030-01-02T00:00:00Z","matchers":[{"name":"a","value":"1"}]}]`))
	f.Add([]byte(`[{"id":"-","status":{"state":"pending"},"comment":" [dualtrack reference/a 0123456789abcdef]","startsAt":"2030-01-01T00:00:00Z","endsAt":"2030-01-02T00:00:00Z","matchers":[{"name":"é","value":"\u0000","isRegex":true,"isEqual":false}]}]`))
	f.Add([]byte(`[{"id":"1","status":{"state":"active"},"comment":"\u001b[2J","createdBy":"\u0007","startsAt":"2030-01-01T00:00:00Z","endsAt":"2030-01-02T00:00:00Z","matchers":[{"name":"\u001b[31m","value":"\u001b"}]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		held, err := parse(text)
		if err != nil {
			return
		}
		s := Source{Fleet: "reference", Wanted: []catalog.Silence{git("a")}, Now: now()}
		p := Compare(s, held)
		if n := len(p.Kept) + len(p.Changes) + len(p.Foreign); n == 0 {
			t.Error("a wanted silence is neither kept nor changed")
		}
		var out strings.Builder
		if err := newOutcome(s, p).Text(&out); err != nil || strings.ContainsFunc(out.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("%v: %q", err, out.String())
		}
		out.Reset()
		file, _ := adopt("fuzzed", s, held)
		if err := file.Text(&out); err != nil {
			t.Fatal(err)
		}
		if _, err := catalog.ReadSilences("policies/silences/fuzzed.yaml", []byte(out.String())); err != nil {
			t.Errorf("%v\n%s", err, out.String())
		}
	})
}

func TestDial(t *testing.T) {
	t.Parallel()
	cases := []struct{ url, want string }{
		{"http://127.0.0.1:9093", ""},
		{"https://am.example/prefix/", ""},
		{"127.0.0.1:9093", "the Alertmanager's URL is none; write it like http://127.0.0.1:9093"},
		{"ftp://h", "the Alertmanager's URL has no scheme http or https, or no host; write it like http://127.0.0.1:9093"},
		{"http://a:secret@h", "the Alertmanager's URL holds a password, which would stand in outputs and lists of processes; write it like http://127.0.0.1:9093"},
		{"http://h?x=1", "the Alertmanager's URL holds more than a path; write it like http://127.0.0.1:9093"},
	}
	for _, c := range cases {
		_, err := Dial(c.url)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.url, diff)
		}
	}
}

// TestAnswers holds what is said about servers that are no Alertmanager.
func TestAnswers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"nothing there": {http.NotFound, "HOST has no /api/v2/silences; is it an Alertmanager of 0.16 or later, and is the path of the URL right?"},
		"elsewhere":     {http.RedirectHandler("/login", http.StatusFound).ServeHTTP, `HOST answers 302 Found: <a href="/login">Found</a>.`},
		"a page":        {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "HOST: its answer is no list of silences: invalid character '<' looking for beginning of value"},
		"broken": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `"no`+"\n"+`room"`, http.StatusInternalServerError)
		}, "HOST answers 500 Internal Server Error: no room"},
		"escapes": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "\x1b[2Jgone", http.StatusBadGateway) }, "HOST answers 502 Bad Gateway: [2Jgone"},
		"without end": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxAnswer+1)) },
			fmt.Sprintf("HOST: its answer is longer than %d bytes", maxAnswer)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.answer)
			defer server.Close()
			a, err := Dial(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Status(t.Context(), a, Source{})
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(c.want, strings.ReplaceAll(err.Error(), a.base.Host, "HOST")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	a, err := Dial("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Status(t.Context(), a, Source{}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a port where nobody listens: %v", err)
	}
}

// fails takes writes but for one name, and nothing any more after the n-th.
type fails struct {
	name string
	left int
	done []string
}

func (f *fails) put(_ context.Context, w wire) (string, error) {
	f.left--
	switch {
	case f.left < 0:
		return "", ErrUnreachable
	case strings.Contains(w.Comment, "/"+f.name+" "):
		return "", errors.New("refused")
	}
	f.done = append(f.done, w.ID)
	return "new", nil
}

func (f *fails) end(_ context.Context, id string) error {
	if f.left--; f.left < 0 {
		return ErrUnreachable
	}
	f.done = append(f.done, id)
	return nil
}

func TestCarry(t *testing.T) {
	t.Parallel()
	source := Source{Fleet: "reference", Wanted: []catalog.Silence{git("a"), git("b"), git("c")}, Now: now()}
	held := []Held{written(git("old"), "1"), written(git("older"), "2")}
	cases := []struct {
		server fails
		want   string
	}{
		{fails{left: 9}, "created a, created b, created c, expired old, expired older; 5 written; <nil>"},
		{fails{left: 9, name: "b"}, "created a, create b, created c, expired old, expired older; 4 written; create b: refused"},
		{fails{left: 3}, "created a, created b, created c, expire old, expire older; 3 written; expire old: the Alertmanager cannot be reached"},
	}
	for _, c := range cases {
		o := newOutcome(source, Compare(source, held))
		err := carry(t.Context(), &c.server, o)
		var words []string
		for _, change := range o.Changes {
			words = append(words, change.word()+" "+change.Name)
		}
		if diff := cmp.Diff(c.want, fmt.Sprintf("%s; %d written; %v", strings.Join(words, ", "), o.Writes, err)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	source := Source{Fleet: "reference", Wanted: []catalog.Silence{git("a"), git("b")}, Now: now()}
	plain := func(h *Held) { h.By, h.Comment = "night shift", "we know" }
	o := newOutcome(source, Compare(source, []Held{written(git("a"), "1"), written(git("old"), "2", func(h *Held) { h.Until = h.Until.Add(1e9) }), written(git("x", func(s *catalog.Silence) { s.Matchers = s.Matchers[:1] }), "3", plain)}))
	o.Changes[0].Error = "refused"
	var b strings.Builder
	if err := o.Text(&b); err != nil {
		t.Fatal(err)
	}
	want := `create  b  severity=~"ticket|info" site="edge-1" until 2030-01-11T08:00:00Z
        Alertmanager does not hold it
        refused
foreign 2  severity=~"ticket|info" site="edge-1" until 2030-01-11T08:00:01Z
        by "shop": "The fibre is being mended. [dualtrack reference/old 9d8805057f08f95a]"
        made from old by hand
foreign 3  site="edge-1" until 2030-01-11T08:00:00Z
        by "night shift": "we know"
reference: in Git 2, held as they are 1, ended 0; changes 1, written 0; foreign, left alone 2
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.Reset()
	denied := Deny(source, []finding.Finding{{Rule: "DT-SIL-001", Severity: finding.Error, Message: "no owner", Mend: "write one", Position: finding.Position{File: "policies/silences/a.yaml", Line: 3}}})
	if err := denied.Text(&b); err != nil {
		t.Fatal(err)
	}
	want = "policies/silences/a.yaml:3: error: DT-SIL-001: no owner\n    mend: write one\npolicy denies the silences; nothing was asked of the Alertmanager\n"
	if diff := cmp.Diff(want, b.String()); diff != "" || !denied.Differs() {
		t.Errorf("differs %v (-want +got):\n%s", denied.Differs(), diff)
	}
}

// TestImport writes what is foreign and holds that the catalog reads it, and that
// a sync then takes it over.
func TestImport(t *testing.T) {
	t.Parallel()
	odd := func(h *Held) { h.By, h.Comment = " night: shift\n", "we \"know\" # it\nall" }
	other := func(s *catalog.Silence) {
		s.Matchers = []catalog.Matcher{{Label: "a", Op: "!=", Value: "= yes"}, {Label: "b", Op: "!~", Value: `\d+: "x"`}, {Label: "c", Op: "="}}
	}
	held := []Held{
		written(git("a"), "1", func(h *Held) { h.Until = h.Until.Add(time.Hour) }),
		written(git("x", other), "0F3A-9", odd),
		written(git("y", func(s *catalog.Silence) { s.Until = "2030-01-11T09:00:00.5Z" }), "0f3a-9", func(h *Held) { h.By, h.Comment = "", "" }),
		written(git("z"), "3", odd, func(h *Held) { h.Matchers = []catalog.Matcher{{Label: "é", Op: "=", Value: "1"}} }),
	}
	source := Source{Fleet: "reference", Wanted: []catalog.Silence{git("a")}, Now: now()}
	file, left := adopt("night", source, held)
	if diff := cmp.Diff([]string{`3: "é" does not match ^[a-zA-Z_][a-zA-Z0-9_]*$`}, left); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	repository := t.TempDir()
	path, err := file.Write(repository)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(repository, path))
	if err != nil {
		t.Fatal(err)
	}
	read, err := catalog.ReadSilences(path, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var got []string
	for _, s := range read {
		got = append(got, fmt.Sprintf("%s|%s|%s|%s", s.Name, strings.Join(texts(s.Matchers), " "), s.Owner, s.Reason))
	}
	want := []string{
		`adopted-0f3a-9|a!="= yes" b!~"\\d+: \"x\"" c=""|night: shift|we "know" # it` + "\nall",
		`adopted-0f3a-9-2|severity=~"ticket|info" site="edge-1"||`,
		`adopted-1|severity=~"ticket|info" site="edge-1"|shop|The fibre is being mended.`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	source.Wanted = append(source.Wanted, read...)
	adopted := 0
	for _, c := range Compare(source, held).Changes {
		if c.Do == Adopt {
			adopted++
		}
	}
	if adopted != 3 {
		t.Errorf("a sync takes over %d, want 3:\n%s", adopted, strings.Join(does(Compare(source, held)), "\n"))
	}
	if _, err := file.Write(repository); err == nil || err.Error() != "policies/silences/night.yaml is there already; choose another name" {
		t.Errorf("a second time: %v", err)
	}
	file.Metadata.Name = "../x"
	if _, err := file.Write(repository); err == nil {
		t.Error("a file outside policies/silences/ was written")
	}
}
