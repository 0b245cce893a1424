// Package etcd proves the care of etcd on real members: snapshots restored and
// compared, defragmentation with the leader last, puts that share fsyncs. Its tests
// have the build tag real.
package etcd
