package embedded

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"
)

// poll is how often a waiting caller looks again.
const poll = 100 * time.Millisecond

// statusUnseen stands for an exit status that went to another parent.
const statusUnseen = "nobody saw how"

// child is a process this Provider started.
type child struct {
	status string // "" while it runs
}

// start launches a program and records it. The record comes after the fork;
// the marker in the environment covers the time between.
func (p *Provider) start(l layout, proc process, settings string) (live, error) {
	log, err := l.openLog(proc.name)
	if err != nil {
		return live{}, err
	}
	defer log.Close()
	env := append(slices.Clone(proc.env), l.marker(proc.name), settingsName+"="+settings)
	var pid int
	if proc.inside {
		pid, err = l.startInside(proc, env, log)
	} else {
		pid, err = launch(proc.binary, proc.argv(), env, l.path("home"), log)
	}
	if err != nil {
		return live{}, &ExitError{Cluster: l.name, Program: proc.name, Argv: proc.argv(), Status: err.Error()}
	}
	p.mu.Lock()
	p.children[pid] = &child{}
	p.mu.Unlock()
	found := newLive(proc.name, settings, pid)
	rec := record{Program: proc.name, Argv: proc.argv(), PID: pid, Started: time.Now().UTC(), Settings: settings}
	return found, writeJSON(l.record(proc.name), rec)
}

// reapAll collects the exit status of every child that ended.
func (p *Provider) reapAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pid, c := range p.children {
		if c.status == "" {
			c.status = reap(pid)
		}
	}
}

// exitWait bounds how long the status of a child that ended is waited for: its
// first thread may be gone before the others are, and the status comes last.
const exitWait = 2 * time.Second

// exitStatus says how a process ended, as far as it is known.
func (p *Provider) exitStatus(pid int) string {
	deadline := time.NewTimer(exitWait)
	defer deadline.Stop()
	tick := time.NewTicker(poll / 5)
	defer tick.Stop()
	for {
		p.reapAll()
		if status, ours := p.childStatus(pid); !ours || status != "" {
			return cmp.Or(status, statusUnseen)
		}
		select {
		case <-deadline.C:
			return statusUnseen
		case <-tick.C:
		}
	}
}

// childStatus is the status of a child that was reaped, "" before, and whether
// the process is a child at all.
func (p *Provider) childStatus(pid int) (status string, ours bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ours := p.children[pid]
	if ours {
		status = c.status
	}
	return status, ours
}

// exitError reports a program that ended.
func (p *Provider) exitError(l layout, proc process, pid int) error {
	status := p.exitStatus(pid)
	return &ExitError{Cluster: l.name, Program: proc.name, Argv: proc.argv(), Status: status, LogTail: l.logTail(proc.name)}
}

// end ends processes: asked first, then forced. It returns when all are gone.
func (p *Provider) end(ctx context.Context, procs []live, grace time.Duration) error {
	var errs []error
	for _, proc := range procs {
		if grace > 0 {
			errs = append(errs, proc.terminate())
		}
	}
	left := p.waitGone(ctx, procs, grace)
	if ctx.Err() != nil && len(left) > 0 {
		return errors.Join(append(errs, context.Cause(ctx))...)
	}
	for _, proc := range left {
		errs = append(errs, proc.kill())
	}
	const killWait = 10 * time.Second // a killed process goes once the disk has answered it
	left = p.waitGone(ctx, left, killWait)
	for _, proc := range left {
		errs = append(errs, errors.New(proc.program+" did not end"))
	}
	return errors.Join(errs...)
}

// waitGone waits for processes to be gone and returns those that are left when
// the limit or ctx ends.
func (p *Provider) waitGone(ctx context.Context, procs []live, limit time.Duration) []live {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(poll / 5)
	defer tick.Stop()
	left := slices.Clone(procs)
	for {
		p.reapAll()
		left = slices.DeleteFunc(left, func(l live) bool { alive, _ := l.alive(); return !alive })
		if len(left) == 0 || limit <= 0 {
			return left
		}
		select {
		case <-ctx.Done():
			return left
		case <-deadline.C:
			return left
		case <-tick.C:
		}
	}
}

// maxLog is the size at which a log is cut at the next start; tailBytes bounds
// what an error carries.
const (
	maxLog    = 20 << 20
	tailBytes = 8 << 10
	tailLines = 15
)

// openLog keeps the last run's log as NAME.log.1 and opens a new one. The
// program appends to it, so that cutLog may empty it under its feet.
func (l layout) openLog(program string) (*os.File, error) {
	path := l.log(program)
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, storage("rotate the log of "+program, l.root, err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return f, storage("open the log of "+program, l.root, err)
}

// cutLog bounds the log of a program that runs: its end moves to NAME.log.1.
func (l layout) cutLog(program string) error {
	path := l.log(program)
	info, err := os.Stat(path)
	if err != nil || info.Size() <= maxLog {
		return nil
	}
	data, err := readEnd(path, maxLog)
	if err == nil {
		err = writeFile(path+".1", data, false)
	}
	if err == nil {
		err = os.Truncate(path, 0)
	}
	return storage("cut the log of "+program, l.root, err)
}

// logTail is the end of a program's log, bounded.
func (l layout) logTail(program string) string {
	data, err := readEnd(l.log(program), tailBytes)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}
