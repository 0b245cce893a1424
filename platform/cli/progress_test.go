package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"dualtrack.internal/platform/report"
)

// clock gives a time that is half a second later at each look.
func clock() func() time.Time {
	now := time.Unix(1000, 0)
	return func() time.Time {
		now = now.Add(500 * time.Millisecond)
		return now
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	e := &environment{Streams: Streams{Err: &b, Now: clock()}}
	p := e.newProgress()
	p.Update("hub", "starting")
	p.Update("hub", "starting") // the same is not said twice
	p.Update("edge-1", "starting")
	p.Update("hub", "etcd")
	p.Done("hub", "in sync by both tracks")
	p.Close()
	want := "   0.5s  hub            starting\n" +
		"   1.0s  edge-1         starting\n" +
		"   1.5s  hub            etcd\n" +
		"   2.0s  hub            in sync by both tracks\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestQuiet(t *testing.T) {
	t.Parallel()
	for _, terminal := range []bool{true, false} {
		var b bytes.Buffer
		e := &environment{Streams: Streams{Err: &b, Now: clock(), Terminal: terminal}, quiet: true}
		p := e.newProgress()
		p.Update("hub", "starting")
		p.Done("hub", "done")
		p.Close()
		e.progressf("a remark")
		if b.Len() > 0 {
			t.Errorf("terminal %v: -q says %q", terminal, b.String())
		}
	}
}

// TestBarsEnd: bars that nobody ended, or that never began, do not hold the program.
func TestBarsEnd(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(progress){
		"none":     func(progress) {},
		"open":     func(p progress) { p.Update("hub", "starting") },
		"ended":    func(p progress) { p.Done("hub", "done") },
		"again":    func(p progress) { p.Done("hub", "done"); p.Update("hub", "more"); p.Done("hub", "done") },
		"together": together,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &environment{Streams: Streams{Err: io.Discard, Now: time.Now, Terminal: true}}
			p := e.newProgress()
			if _, ok := p.(*bars); !ok {
				t.Fatalf("a terminal gets %T", p)
			}
			use(p)
			closed := make(chan struct{})
			go func() {
				defer close(closed)
				p.Close()
			}()
			select {
			case <-closed:
			case <-time.After(30 * time.Second):
				t.Fatal("Close waits for ever")
			}
		})
	}
}

func together(p progress) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				p.Update(fmt.Sprintf("edge-%d", i%4), fmt.Sprintf("step %d", j))
			}
			if i < 2 {
				p.Done(fmt.Sprintf("edge-%d", i), "done")
			}
		})
	}
	wg.Wait()
}

func TestSmart(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		terminal bool
		env      map[string]string
		want     bool
	}{
		{"a terminal", true, nil, true},
		{"a named terminal", true, map[string]string{"TERM": "xterm"}, true},
		{"a file", false, map[string]string{"TERM": "xterm"}, false},
		{"a dumb terminal", true, map[string]string{"TERM": "dumb"}, false},
		{"CI", true, map[string]string{"TERM": "xterm", "CI": "true"}, false},
	}
	for _, c := range cases {
		if got := smart(c.terminal, func(k string) string { return c.env[k] }); got != c.want {
			t.Errorf("%s: smart is %v", c.name, got)
		}
	}
}

// TestWrite: every output that is asked for is written, and an unknown one is
// the user's mistake.
func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out.json")
	var out bytes.Buffer
	e := &environment{Streams: Streams{Out: &out}, result: &report.Result{Command: "down"}}
	if err := e.write(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("0 clusters removed\n", out.String()); diff != "" {
		t.Errorf("without -o (-want +got):\n%s", diff)
	}
	out.Reset()
	e.outputs = []string{"yaml", "json=" + path}
	if err := e.write(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "apiVersion: "+report.Version+"\n") {
		t.Errorf("-o yaml: %s", out.String())
	}
	if data, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(data), "{\n") {
		t.Errorf("-o json=PATH: %s, %v", data, err)
	}
	for name, c := range map[string]struct {
		output string
		code   int
	}{
		"unknown format": {"xml", exitUsage},
		"no such folder": {"json=" + filepath.Join(path, "x.json"), exitEnvironment},
	} {
		e.outputs = []string{c.output}
		if got := exitCode(t.Context(), nil, e.write()); got != c.code {
			t.Errorf("%s: exit %d, want %d", name, got, c.code)
		}
	}
}

// TestAdoptLogs changes loggers of the whole process, so nothing runs beside it.
func TestAdoptLogs(t *testing.T) {
	old, flags := log.Writer(), log.Flags()
	t.Cleanup(func() {
		log.SetOutput(old)
		log.SetFlags(flags)
		klog.ClearLogger()
	})
	var b bytes.Buffer
	e := &environment{Streams: Streams{Err: &b}}
	e.adoptLogs()
	say := func() string {
		b.Reset()
		log.Printf("warning: cannot overwrite table")
		klog.ErrorS(errors.New("refused"), "watch")
		klog.Warning("throttled")
		ctrllog.Log.WithName("cache").Error(errors.New("refused"), "list")
		return b.String()
	}
	if got := say(); got != "" {
		t.Errorf("without -v: %q", got)
	}
	e.verbose = true
	want := "warning: cannot overwrite table\n" +
		`"msg"="watch" "error"="refused"` + "\n" +
		`"level"=0 "msg"="throttled"` + "\n" +
		`cache "msg"="list" "error"="refused"` + "\n"
	if diff := cmp.Diff(want, say()); diff != "" {
		t.Errorf("with -v (-want +got):\n%s", diff)
	}
}
