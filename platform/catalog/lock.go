package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dualtrack.internal/platform/finding"
)

// LockFile names the distribution that a repository stands on, and pins its
// remote sources.
const LockFile = "platform.lock"

// Lock is platform.lock: the distribution that a repository of one's own stands
// on, and what its remote sources are. A repository without a distribution in it
// holds all its components itself.
type Lock struct {
	Name   string   `yaml:"-"`
	Labels Labels   `yaml:"-"`
	Spec   LockSpec `yaml:"spec" required:"true" doc:"what is locked"`
	File   string   `yaml:"-"`
	at     places
}

// At is where a field of the lock stands ("spec.distribution.digest"), or the
// nearest field around it that is written.
func (l *Lock) At(field string) finding.Position { return l.at.nearest(l.File, field) }

// LockSpec is a lock's spec.
type LockSpec struct {
	Distribution LockedDistribution      `yaml:"distribution" doc:"the distribution; platform upgrade moves it. Without it the repository holds all its components itself"`
	Sources      map[string]LockedSource `yaml:"sources" doc:"remote sources, by component; platform lock writes them"`
}

// OverDistribution says that the repository stands on a distribution.
func (l *Lock) OverDistribution() bool { return l != nil && l.Spec.Distribution.Digest != "" }

// LockedDistribution names a distribution by its content.
type LockedDistribution struct {
	Version string `yaml:"version" required:"true" pattern:"^[0-9]+\\.[0-9]+\\.[0-9]+$" example:"0.9.0" doc:"version, for people"`
	Digest  string `yaml:"digest" required:"true" pattern:"^sha256:[0-9a-f]{64}$" example:"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" doc:"digest over the distribution's files, as platform version prints it"`
}

// String gives the version and the beginning of the digest.
func (d LockedDistribution) String() string {
	return d.Version + " (" + d.Digest[:min(len(d.Digest), len("sha256:")+12)] + ")"
}

// ReadLock reads a repository's platform.lock. A repository without one gives
// nil; a broken one is finding.Problems.
func ReadLock(root string) (*Lock, error) {
	tree, err := OpenTree(root)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	return tree.ReadLock()
}

// ReadLock is ReadLock for a tree that is open already.
func (t *Tree) ReadLock() (*Lock, error) {
	if !t.there(LockFile) {
		return nil, nil
	}
	data, err := t.Read(LockFile)
	if err != nil {
		return nil, err
	}
	return ParseLock(data)
}

// ParseLock reads the content of a platform.lock.
func ParseLock(data []byte) (*Lock, error) {
	m, err := newModel()
	if err != nil {
		return nil, err
	}
	l := &Lock{File: LockFile}
	env, at, problems := decode(m, LockFile, "Lock", data, l)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	l.Name, l.Labels, l.at = env.name, env.labels, at
	return l, nil
}

// ErrOtherDistribution says that a lock names another distribution than the one
// at hand.
var ErrOtherDistribution = errors.New("another distribution is locked")

// Names checks that the lock names the distribution. When it does not, the
// error is a *finding.Problem whose cause is ErrOtherDistribution. program is
// the command to name in the mend.
func (l *Lock) Names(base *Base, program string) error {
	locked, mine := l.Spec.Distribution, base.Locked()
	switch {
	case locked == mine:
		return nil
	case locked.Digest == mine.Digest:
		return problem(l.At("spec.distribution.version"), "spec.distribution.version",
			fmt.Sprintf("is %s, and the digest is that of %s", locked.Version, mine.Version), "write "+mine.Version)
	}
	mend := fmt.Sprintf("run `%s upgrade`, or use the program of distribution %s", program, locked.Version)
	if locked.NewerThan(mine) {
		mend = "use the program of distribution " + locked.Version
	}
	return problem(l.At("spec.distribution.digest"), "spec.distribution",
		fmt.Sprintf("names distribution %s, and this program carries %s", locked, mine), mend).WithCause(ErrOtherDistribution)
}

// NewerThan compares the versions.
func (d LockedDistribution) NewerThan(other LockedDistribution) bool {
	return slices.Compare(numbers(d.Version), numbers(other.Version)) > 0
}

// numbers are the parts of a version that has three; a part too long to be a
// number counts as the largest.
func numbers(version string) []int {
	var out []int
	for part := range strings.SplitSeq(version, ".") {
		n, _ := strconv.Atoi(part)
		out = append(out, n)
	}
	return out
}

// Locked is how a lock names the distribution.
func (b *Base) Locked() LockedDistribution {
	return LockedDistribution{Version: b.Version, Digest: b.Digest}
}
