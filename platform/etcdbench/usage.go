package etcdbench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// ticks is the unit of CPU times in /proc, the same on every Linux that Go knows.
const ticks = 100

// Usage is what the members have used since they started, summed.
type Usage struct {
	PeakRSS   float64 // bytes
	CPU       float64 // seconds
	GCCPU     float64 // seconds of CPU that collecting garbage took
	HeapInUse float64 // bytes, after a collection when it was asked for
	Fsyncs    float64 // of the write-ahead log
	DBInUse   float64 // bytes
}

// Usage asks the system and the members. collect makes each collect its garbage
// before the heap is read.
func (c *Cluster) Usage(ctx context.Context, collect bool) (Usage, error) {
	var sum Usage
	for _, m := range c.members {
		if m.ended {
			continue
		}
		if err := m.usage(ctx, collect, &sum); err != nil {
			return sum, fmt.Errorf("etcd member %s: %w", m.name, err)
		}
	}
	return sum, nil
}

func (m *member) usage(ctx context.Context, collect bool, sum *Usage) error {
	rss, cpu, err := process(m.cmd.Process.Pid)
	if err != nil {
		return err
	}
	// Before a forced collection, which is not the load's.
	vars, err := m.vars(ctx)
	if err != nil {
		return err
	}
	sum.PeakRSS += rss
	sum.CPU += cpu
	sum.GCCPU += vars.gcSeconds(m.began)
	if collect {
		if _, err := fetch(ctx, m.client+"/debug/pprof/heap?gc=1"); err != nil {
			return err
		}
		if vars, err = m.vars(ctx); err != nil {
			return err
		}
	}
	sum.HeapInUse += float64(vars.Memstats.HeapInuse)
	text, err := fetch(ctx, m.client+"/metrics")
	if err != nil {
		return err
	}
	values := metrics(text)
	sum.Fsyncs += values["etcd_disk_wal_fsync_duration_seconds_count"]
	sum.DBInUse += values["etcd_mvcc_db_total_size_in_use_in_bytes"]
	return nil
}

type vars struct {
	Memstats struct {
		GCCPUFraction float64 // up to the last collection
		LastGC        int64   // nanoseconds since 1970; 0 before the first
		HeapInuse     uint64
	} `json:"memstats"`
}

func (m *member) vars(ctx context.Context) (vars, error) {
	var v vars
	text, err := fetch(ctx, m.client+"/debug/vars")
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return v, fmt.Errorf("its variables: %w", err)
	}
	return v, nil
}

// gcSeconds is the CPU that collecting took since a process began.
func (v vars) gcSeconds(began time.Time) float64 {
	if v.Memstats.LastGC == 0 {
		return 0
	}
	ran := time.Unix(0, v.Memstats.LastGC).Sub(began).Seconds()
	return v.Memstats.GCCPUFraction * ran * float64(runtime.GOMAXPROCS(0))
}

// metrics reads the series without labels of a Prometheus text.
func metrics(text []byte) map[string]float64 {
	out := map[string]float64{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") || strings.Contains(name, "{") {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = v
		}
	}
	return out
}

// process is the peak memory and the CPU seconds of a process.
func process(pid int) (rss, cpu float64, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return 0, 0, fmt.Errorf("memory: %w", err)
	}
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return 0, 0, fmt.Errorf("CPU time: %w", err)
	}
	if rss, err = peak(string(status)); err != nil {
		return 0, 0, err
	}
	cpu, err = cpuSeconds(string(stat))
	return rss, cpu, err
}

func peak(status string) (float64, error) {
	for line := range strings.Lines(status) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			kib, err := strconv.ParseFloat(f[1], 64)
			if err != nil {
				return 0, fmt.Errorf("memory: %w", err)
			}
			return kib * 1024, nil
		}
	}
	return 0, fmt.Errorf("memory: the system does not tell a peak; this needs Linux")
}

func cpuSeconds(stat string) (float64, error) {
	f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const user, system = 11, 12 // the 14th and 15th field; the state is the third
	if len(f) <= system {
		return 0, fmt.Errorf("CPU time: %q has an unknown form", stat)
	}
	u, err := strconv.ParseFloat(f[user], 64)
	s, err2 := strconv.ParseFloat(f[system], 64)
	if err != nil || err2 != nil {
		return 0, fmt.Errorf("CPU time: %q has an unknown form", stat)
	}
	return (u + s) / ticks, nil
}
