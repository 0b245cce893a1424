package catalog

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// lockHead stands above a lock that pins sources.
const lockHead = "# Written by `platform lock` and `platform upgrade`; comments are not kept.\n"

// Write gives the content of a platform.lock that names the distribution.
func (d LockedDistribution) Write() []byte {
	return LockSpec{Distribution: d}.Write()
}

// Write gives the content of a platform.lock: the same for the same spec, to the
// byte.
func (s LockSpec) Write() []byte {
	var out bytes.Buffer
	if len(s.Sources) == 0 {
		out.WriteString("# The distribution this repository stands on. `platform upgrade` moves it.\n")
	} else {
		out.WriteString(lockHead)
	}
	fmt.Fprintf(&out, "apiVersion: %s\nkind: Lock\nmetadata:\n  name: platform\n", APIVersion)
	if s.Distribution.Digest == "" && len(s.Sources) == 0 {
		out.WriteString("spec: {}\n")
		return out.Bytes()
	}
	out.WriteString("spec:\n")
	if d := s.Distribution; d.Digest != "" {
		fmt.Fprintf(&out, "  distribution:\n    version: %s\n    digest: %s\n", d.Version, d.Digest)
	}
	if len(s.Sources) > 0 {
		out.WriteString("  sources:\n")
	}
	for _, name := range sortedKeys(s.Sources) {
		l := s.Sources[name]
		fmt.Fprintf(&out, "    %s:\n", plainText(name))
		for _, f := range []struct{ key, value string }{
			{"wants", l.Wants}, {"version", l.Version}, {"url", l.URL}, {"revision", l.Revision}, {"format", l.Format}, {"digest", l.Digest},
		} {
			if f.value != "" {
				fmt.Fprintf(&out, "      %s: %s\n", f.key, plainText(f.value))
			}
		}
		fmt.Fprintf(&out, "      size: %d\n", l.Size)
	}
	return out.Bytes()
}

// plainText writes a text as YAML, in quotes where another type would be read.
func plainText(text string) string {
	data, err := yaml.Marshal(text)
	if err != nil { // a text that is no UTF-8, which no reader has let in
		return fmt.Sprintf("%q", text)
	}
	return strings.TrimSuffix(string(data), "\n")
}
