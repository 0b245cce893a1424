package tool

import "time"

// CheckPrograms are the programs that judge rendered configurations: the very
// programs that read them in production, and small ones around the official
// library where the program itself can't be had. They are built only when they
// are asked for by name.
func CheckPrograms() []Program {
	return []Program{
		checker(Etcd35, ".", 40*time.Second),
		checker(EtcdOps, ".", 40*time.Second),
		checker(Alertmanager, "github.com/prometheus/alertmanager/cmd/alertmanager", 90*time.Second),
		{Name: Amtool, Dir: Alertmanager, Package: "github.com/prometheus/alertmanager/cmd/amtool", LDFlags: "-s -w", Expected: 20 * time.Second},
		checker("cilium", ".", 6*time.Minute),
		checker("dashboards", ".", time.Minute),
		checker("envoy", ".", 2*time.Minute),
		checker("otelcol", ".", 3*time.Minute),
		checker(Jaeger, "github.com/jaegertracing/jaeger/cmd/jaeger", 5*time.Minute),
		checker(Prometheus, "github.com/prometheus/prometheus/cmd/prometheus", 4*time.Minute),
		{
			Name: Promtool, Dir: Prometheus, Package: "github.com/prometheus/prometheus/cmd/promtool",
			LDFlags: "-s -w", Expected: 4 * time.Minute,
		},
	}
}

// checker is a program of a module of its own whose name is its folder's.
func checker(name, pkg string, expected time.Duration) Program {
	return Program{Name: name, Dir: name, Package: pkg, LDFlags: "-s -w", Expected: expected}
}
