package preflight

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoPins says that there is nothing to render.
var ErrNoPins = errors.New("no queue can be pinned as things are; the report says why")

// Unit is a systemd unit that binds the queues before the kubelet starts. It
// finds interrupts by name, because their numbers change at every boot.
func (r *Report) Unit() (string, error) {
	if len(r.Pins) == 0 {
		return "", ErrNoPins
	}
	var b strings.Builder
	b.WriteString(`# The queues of the network cards on the CPUs that the kubelet keeps from pods.
# XDP runs where its queue's interrupt goes; no pod or thread is pinned to it.
[Unit]
Description=Bind the interrupts of network queues to reserved CPUs
After=network-pre.target systemd-udev-settle.service
Before=kubelet.service
Conflicts=irqbalance.service

[Service]
Type=oneshot
RemainAfterExit=yes
`)
	for _, p := range r.Pins {
		fmt.Fprintf(&b, "ExecStart=/bin/sh -ec 'for d in /proc/irq/*/%s; do echo %d > $${d%%%%/*}/smp_affinity_list; done'\n", p.Name, p.CPU)
	}
	b.WriteString("\n[Install]\nWantedBy=multi-user.target\n")
	return b.String(), nil
}
