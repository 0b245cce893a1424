package netrc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, text, want string }{
		{"one line", "machine host login me password word", "me:word"},
		{"lines", "machine host\n\tlogin me\n\tpassword word\n", "me:word"},
		{"account", "machine host login me account x password word", "me:word"},
		{"the first counts", "machine host login me password word\nmachine host login x password y\n", "me:word"},
		{"another", "machine other login x password y\nmachine host login me password word\n", "me:word"},
		{"default", "machine other login x password y\ndefault login me password word\n", "me:word"},
		{"none", "machine other login x password y\n", ""},
		{"nothing", "", ""},
		{"comment", "# machine host login x password y\nmachine host login me # not this\npassword word\n", "me:word"},
		{"macro", "macdef init\nmachine host login x password y\n\nmachine host login me password word\n", "me:word"},
		{"quotes", `machine host login "me" password "word"`, "me:word"},
		{"a password that is a keyword", "machine host login machine password login\n", "machine:login"},
		{"other case", "machine HOST login me password word", "me:word"},
		{"cut off", "machine host login", ":"},
	}
	for _, c := range cases {
		got := ""
		if l := Find(c.text, "host"); l != nil {
			got = l.User + ":" + l.Password
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// FuzzFind: no panic, and no word that does not stand in the file.
func FuzzFind(f *testing.F) {
	f.Add("machine host login me password word", "host")
	f.Add("macdef x\n\ndefault login a", "host")
	f.Fuzz(func(t *testing.T, text, host string) {
		if l := Find(text, host); l != nil && (!strings.Contains(text, l.User) || !strings.Contains(text, l.Password)) {
			t.Errorf("%q gives %q, %q", text, l.User, l.Password)
		}
	})
}
