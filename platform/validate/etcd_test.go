package validate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEtcdFlags: etcd is asked about the flags of kubeadm's configuration, and
// about nothing else in it.
func TestEtcdFlags(t *testing.T) {
	t.Parallel()
	path := script(t, `for a; do case $a in --limit=*|--metrics=basic|--version) ;; *) echo; echo "unknown flag: $a"; echo Usage; exit 2;; esac; done`)
	const cluster = "kind: ClusterConfiguration\netcd:\n  local:\n    extraArgs: "
	subjects := []Subject{
		{Name: "good", Files: map[string]string{"/a.yaml": "kind: InitConfiguration\n---\n" + cluster + "{metrics: basic, limit: \"5\"}\n---\nkind: KubeletConfiguration\n"}},
		{Name: "misspelt", Files: map[string]string{"/a.yaml": cluster + "{limitx: 5, metrics: basic}\n"}},
		{Name: "without", Files: map[string]string{"/a.yaml": "kind: JoinConfiguration\netcd: {local: {extraArgs: {a: b}}}\n"}},
		{Name: "broken", Files: map[string]string{"/a.yaml": "kind: [\n"}},
	}
	version, got, err := etcdFlags{}.Judge(t.Context(), path, subjects)
	if err != nil {
		t.Fatal(err)
	}
	want := []Answer{
		{Accepted: []string{"2 flags"}},
		{Problems: []Problem{{Path: "etcd.local.extraArgs", Message: "unknown flag: --limitx=5"}}},
		{Nothing: "it sets no flag of etcd"},
		{Nothing: "it sets no flag of etcd"},
	}
	if diff := cmp.Diff(want, got); diff != "" || version != "1.2.3-rc.1" {
		t.Errorf("version %s, answers (-want +got):\n%s", version, diff)
	}
}
