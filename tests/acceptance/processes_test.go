package acceptance

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// processSet is the argv of processes by pid.
type processSet map[int]string

// processes are all that run a program built by the CLI, or the CLI itself.
func processes(t *testing.T) processSet {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	check(t, err)
	set := processSet{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		environ, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil || !bytes.Contains(environ, []byte("DUALTRACK_PROCESS=")) {
			continue
		}
		argv, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		set[pid] = strings.Join(strings.Split(string(argv), "\x00"), " ")
	}
	return set
}

// of keeps the processes whose state lies in the folder.
func (s processSet) of(state string) processSet {
	kept := processSet{}
	for pid, argv := range s {
		environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		if err == nil && bytes.Contains(environ, []byte(state)) {
			kept[pid] = argv
		}
	}
	return kept
}

func (s processSet) minus(other processSet) processSet {
	kept := processSet{}
	for pid, argv := range s {
		if _, known := other[pid]; !known {
			kept[pid] = argv
		}
	}
	return kept
}

// names counts the processes by the value of their DUALTRACK_PROCESS.
func (s processSet) names() map[string]int {
	count := map[string]int{}
	for pid := range s {
		environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		if err != nil {
			continue
		}
		for _, v := range bytes.Split(environ, []byte{0}) {
			if name, ok := bytes.CutPrefix(v, []byte("DUALTRACK_PROCESS=")); ok {
				count[string(name)]++
			}
		}
	}
	return count
}

// pid finds one process of a cluster through the report of status.
func (f *fleet) pid(t *testing.T, cluster, program string) int {
	t.Helper()
	var report struct {
		Clusters []struct {
			Name     string `json:"name"`
			Programs []struct {
				Name string `json:"name"`
				PID  int    `json:"pid"`
			} `json:"programs"`
		} `json:"clusters"`
	}
	out := f.run(t, "status", "--programs", "-c", cluster, "-o", "json").stdout
	check(t, json.Unmarshal([]byte(out), &report))
	for _, c := range report.Clusters {
		for _, p := range c.Programs {
			if strings.HasPrefix(p.Name, program) && p.PID > 0 {
				return p.PID
			}
		}
	}
	t.Fatalf("%s runs no %s:\n%s", cluster, program, out)
	return 0
}

// named is the pid of the process with this DUALTRACK_PROCESS; 0 when there is none.
func (s processSet) named(name string) int {
	for pid := range s {
		if one := (processSet{pid: ""}).names(); one[name] > 0 {
			return pid
		}
	}
	return 0
}
