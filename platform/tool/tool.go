// Package tool builds the programs under tools/ on first use and keeps them in
// the user's cache: etcd, the Kubernetes control plane, the node simulator, the
// balancer, and the programs of a node image. It also holds the one kind of file lock the CLI uses, and says
// before a first run whether the machine has what it takes. It never runs the
// programs it builds and never changes a module file.
package tool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/adrg/xdg"
	"golang.org/x/sync/errgroup"
)

// Config says what is built and where it is kept.
type Config struct {
	ToolsDir string    // folder of the programs' modules, tools/ of the repository
	CacheDir string    // where built programs are kept; "" means DefaultCacheDir
	Programs []Program // what every cluster needs; see Programs
	Named    []Program // what is built only when asked for by name; see NodePrograms
}

// Program is one program of a nested module.
type Program struct {
	Name    string   // also the name of the binary
	Dir     string   // its module's folder, relative to ToolsDir
	Package string   // import path, or "." for the module's root
	Tags    []string // build tags
	LDFlags string   // linker flags
	// Expected is how long a first build takes on two idle cores.
	Expected time.Duration
}

// Store is a cache of built programs.
type Store struct {
	cfg      Config
	programs map[string]Program
}

// DefaultCacheDir is the folder for built programs in the user's cache.
func DefaultCacheDir() string { return filepath.Join(xdg.CacheHome, "dualtrack", "tools") }

// New makes a store. It touches no file.
func New(cfg Config) (*Store, error) {
	if cfg.CacheDir == "" {
		cfg.CacheDir = DefaultCacheDir()
	}
	if cfg.ToolsDir == "" {
		return nil, errors.New("the folder of the tools' modules is not set")
	}
	for _, dir := range []*string{&cfg.ToolsDir, &cfg.CacheDir} {
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return nil, fmt.Errorf("folder %s: %w", *dir, err)
		}
		*dir = abs
	}
	s := &Store{cfg: cfg, programs: map[string]Program{}}
	for _, p := range slices.Concat(cfg.Programs, cfg.Named) {
		if _, twice := s.programs[p.Name]; twice || p.Name == "" || p.Name != filepath.Base(p.Name) {
			return nil, fmt.Errorf("program %q: name is empty, a path, or given twice", p.Name)
		}
		s.programs[p.Name] = p
	}
	return s, nil
}

// CacheDir is the folder that holds the built programs.
func (s *Store) CacheDir() string { return s.cfg.CacheDir }

// State is what is being done for a program.
type State string

// The states a listener sees. A program found in the cache is not reported.
const (
	Waiting  State = "waiting"  // another process builds; Progress.Holder says who
	Building State = "building" // go build runs
	Built    State = "built"
	Failed   State = "failed"
)

// Progress is one event of a build. Building is reported at its start and once
// a second from then on.
type Progress struct {
	Program  string // "" while waiting for another process
	State    State
	Elapsed  time.Duration
	Expected time.Duration // the last build's time here, else one measured on two idle cores
	Holder   Holder        // only with Waiting
}

// Events tells a listener what the store does; a nil field is skipped. Calls
// may come from several goroutines.
type Events struct {
	Progress func(Progress)
}

func (e Events) send(p Progress) {
	if e.Progress != nil {
		e.Progress(p)
	}
}

// UnknownError says that no such program is known.
type UnknownError struct {
	Name  string
	Known []string
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("no program %q; the known ones are %v", e.Name, e.Known)
}

// Ensure returns the paths of the named programs, building those that the
// cache lacks. Empty names mean all but Config.Named. A hit is silent. Errors:
// *UnknownError, *GoError, *BuildError, *HeldError.
func (s *Store) Ensure(ctx context.Context, names []string, ev Events) (map[string]string, error) {
	paths, missing, err := s.lookup(names)
	if err != nil || len(missing) == 0 {
		return paths, err
	}
	toolchain, err := findGo()
	if err != nil {
		return nil, err
	}
	release, err := Acquire(ctx, filepath.Join(s.cfg.CacheDir, "lock"), "building programs", func(h Holder) {
		ev.send(Progress{State: Waiting, Holder: h})
	})
	if _, held := errors.AsType[*HeldError](err); err != nil && !held {
		return nil, fmt.Errorf("build programs: %w; %s", err, mendPlace)
	}
	if err != nil {
		return nil, fmt.Errorf("build programs: %w", err)
	}
	defer release()
	if paths, missing, err = s.lookup(names); err != nil || len(missing) == 0 {
		return paths, err
	}
	if err := s.sweep(); err != nil {
		return nil, err
	}
	built := make([]string, len(missing))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, runtime.NumCPU()/2)) // go build uses the cores itself; only linking does not
	for i, p := range missing {
		g.Go(func() (err error) {
			built[i], err = s.build(ctx, p, toolchain, ev)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, p := range missing {
		paths[p.Name] = built[i]
	}
	return paths, nil
}

// Missing lists the named programs that are not built yet, in order. Empty names
// mean all but Config.Named.
func (s *Store) Missing(names []string) ([]string, error) {
	_, missing, err := s.lookup(names)
	var out []string
	for _, p := range missing {
		out = append(out, p.Name)
	}
	return out, err
}

// Unbuilt lists the programs of Config.Named that are not built yet, sorted. One
// whose module is not there is left out.
func (s *Store) Unbuilt() []string {
	var out []string
	for _, p := range s.cfg.Named {
		if missing, err := s.Missing([]string{p.Name}); err == nil {
			out = append(out, missing...)
		}
	}
	slices.Sort(out)
	return out
}

// lookup splits the named programs into built ones and missing ones.
func (s *Store) lookup(names []string) (map[string]string, []Program, error) {
	if len(names) == 0 {
		for _, p := range s.cfg.Programs {
			names = append(names, p.Name)
		}
		slices.Sort(names)
	}
	paths, missing := map[string]string{}, []Program(nil)
	for _, name := range names {
		p, ok := s.programs[name]
		if !ok {
			return nil, nil, &UnknownError{Name: name, Known: s.Names()}
		}
		k, err := s.key(p)
		if err != nil {
			return nil, nil, err
		}
		if path := s.hit(p, k); path != "" {
			paths[name] = path
		} else {
			missing = append(missing, p)
		}
	}
	return paths, missing, nil
}

// Names lists the known programs, sorted.
func (s *Store) Names() []string {
	names := make([]string, 0, len(s.programs))
	for name := range s.programs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// hit returns the path of a complete build, "" when there is none.
func (s *Store) hit(p Program, k key) string {
	for _, dir := range s.candidates(p, k) {
		rec, err := readRecord(dir)
		if err != nil || rec.Sources != k.sources {
			continue
		}
		path := filepath.Join(dir, binary(p.Name))
		if info, err := os.Stat(path); err == nil && info.Size() == rec.Bytes {
			return path
		}
	}
	return ""
}

// candidates are the folders that may hold the build: one, unless no Go is
// installed; then any toolchain's build of the same sources will do.
func (s *Store) candidates(p Program, k key) []string {
	if k.toolchain != "" {
		return []string{s.folder(p, k)}
	}
	dirs, err := filepath.Glob(filepath.Join(s.cfg.CacheDir, p.Name+"-*"))
	if err != nil {
		return nil
	}
	return dirs
}

func (s *Store) folder(p Program, k key) string {
	return filepath.Join(s.cfg.CacheDir, p.Name+"-"+k.String())
}

func binary(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

// sweep removes what a killed build left. The caller holds the lock.
func (s *Store) sweep() error {
	left, err := filepath.Glob(filepath.Join(s.cfg.CacheDir, tempPrefix+"*"))
	if err != nil {
		return fmt.Errorf("look for unfinished builds: %w", err)
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the unfinished build %s: %w", dir, err)
		}
	}
	return nil
}
