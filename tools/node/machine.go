package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"

	cadvisor "github.com/google/cadvisor/info/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	kubeletapi "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/cm/cpumanager"
	"k8s.io/kubernetes/pkg/kubelet/cm/memorymanager"
	"k8s.io/kubernetes/pkg/kubelet/cm/topologymanager"
	"k8s.io/kubernetes/pkg/kubelet/eviction"
	evictionapi "k8s.io/kubernetes/pkg/kubelet/eviction/api"
	"k8s.io/utils/cpuset"
)

func newBuffered(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }

// machine is what a node is declared to have. The kubelet's managers are made
// for it, as the kubelet makes them when it starts, and refuse what they refuse
// there.
type machine struct {
	cpus, numa int
	memory     int64
}

func parseMachine(args []string) (machine, error) {
	var m machine
	flags := flag.NewFlagSet("machine", flag.ContinueOnError)
	flags.IntVar(&m.cpus, "cpus", 0, "")
	flags.Int64Var(&m.memory, "memory", 0, "bytes")
	flags.IntVar(&m.numa, "numa-nodes", 1, "")
	if err := flags.Parse(args); err != nil {
		return m, fmt.Errorf("the machine: %w", err)
	}
	const mostCPUs = 4096
	if m.cpus < 1 || m.cpus > mostCPUs || m.numa < 1 || m.numa > m.cpus || m.memory < 1 {
		return m, fmt.Errorf("no machine has %d CPUs, %d bytes and %d NUMA nodes", m.cpus, m.memory, m.numa)
	}
	return m, nil
}

func (m machine) String() string {
	return fmt.Sprintf("%d CPUs, %s, %d NUMA", m.cpus, resource.NewQuantity(m.memory, resource.BinarySI), m.numa)
}

// info spreads CPUs and memory evenly over the NUMA nodes, one socket each.
func (m machine) info() *cadvisor.MachineInfo {
	info := &cadvisor.MachineInfo{NumCores: m.cpus, NumPhysicalCores: m.cpus, NumSockets: m.numa, MemoryCapacity: uint64(m.memory)}
	for n := range m.numa {
		node := cadvisor.Node{Id: n, Memory: uint64(m.memory / int64(m.numa))}
		for cpu := m.cpus * n / m.numa; cpu < m.cpus*(n+1)/m.numa; cpu++ {
			node.Cores = append(node.Cores, cadvisor.Core{Id: cpu, Threads: []int{cpu}, SocketID: n})
		}
		info.Topology = append(info.Topology, node)
	}
	return info
}

// fits has the kubelet's managers made for the machine.
func (m machine) fits(c *kubeletapi.KubeletConfiguration) error {
	info := m.info()
	cpus, err := cpuset.Parse(c.ReservedSystemCPUs)
	if err != nil {
		return fmt.Errorf("reservedSystemCPUs: %w", err)
	}
	for _, cpu := range cpus.UnsortedList() {
		if cpu >= m.cpus {
			return fmt.Errorf("reservedSystemCPUs: the machine has no CPU %d", cpu)
		}
	}
	reserved, err := m.reserved(c, cpus)
	if err != nil {
		return err
	}
	topology, err := topologymanager.NewManager(info.Topology, c.TopologyManagerPolicy, c.TopologyManagerScope, c.TopologyManagerPolicyOptions)
	if err != nil {
		return fmt.Errorf("topology manager: %w", err)
	}
	_, cpuErr := cpumanager.NewManager(c.CPUManagerPolicy, c.CPUManagerPolicyOptions, c.CPUManagerReconcilePeriod.Duration, info, cpus, reserved, "", topology)
	if cpuErr != nil {
		cpuErr = fmt.Errorf("CPU manager: %w", cpuErr)
	}
	_, memoryErr := memorymanager.NewManager(c.MemoryManagerPolicy, info, reserved, c.ReservedMemory, "", topology)
	if memoryErr != nil {
		memoryErr = fmt.Errorf("memory manager: %w", memoryErr)
	}
	return errors.Join(cpuErr, memoryErr)
}

// reserved is what pods do not get, by the kubelet's own sum.
func (m machine) reserved(c *kubeletapi.KubeletConfiguration, cpus cpuset.CPUSet) (v1.ResourceList, error) {
	capacity := v1.ResourceList{
		v1.ResourceCPU:    *resource.NewQuantity(int64(m.cpus), resource.DecimalSI),
		v1.ResourceMemory: *resource.NewQuantity(m.memory, resource.BinarySI),
	}
	system, kube := map[string]string{}, map[string]string{}
	for name, value := range c.SystemReserved {
		system[name] = value
	}
	for name, value := range c.KubeReserved {
		kube[name] = value
	}
	if cpus.Size() > 0 { // in the place of both
		delete(kube, "cpu")
		system["cpu"] = strconv.Itoa(cpus.Size())
	}
	thresholds, err := eviction.ParseThresholdConfig(nil, c.EvictionHard, nil, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("evictionHard: %w", err)
	}
	out := v1.ResourceList{}
	for name, has := range capacity {
		sum := resource.NewQuantity(0, has.Format)
		for _, list := range []map[string]string{system, kube} {
			if value := list[string(name)]; value != "" {
				q, err := resource.ParseQuantity(value)
				if err != nil {
					return nil, fmt.Errorf("reserved %s: %w", name, err)
				}
				sum.Add(q)
			}
		}
		for _, t := range thresholds {
			if name == v1.ResourceMemory && t.Signal == evictionapi.SignalMemoryAvailable && t.Operator == evictionapi.OpLessThan {
				sum.Add(*evictionapi.GetThresholdQuantity(t.Value, &has))
			}
		}
		if sum.Cmp(has) >= 0 {
			return nil, fmt.Errorf("%s of %s is reserved, and the machine has %s: pods would get none", sum, name, &has)
		}
		if !sum.IsZero() {
			out[name] = *sum
		}
	}
	return out, nil
}
