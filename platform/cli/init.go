package cli

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source"
	"dualtrack.internal/platform/tool"
)

//go:embed initial
var initial embed.FS

// exceptionsFile is where the distribution's own components need a waiver; its
// owner is the repository that takes it over.
const exceptionsFile = "policies/exceptions.yaml"

// firstFleet is what a new repository is made from.
type firstFleet struct {
	Fleet, Hub, Site, Program string
}

func newInit(env *environment) *cobra.Command {
	var f firstFleet
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "Begin a repository of one's own",
		Long: "init writes a fleet of one hub and one site into a folder that is empty or not there yet, and\n" +
			"a platform.lock: components, rules and the programs' modules come with this program.\n" +
			"It writes everything or nothing.",
		Example: "  platform init shops && cd shops && platform check",
		Args:    argsUsage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.Program = env.program()
			return env.begin(cmd.Context(), args[0], f)
		},
	}
	cmd.Flags().StringVar(&f.Fleet, "fleet", "", "name of the fleet (default: the folder's, as far as it is a name)")
	cmd.Flags().StringVar(&f.Hub, "hub", "hub", "name of the hub")
	cmd.Flags().StringVar(&f.Site, "site", "edge-1", "name of the first site")
	return cmd
}

func (e *environment) begin(ctx context.Context, dir string, f firstFleet) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if f.Fleet == "" {
		f.Fleet = nameOf(filepath.Base(abs))
	}
	if err := f.check(); err != nil {
		return err
	}
	base, err := e.distribution()
	if err != nil {
		return err
	}
	files, err := f.files(base)
	if err != nil {
		return err
	}
	if err := source.Vacant(abs); err != nil {
		return usageOfPlace(err)
	}
	if err := e.keep(base); err != nil {
		return err
	}
	// One at a time, so that what an interrupted one left can be told from
	// another's work.
	release, err := tool.Acquire(ctx, filepath.Join(e.cacheDir(), "distribution", "lock"), "beginning a repository", func(h tool.Holder) {
		e.progressf("waiting for %s", h)
	})
	if err != nil {
		return err
	}
	defer release()
	resumed, err := source.Begin(abs, files)
	if err != nil {
		return usageOfPlace(err)
	}
	if resumed {
		_, err = fmt.Fprintf(e.Out, "%s: an interrupted init is finished, with the names it was given\n", dir)
		return err
	}
	_, err = fmt.Fprintf(e.Out, "%s: fleet %s, hub %s, site %s, on distribution %s\n\nNext:\n  cd %s\n  %s check\n  %s up --sites 1\n",
		dir, f.Fleet, f.Hub, f.Site, base.Locked(), dir, f.Program, f.Program)
	return err
}

// usageOfPlace makes a place that cannot be taken the user's mistake.
func usageOfPlace(err error) error {
	if _, ok := errors.AsType[*source.PlaceError](err); ok {
		return &UsageError{Err: err}
	}
	return err
}

// check holds the names against the catalog's own rule.
func (f firstFleet) check() error {
	for _, name := range []struct{ flag, value string }{{"--fleet", f.Fleet}, {"--hub", f.Hub}, {"--site", f.Site}} {
		if len(validation.IsDNS1123Label(name.value)) > 0 {
			return usagef("%s %q is no name: write up to 63 of a-z, 0-9 and -, with a letter or digit at both ends", name.flag, name.value)
		}
	}
	if f.Hub == f.Site {
		return usagef("--hub and --site are both %q: two clusters need two names", f.Hub)
	}
	return nil
}

// nameOf makes a name of a folder's; "fleet" where nothing is left of it.
func nameOf(folder string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, folder), "-")
	if name = strings.Trim(name[:min(len(name), validation.DNS1123LabelMaxLength)], "-"); name == "" {
		return "fleet"
	}
	return name
}

// files are the content of the new repository, by path.
func (f firstFleet) files(base *catalog.Base) (map[string][]byte, error) {
	files := map[string][]byte{
		catalog.LockFile: base.Locked().Write(),
	}
	fill := strings.NewReplacer("{{.Fleet}}", f.Fleet, "{{.Hub}}", f.Hub, "{{.Site}}", f.Site, "{{.Program}}", f.Program)
	for name, to := range map[string]string{
		"fleet.yaml": "clusters/fleet.yaml",
		"hub.yaml":   "clusters/" + f.Hub + "/cluster.yaml",
		"site.yaml":  "clusters/" + f.Site + "/cluster.yaml",
		"README.md":  "README.md",
		"gitignore":  ".gitignore",
	} {
		data, err := fs.ReadFile(initial, "initial/"+name)
		if err != nil {
			return nil, err
		}
		files[to] = []byte(fill.Replace(string(data)))
	}
	if waivers, there := base.Files[exceptionsFile]; there {
		var err error
		if files[exceptionsFile], err = waiversOf(waivers, files["clusters/"+f.Hub+"/cluster.yaml"], files["clusters/"+f.Site+"/cluster.yaml"]); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// waiversOf leaves out what waives findings of components that no cluster has: an
// exception that is of no use is a finding.
func waiversOf(text []byte, clusters ...[]byte) ([]byte, error) {
	list, err := catalog.ParseExceptions(exceptionsFile, text)
	if err != nil {
		return nil, err
	}
	const begin = "\n    - rule: "
	entries := strings.Split(string(text), begin)
	if len(entries) != len(list)+1 {
		return nil, fmt.Errorf("%s: %d entries, and %d that begin a line", exceptionsFile, len(list), len(entries)-1)
	}
	out := entries[0]
	for i, ex := range list {
		if name := ex.Selector.Component; name == "" || slices.ContainsFunc(clusters, func(c []byte) bool { return bytes.Contains(c, []byte("- name: "+name+"\n")) }) {
			out += begin + strings.TrimSuffix(entries[i+1], "\n")
		}
	}
	return []byte(out + "\n"), nil
}

// keep puts a copy of the distribution into the cache, where a later program
// finds it to compare with.
func (e *environment) keep(base *catalog.Base) error {
	if err := e.needCache(); err != nil {
		return err
	}
	if _, err := source.Keep(base, e.cacheDir()); err != nil {
		return fmt.Errorf("%w; make the folder writable, or choose another with --cache-dir", err)
	}
	return nil
}

// exists says whether a folder of the repository is there.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
