package tuner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/etcdbench"
	"dualtrack.internal/platform/tool"
	knobs "dualtrack.internal/platform/tune"
)

// TestSettings: what the tuner proposes is what etcd is started with.
func TestSettings(t *testing.T) {
	t.Parallel()
	w := walker{programs: map[string]string{tool.Etcd: "/bin/etcd"}}
	for _, c := range []struct {
		knobs knobs.Knobs
		words string
		env   []string
	}{
		{ordinary(), "GOGC 100 and no limit", []string{"GOGC=100"}},
		{tight(), "GOGC 20 and no limit", []string{"GOGC=20"}},
		{knobs.Knobs{GOGC: 50, Limit: 1 << 30}, "GOGC 50 and a limit of 1024 MiB", []string{"GOGC=50", "GOMEMLIMIT=1073741824"}},
	} {
		if diff := cmp.Diff(etcdbench.Setting{Binary: "/bin/etcd", Env: c.env}, w.setting(c.knobs)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.words, diff)
		}
		if diff := cmp.Diff(c.words, say(c.knobs)); diff != "" {
			t.Errorf("words (-want +got):\n%s", diff)
		}
	}
}
