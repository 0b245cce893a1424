package validate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// standIn, set in the environment, makes this test's binary play a judge.
const standIn = "DUALTRACK_TEST_JUDGE"

func TestMain(m *testing.M) {
	switch os.Getenv(standIn) {
	case "":
		os.Exit(m.Run())
	case "dies":
		fmt.Fprintln(os.Stderr, "one\nno memory")
		os.Exit(3)
	case "short":
		fmt.Println(`{"version":"1","answers":[]}`)
	default:
		var q question
		if err := json.NewDecoder(os.Stdin).Decode(&q); err != nil {
			os.Exit(1)
		}
		answers := []map[string]any{}
		for _, s := range q.Subjects {
			a := map[string]any{"name": s.Name, "accepted": []string{fmt.Sprint(len(s.Files), " files, opaque ", s.Opaque)}}
			text := s.Files["/etc/shop/shop.yaml"]
			if text == "bad" || os.Getenv(standIn) == "refuses" || os.Getenv(standIn) == "strict" && strict(text) != nil {
				a = map[string]any{"name": s.Name, "problems": []Problem{{File: "/etc/shop/shop.yaml", Line: 1, Message: "is bad"}}}
			}
			if text == "none" {
				a = map[string]any{"name": s.Name, "nothing": "its program reads nothing"}
			}
			answers = append(answers, a)
		}
		data, err := json.Marshal(map[string]any{"version": "2.0.1", "answers": answers})
		if err != nil {
			os.Exit(1)
		}
		fmt.Println(string(data))
	}
}

// strict refuses a configuration whose listen and name are not what they must be.
func strict(text string) error {
	var c struct {
		Listen *int    `json:"listen"`
		Name   *string `json:"name"`
	}
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	if c.Listen == nil || c.Name == nil {
		return errors.New("a field is missing")
	}
	return nil
}

const workload = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: orders}
spec:
  template:
    spec:
      containers:
        - name: shop
          image: example.test/shop:1
          args: [--config=/etc/shop/shop.yaml, --site=$(SITE), $(UNKNOWN), $$(SITE)]
          env:
            - {name: SITE, valueFrom: {configMapKeyRef: {name: site, key: name}}}
            - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
          volumeMounts:
            - {name: config, mountPath: /etc/shop}
            - {name: one, mountPath: /etc/one.yaml, subPath: one.yaml}
            - {name: tls, mountPath: /etc/tls}
            - {name: data, mountPath: /data}
            - {name: gone, mountPath: /gone}
        - {name: other, image: example.test/other:1}
      volumes:
        - {name: config, configMap: {name: shop}}
        - {name: one, configMap: {name: shop, items: [{key: shop.yaml, path: one.yaml}]}}
        - {name: tls, secret: {secretName: tls}}
        - {name: data, emptyDir: {}}
        - {name: gone, configMap: {name: gone}}
`

const held = `
apiVersion: v1
kind: ConfigMap
metadata: {name: shop, namespace: orders}
data: {shop.yaml: "listen: 1\n"}
`

func bundle(t *testing.T, cluster string, documents ...string) *render.Bundle {
	t.Helper()
	b := &render.Bundle{Cluster: cluster}
	for _, d := range documents {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(d), &o.Object); err != nil {
			t.Fatal(err)
		}
		b.Objects = append(b.Objects, render.Object{Unstructured: o, Component: "shop"})
	}
	return b
}

func checkers(j judge) []Checker {
	return []Checker{{Name: "shop", How: ByLibrary, Images: []string{"shop"}, judge: j}, {Name: "nets", How: ByLibrary, Groups: []string{"net.test"}, judge: j}}
}

func TestSubjects(t *testing.T) {
	site := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: site, namespace: orders}\ndata: {name: lima}\n"
	rule := "apiVersion: net.test/v1\nkind: Rule\nmetadata: {name: %s, namespace: orders}\n"
	b := bundle(t, "site", workload, held, site, fmt.Sprintf(rule, "a"), fmt.Sprintf(rule, "b"))
	got := Subjects(b, checkers(nil), map[string]string{"shop": "example.test/shop:1"})
	want := []Subject{{
		Cluster: "site", Component: "shop", Name: "Deployment orders/shop shop", Readers: []string{"shop"},
		Object:   finding.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "orders", Name: "shop"},
		Files:    map[string]string{"/etc/shop/shop.yaml": "listen: 1\n", "/etc/one.yaml": "listen: 1\n"},
		Secrets:  []string{"/etc/tls"},
		Dirs:     []string{"/data"},
		Args:     []string{"--config=/etc/shop/shop.yaml", "--site=lima", "$(UNKNOWN)", "$(SITE)"},
		Env:      map[string]string{"SITE": "lima", "IP": "127.0.0.1"},
		Problems: []Problem{{Message: "mounts ConfigMap orders/gone, which the cluster's bundle does not hold"}},
	}, {
		Cluster: "site", Component: "shop", Name: "objects of net.test", Readers: []string{"nets"},
		Object:  finding.Object{APIVersion: "net.test/v1", Kind: "Rule", Namespace: "orders", Name: "a"},
		Objects: []map[string]any{b.Objects[3].Object, b.Objects[4].Object},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("subjects (-want +got):\n%s", diff)
	}
}

// machine is one with this test's binary as every judge but one.
type machine struct{ missing string }

func (f machine) Find(_ context.Context, name string) (string, error) {
	if name == f.missing {
		return "", &MissingError{Program: name, Mend: "install it"}
	}
	return os.Executable()
}

func subject(cluster, text string) Subject {
	return Subject{Cluster: cluster, Component: "shop", Name: "Deployment orders/shop shop", Readers: []string{"shop"},
		Files: map[string]string{"/etc/shop/shop.yaml": text}, Secrets: []string{"/etc/tls"}}
}

func TestRun(t *testing.T) {
	t.Setenv(standIn, "answers")
	subjects := []Subject{subject("hub", "good"), subject("lima", "bad"), subject("oslo", "good"), subject("perth", "none"), {Cluster: "hub", Component: "net", Name: "objects of net.test", Readers: []string{"nets"}}}
	got, err := Run(t.Context(), checkers(library{}), machine{missing: "nets"}, subjects)
	if err != nil {
		t.Fatal(err)
	}
	want := []Row{
		{Component: "net", What: "objects of net.test", By: "nets", How: ByLibrary, Skipped: "nets is not to be had; install it", Clusters: []string{"hub"}},
		{Component: "shop", What: "Deployment orders/shop shop", By: "shop", How: ByLibrary, Version: "2.0.1", Accepted: []string{"1 files, opaque [/etc/tls]"}, Clusters: []string{"hub", "oslo"}},
		{Component: "shop", What: "Deployment orders/shop shop", By: "shop", How: ByLibrary, Version: "2.0.1", Clusters: []string{"lima"},
			Problems: []Problem{{File: "/etc/shop/shop.yaml", Line: 1, Message: "is bad"}}},
		{Component: "shop", What: "Deployment orders/shop shop", By: "shop", How: ByLibrary, Version: "2.0.1", Nothing: "its program reads nothing", Clusters: []string{"perth"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	findings := Findings(got)
	if len(findings) != 1 || !findings[0].Denies() || findings[0].Message != "shop refuses it: /etc/shop/shop.yaml:1: is bad" {
		t.Errorf("findings: %+v", findings)
	}
}

func TestRunFails(t *testing.T) {
	for how, want := range map[string]string{"dies": "exit status 3: no memory", "short": "shop answered for 0 of 1 configurations"} {
		t.Run(how, func(t *testing.T) {
			t.Setenv(standIn, how)
			_, err := Run(t.Context(), checkers(library{}), machine{}, []Subject{subject("hub", "good")})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		})
	}
}

// script is a program that is a shell script.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "reader")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n[ \"$1\" = --version ] && { echo reader version v1.2.3-rc.1; exit; }\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProgram(t *testing.T) {
	reads := program{flags: []string{"--config"}, args: func(files []string) []string { return append([]string{"validate"}, files...) }}
	file := map[string]string{"/etc/shop/shop.yaml": "data: /data/db\nca: /etc/tls/ca.crt\nurl: https://host/data/x\n"}
	whole := Subject{Name: "s", Files: file, Secrets: []string{"/etc/tls"}, Dirs: []string{"/data"}, Args: []string{"--config", "/etc/shop/shop.yaml"}, Env: map[string]string{"SITE": "lima"}}
	elsewhere := whole
	elsewhere.Args = []string{"--config=/elsewhere.yaml"}
	without := whole
	without.Args = nil
	for name, tt := range map[string]struct {
		script  string
		subject Subject
		want    Answer
	}{
		"sees the files": {`d=$(sed -n 's/^data: //p' "$2"); c=$(sed -n 's/^ca: //p' "$2"); test -d "${d%/db}" && test -f "$c" && grep -q 'url: https://host/data/x' "$2" && test "$SITE" = lima`,
			whole, Answer{Accepted: []string{"1 file, 3 lines"}}},
		"refuses":        {`echo "2026/11/25 10:00:00 cannot read $2" >&2; exit 1`, whole, Answer{Problems: []Problem{{Message: "cannot read /etc/shop/shop.yaml"}}}},
		"nothing there":  {`exit 0`, elsewhere, Answer{Problems: []Problem{{File: "/elsewhere.yaml", Message: "nothing is mounted there"}}}},
		"no flag at all": {`exit 0`, without, Answer{Problems: []Problem{{Message: "its arguments have none of [--config], so it has no configuration"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			version, got, err := reads.Judge(t.Context(), script(t, tt.script), []Subject{tt.subject})
			if err != nil || version != "1.2.3-rc.1" {
				t.Fatalf("version %q, error %v", version, err)
			}
			if diff := cmp.Diff([]Answer{tt.want}, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProgramHangs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := program{}.Judge(ctx, script(t, "sleep 60"), []Subject{subject("hub", "good")})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// FuzzExpand holds that expanding ends and leaves text without references alone.
func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"", "$", "$$", "$(", "$(A)", "$(A", "a$(B)c$$(A)", "$)("} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := expand(text, map[string]string{"A": "value"})
		if !strings.Contains(text, "$") && got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}

// FuzzRewrite holds that nothing is moved but what stands below a mount.
func FuzzRewrite(f *testing.F) {
	for _, seed := range []string{"/etc/shop/a", "x=/etc/shop", "/etc/shopping", "https://h/etc/shop", "//etc/shop", "../etc/shop"} {
		f.Add(seed)
	}
	m := mounts{root: "/root", at: []string{"/etc/shop"}}
	f.Fuzz(func(t *testing.T, text string) {
		if got := m.rewrite(text); !strings.Contains(text, "/etc/shop") && got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}

// TestReaders holds that each reader of an image judges its configurations.
func TestReaders(t *testing.T) {
	t.Setenv(standIn, "answers")
	two := append(checkers(library{}), Checker{Name: "till", How: ByProgram, Images: []string{"shop"}, judge: library{}})
	subjects := Subjects(bundle(t, "hub", workload, held), two, map[string]string{"shop": "example.test/shop:1"})
	rows, err := Run(t.Context(), two, machine{}, subjects)
	if err != nil {
		t.Fatal(err)
	}
	var by []string
	for _, r := range rows {
		by = append(by, r.By)
	}
	if diff := cmp.Diff([]string{"shop", "till"}, by); diff != "" {
		t.Errorf("judges of one configuration (-want +got):\n%s", diff)
	}
}
