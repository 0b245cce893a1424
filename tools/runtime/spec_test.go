package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// status is of a process that lacks bit 24, CAP_SYS_RESOURCE.
const status = "Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t000001fffeffffff\n"

const config = `{"ociVersion":"1.0.2","process":{"args":["/sbin/init"],"capabilities":{` +
	`"bounding":["CAP_CHOWN","CAP_SYS_RESOURCE","CAP_SYS_ADMIN"],"effective":["CAP_SYS_RESOURCE"],"ambient":null},` +
	`"rlimits":[{"type":"RLIMIT_NOFILE","hard":9223372036854775807,"soft":1024}]},"linux":{"resources":{"memory":{"limit":1}}}}`

func TestBounding(t *testing.T) {
	t.Parallel()
	held, err := bounding(status)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"CAP_CHOWN": true, "CAP_SYS_RESOURCE": false, "CAP_CHECKPOINT_RESTORE": true, "CAP_NEWER": false} {
		if held[name] != want {
			t.Errorf("%s is held: %v, want %v", name, held[name], want)
		}
	}
	for _, bad := range []string{"", "CapBnd:\tzz\n"} {
		if _, err := bounding(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	cases := []struct {
		args string
		want call
	}{
		{"--root /r --log /l --log-format json create --bundle /b --pid-file /p id", call{log: "/l", specs: []spec{{"/b/config.json", true}}}},
		{"--log=/l run -b /b id", call{log: "/l", specs: []spec{{"/b/config.json", true}}}},
		{"create id", call{specs: []spec{{"config.json", true}}}},
		{"--log /l exec --process /x --detach id", call{log: "/l", specs: []spec{{"/x", false}}}},
		{"exec --process=/x id", call{specs: []spec{{"/x", false}}}},
		{"--root create state id", call{}}, // a value that looks like a command
		{"kill id --bundle", call{}},
		{"", call{}},
	}
	for _, c := range cases {
		if got := parse(strings.Fields(c.args)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, want %+v", c.args, got, c.want)
		}
	}
}

func TestEditAsksForLess(t *testing.T) {
	t.Parallel()
	held, err := bounding(status)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, config)
	dropped, err := edit(spec{path, true}, held)
	if err != nil || !reflect.DeepEqual(dropped, []string{"CAP_SYS_RESOURCE"}) {
		t.Fatalf("dropped %v, %v", dropped, err)
	}
	want := strings.NewReplacer(`,"CAP_SYS_RESOURCE"`, "", `"CAP_SYS_RESOURCE"`, "").Replace(config)
	if got := read(t, path); !sameJSON(t, got, want) {
		t.Errorf("the file is\n%s\nwant\n%s", got, want)
	}
	if got := read(t, path); !strings.Contains(got, "9223372036854775807") {
		t.Errorf("a limit changed: %s", got)
	}
	before := read(t, path)
	if dropped, err := edit(spec{path, true}, held); err != nil || dropped != nil || read(t, path) != before {
		t.Errorf("a second time drops %v, %v", dropped, err)
	}
}

func TestEditOfOneProcess(t *testing.T) {
	t.Parallel()
	held, err := bounding(status)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "process.json")
	write(t, path, `{"args":["sh"],"capabilities":{"permitted":["CAP_SYS_RESOURCE","CAP_NEWER","CAP_KILL"]}}`)
	dropped, err := edit(spec{path, false}, held)
	if err != nil || !reflect.DeepEqual(dropped, []string{"CAP_NEWER", "CAP_SYS_RESOURCE"}) {
		t.Errorf("dropped %v, %v", dropped, err)
	}
	if got := read(t, path); !sameJSON(t, got, `{"args":["sh"],"capabilities":{"permitted":["CAP_KILL"]}}`) {
		t.Errorf("the file is %s", got)
	}
	for name, text := range map[string]string{"no JSON": "{", "a list": "[]"} {
		write(t, path, text)
		if _, err := edit(spec{path, false}, held); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEverythingHeldChangesNothing(t *testing.T) {
	t.Parallel()
	held, err := bounding("CapBnd:\tffffffffffffffff\n")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, config)
	if dropped, err := edit(spec{path, true}, held); err != nil || dropped != nil || read(t, path) != config {
		t.Errorf("dropped %v, %v, or the file changed", dropped, err)
	}
}

func TestNote(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.json")
	write(t, path, "{\"level\":\"info\"}\n")
	note(path, "/b/config.json", []string{"CAP_X", "CAP_Y"})
	lines := strings.Split(strings.TrimSpace(read(t, path)), "\n")
	var got map[string]string
	if len(lines) != 2 || json.Unmarshal([]byte(lines[1]), &got) != nil || got["level"] != "warning" || !strings.Contains(got["msg"], "CAP_X, CAP_Y") {
		t.Errorf("the log is %q", lines)
	}
}

// FuzzStrip holds that nothing is ever added and nothing unheld stays.
func FuzzStrip(f *testing.F) {
	f.Add([]byte(config), true)
	f.Add([]byte(`{"capabilities":{"bounding":[1,"CAP_KILL"]}}`), false)
	held := map[string]bool{"CAP_KILL": true}
	f.Fuzz(func(t *testing.T, data []byte, bundle bool) {
		out, dropped, err := strip(data, bundle, held)
		if err != nil {
			return
		}
		again, more, err := strip(out, bundle, held)
		if err != nil || len(more) > 0 || string(again) != string(out) {
			t.Errorf("%s: a second time drops %v of %v, %v", data, more, dropped, err)
		}
		if len(out) > 6*len(data)+64 { // escapes grow, nothing else does
			t.Errorf("%d bytes became %d", len(data), len(out))
		}
	})
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
