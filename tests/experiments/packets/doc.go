// Package packets measures what dropping a packet costs: by a chain of iptables
// rules that is walked to its end, and by one look into a hash from XDP. It needs
// root on Linux and works in network namespaces of its own. It measures CPU time;
// of packets a second on a shared machine it says nothing.
package packets
