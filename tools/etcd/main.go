// Command etcd is the etcd server, built from its own module so that its
// dependencies stay apart from those of the CLI.
package main

import (
	"os"
	"regexp"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	tellGarbageCollection()
	etcdmain.Main(os.Args)
}

// tellGarbageCollection adds the CPU time of the garbage collector to what
// /metrics says: the default says how long the program stood, not what it cost.
func tellGarbageCollection() {
	prometheus.Unregister(collectors.NewGoCollector())
	prometheus.MustRegister(collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(
		collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/cpu/classes/gc/(total|mark/idle):`)},
	)))
}
