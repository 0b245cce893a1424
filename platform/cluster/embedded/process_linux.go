package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// supported says whether this system can run clusters.
func supported() error { return nil }

// live is a process of a cluster that exists.
type live struct {
	program  string
	settings string
	pid      int
	ticks    uint64 // start time, which tells it from a later process of its number
	stopped  bool   // by a signal
	child    bool   // started by the program, whose marker it inherited
}

// scan finds the cluster's processes by the marker in their environment, dead
// ones excepted. What a killed command left is found too, whatever it had
// written down. What the programs started is not among them.
func (l layout) scan() ([]live, error) {
	all, err := l.scanAll()
	return slices.DeleteFunc(all, func(lv live) bool { return lv.child }), err
}

// scanAll finds those that the cluster's programs started, too.
func (l layout) scanAll() ([]live, error) {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	prefix := []byte(l.marker(""))
	var found []live
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", d.Name(), "environ"))
		if err != nil || !bytes.Contains(env, prefix) { // another user's, or just gone
			continue
		}
		p := live{pid: pid}
		for _, entry := range bytes.Split(env, []byte{0}) {
			if rest, ok := bytes.CutPrefix(entry, prefix); ok {
				p.program = string(rest)
			}
			if rest, ok := bytes.CutPrefix(entry, []byte(settingsName+"=")); ok {
				p.settings = string(rest)
			}
			if rest, ok := bytes.CutPrefix(entry, []byte(binaryName+"=")); ok {
				p.child = startedBy(pid, string(rest), found)
			}
		}
		state, ticks, err := readStat(pid)
		if p.program == "" || err != nil || dead(state) {
			continue
		}
		p.ticks, p.stopped = ticks, state == 'T'
		found = append(found, p)
	}
	return found, nil
}

// startedBy says that a process is no program of the cluster but was started by
// one: it runs another file, or is about to.
func startedBy(pid int, binary string, found []live) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	exe, err := os.Readlink(filepath.Join(dir, "exe"))
	if err != nil || strings.TrimSuffix(exe, " (deleted)") != binary {
		return true
	}
	data, err := os.ReadFile(filepath.Join(dir, "stat"))
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	return err == nil && len(fields) > 1 && slices.ContainsFunc(found, func(lv live) bool { return strconv.Itoa(lv.pid) == fields[1] })
}

// dying stands for a process whose first thread ended before the others: those
// still hold its files and ports. stat calls it a zombie, like one that is gone.
const dying = 'D'

func dead(state byte) bool { return state == 'Z' || state == 'X' }

// readStat reads a process's state and start time. The name before them may
// hold spaces and parentheses.
func readStat(pid int) (state byte, ticks uint64, err error) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, 0, fmt.Errorf("state of process %d: %w", pid, err)
	}
	end := bytes.LastIndexByte(data, ')')
	fields := strings.Fields(string(data[end+1:]))
	const threads, startTime = 17, 19 // the 20th and 22nd field of stat; the state is the third
	if end < 0 || len(fields) <= startTime || len(fields[0]) != 1 {
		return 0, 0, fmt.Errorf("state of process %d: stat has an unknown form", pid)
	}
	ticks, err = strconv.ParseUint(fields[startTime], 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("state of process %d: %w", pid, err)
	}
	state = fields[0][0]
	if state == 'Z' && fields[threads] != "1" {
		state = dying
	}
	return state, ticks, nil
}

// alive says whether the process still runs, and whether a signal stopped it.
func (p live) alive() (alive, stopped bool) {
	state, ticks, err := readStat(p.pid)
	if err != nil || ticks != p.ticks || dead(state) {
		return false, false
	}
	return true, state == 'T'
}

// signal sends to this process and to no later one of its number.
func (p live) signal(sig syscall.Signal) error {
	handle, err := os.FindProcess(p.pid) // holds the process, not the number
	if err != nil {
		return fmt.Errorf("process %d: %w", p.pid, err)
	}
	defer func() { _ = handle.Release() }()
	if alive, _ := p.alive(); !alive {
		return nil
	}
	if err := handle.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal process %d (%s): %w", p.pid, p.program, err)
	}
	return nil
}

// terminate asks a process to end, waking it if it was stopped.
func (p live) terminate() error {
	return errors.Join(p.signal(syscall.SIGTERM), p.signal(syscall.SIGCONT))
}

func (p live) kill() error { return p.signal(syscall.SIGKILL) }

// launch starts a program in a session of its own, so that neither a closed
// terminal nor Ctrl-C reaches it. Its output goes straight to the log.
func launch(binary string, argv, env []string, dir string, log *os.File) (pid int, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", binary, err)
	}
	defer null.Close()
	proc, err := os.StartProcess(binary, argv, &os.ProcAttr{
		Dir: dir, Env: env, Files: []*os.File{null, log, log}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", binary, err)
	}
	pid = proc.Pid
	return pid, proc.Release() // reaped by number: nobody waits for it
}

// reap collects the exit status of a child of ours that ended; "" otherwise.
func reap(pid int) string {
	var ws syscall.WaitStatus
	got, err := syscall.Wait4(pid, &ws, syscall.WNOHANG, nil)
	switch {
	case errors.Is(err, syscall.ECHILD):
		return statusUnseen
	case err != nil || got != pid:
		return ""
	case ws.Signaled():
		return "signal: " + ws.Signal().String()
	default:
		return "exit status " + strconv.Itoa(ws.ExitStatus())
	}
}

// bootID changes with each boot: numbers of processes mean nothing after it.
func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// proportional is the memory of a process with shared pages divided among
// those who share them, in bytes; 0 when the system does not say.
func proportional(pid int) uint64 {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "Pss:" {
			kb, err := strconv.ParseUint(fields[1], 10, 64)
			if err != nil {
				return 0
			}
			return kb * 1024
		}
	}
	return 0
}

// ephemeralPorts is the range that outgoing connections take their ports from.
func ephemeralPorts() (low, high int) {
	data, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err == nil {
		if n, err := fmt.Sscan(string(data), &low, &high); err == nil && n == 2 {
			return low, high
		}
	}
	return 32768, 60999 // the kernel's default
}

// portOwner finds the process that listens on a port of loopback or of every
// address; 0 when it is another user's.
func portOwner(port int) (pid int, command string) {
	inode := listenInode(port)
	if inode == "" {
		return 0, ""
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0, ""
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == "socket:["+inode+"]" {
			dir := filepath.Dir(filepath.Dir(link))
			pid, _ := strconv.Atoi(filepath.Base(dir))
			cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
			words := strings.Fields(strings.ReplaceAll(string(cmdline), "\x00", " "))
			return pid, strings.Join(words[:min(3, len(words))], " ")
		}
	}
	return 0, ""
}

// listenInode finds the socket that listens on a port.
func listenInode(port int) string {
	suffix := fmt.Sprintf(":%04X", port)
	const listening = "0A"
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(table)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			if len(f) > 9 && strings.HasSuffix(f[1], suffix) && f[3] == listening {
				return f[9]
			}
		}
	}
	return ""
}

// newLive describes a process that was just started.
func newLive(program, settings string, pid int) live {
	_, ticks, _ := readStat(pid) // gone already: no start time, so not alive
	return live{program: program, settings: settings, pid: pid, ticks: ticks}
}
