// Package p95 measures what a dashboard's question for the 95th percentile costs a
// real Prometheus: asked of every pod's histogram, and of what the shipped rules have
// recorded. The series are generated, the same every time. Of latencies on a shared
// machine it claims nothing; samples read and CPU time are its figures.
package p95
