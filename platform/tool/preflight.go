package tool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/shirou/gopsutil/v4/disk"

	"dualtrack.internal/platform/finding"
)

// Rules of the findings that Preflight reports.
const (
	RuleDisk    = "preflight-disk"
	RuleFiles   = "preflight-open-files"
	RuleInotify = "preflight-inotify"
	RuleGo      = "preflight-go"
)

const (
	gib = 1 << 30
	// A first build fills the module cache and the compiler's cache: 5.1 GiB
	// were seen for the four programs.
	firstBuildDisk = 6 * gib
	// A cluster's store preallocates two logs of 64 MiB a member; programs' logs
	// and audit logs come on top. Never less than 1 GiB.
	runDisk     = 1 * gib
	runDiskEach = gib / 5
	// An API server holds a descriptor a connection and a watch; 160 were seen
	// at the busiest of eight clusters.
	openFiles = 1024
	// inotify instances and watches one cluster's programs hold: each watches
	// its certificates and kubeconfig for changes. 13 and 21 were seen, and 7
	// more with a second API server.
	instancesEach = 20
	watchesEach   = 64
)

// Need is what is about to be done.
type Need struct {
	CacheDir   string // where programs are built; "" leaves it out
	StateDir   string // where clusters live; "" leaves it out
	FirstBuild bool   // programs are missing
	Clusters   int    // clusters about to be started
}

// Preflight says what this machine lacks for the need: errors for what cannot
// work, warnings for what may not. Nothing to say gives none. What a system
// does not tell is not judged.
func Preflight(ctx context.Context, need Need) []finding.Finding {
	var out []finding.Finding
	if need.FirstBuild {
		if _, err := findGo(); err != nil {
			out = append(out, finding.Finding{Rule: RuleGo, Severity: finding.Error, Message: noGo, Mend: mendGo})
		}
	}
	wantCache := uint64(0)
	if need.FirstBuild {
		wantCache = firstBuildDisk
	}
	out = append(out, checkDisk(ctx, need.CacheDir, wantCache)...)
	if need.Clusters > 0 {
		out = append(out, checkDisk(ctx, need.StateDir, max(runDisk, uint64(max(0, need.Clusters))*runDiskEach))...)
		out = append(out, judgeLimits(readLimits(), need.Clusters)...)
	}
	return out
}

// checkDisk looks at the file system that will hold dir.
func checkDisk(ctx context.Context, dir string, want uint64) []finding.Finding {
	if dir == "" || want == 0 {
		return nil
	}
	at, err := existing(dir)
	if err != nil {
		return []finding.Finding{{Rule: RuleDisk, Severity: finding.Error, Message: fmt.Sprintf("%s cannot be used: %v", dir, err), Mend: mendPlace}}
	}
	if err := writable(at); err != nil {
		return []finding.Finding{{Rule: RuleDisk, Severity: finding.Error, Message: fmt.Sprintf("%s cannot be made: %s: %v", dir, at, err), Mend: mendPlace}}
	}
	usage, err := disk.UsageWithContext(ctx, at)
	if err != nil {
		return []finding.Finding{{Rule: RuleDisk, Severity: finding.Warning, Class: finding.Unknown, Message: fmt.Sprintf("free space of %s: %v", at, err)}}
	}
	return judgeDisk(at, usage.Free, want)
}

func judgeDisk(at string, free, want uint64) []finding.Finding {
	if free >= want {
		return nil
	}
	return []finding.Finding{{
		Rule: RuleDisk, Severity: finding.Error,
		Message: fmt.Sprintf("%s has %.1f GiB free, %.1f GiB are needed", at, float64(free)/gib, float64(want)/gib),
		Mend:    "free space there, or choose folders on a larger disk with --state-dir and --cache-dir",
	}}
}

// mendPlace is for a folder that cannot be used.
const mendPlace = "make it writable, or choose other folders with --state-dir and --cache-dir"

// writable makes a folder in dir and removes it: permission bits say nothing of
// read-only mounts, and nothing to the superuser.
func writable(dir string) error {
	probe, err := os.MkdirTemp(dir, ".dualtrack-")
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err // the probe's name is of no use to anybody
	}
	if err != nil {
		return err
	}
	return os.Remove(probe)
}

// existing is the nearest folder above dir that exists.
func existing(dir string) (string, error) {
	for {
		_, err := os.Stat(dir)
		if err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || up == dir {
			return "", err // which names the folder
		}
		dir = up
	}
}

// limits are what the system allows this user; 0 is not known.
type limits struct {
	openFiles     uint64 // of one process, as far as a process may raise it
	instances     uint64 // inotify instances of one user
	usedInstances uint64
	watches       uint64 // inotify watches of one user
}

func judgeLimits(l limits, clusters int) []finding.Finding {
	var out []finding.Finding
	add := func(rule, mend, format string, args ...any) {
		out = append(out, finding.Finding{Rule: rule, Severity: finding.Warning, Message: fmt.Sprintf(format, args...), Mend: mend})
	}
	if l.openFiles > 0 && l.openFiles < openFiles {
		add(RuleFiles, fmt.Sprintf("ulimit -n %d", openFiles), "a process may open %d files, %d are needed", l.openFiles, openFiles)
	}
	n := uint64(max(0, clusters))
	if need := l.usedInstances + n*instancesEach; l.instances > 0 && l.instances < need {
		add(RuleInotify, fmt.Sprintf("sudo sysctl fs.inotify.max_user_instances=%d", max(512, 2*need)),
			"a user may have %d inotify instances, %d are in use and %d clusters need %d more", l.instances, l.usedInstances, clusters, n*instancesEach)
	}
	if need := n * watchesEach; l.watches > 0 && l.watches < need {
		add(RuleInotify, fmt.Sprintf("sudo sysctl fs.inotify.max_user_watches=%d", max(65536, 2*need)),
			"a user may have %d inotify watches, %d clusters need %d", l.watches, clusters, need)
	}
	return out
}
