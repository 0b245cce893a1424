// Command node is every Kubernetes program of a node in one: kubeadm, kubelet,
// kube-proxy, the control plane and kubectl, chosen by the name it is called by
// or by its first argument. They share most of their code, so one link and one
// file in the node image serve all of them. As judge it says what kubelets and
// API servers refuse of their configuration, by their own types and rules, and
// starts none of them.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/component-base/cli"
	cliflag "k8s.io/component-base/cli/flag"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/klog/v2"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubeadm "k8s.io/kubernetes/cmd/kubeadm/app/cmd"
	kubeadmutil "k8s.io/kubernetes/cmd/kubeadm/app/util"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// exitUsage is what the programs themselves answer to a wrong command line.
const exitUsage = 2

func main() { os.Exit(run()) }

func run() int {
	programs := map[string]func() int{
		"judge":                   runJudge,
		"kube-apiserver":          served(apiserver.NewAPIServerCommand),
		"kube-controller-manager": served(manager.NewControllerManagerCommand),
		"kube-proxy":              served(proxy.NewProxyCommand),
		"kube-scheduler":          served(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
		"kubeadm":                 runKubeadm,
		"kubectl":                 runKubectl,
		"kubelet":                 served(kubelet.NewKubeletCommand),
	}
	name := filepath.Base(os.Args[0])
	if programs[name] == nil && len(os.Args) > 1 {
		os.Args = os.Args[1:] // the programs read their own name and flags from here
		name = os.Args[0]
	}
	program := programs[name]
	if program == nil {
		fmt.Fprintln(os.Stderr, "usage: node kubeadm|kubelet|kube-proxy|kube-apiserver|kube-controller-manager|kube-scheduler|kubectl [flags], or node judge <SUBJECTS")
		return exitUsage
	}
	return program()
}

// served runs a command that makes its own logs and flags.
func served(command func() *cobra.Command) func() int {
	return func() int { return cli.Run(command()) }
}

// runKubectl prints an error as kubectl does, without the usage.
func runKubectl() int {
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}

// runKubeadm sets klog's flags up on a set of their own: what else is linked
// here may have put flags of the same names on the program's.
func runKubeadm() int {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	pflag.CommandLine.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	for _, name := range []string{"v", "vmodule", "skip_headers", "add_dir_header", "one_output"} {
		if f := flags.Lookup(name); f != nil && pflag.CommandLine.Lookup(name) == nil {
			pflag.CommandLine.AddGoFlag(f)
		}
	}
	if err := kubeadm.NewKubeadmCommand(os.Stdin, os.Stdout, os.Stderr).Execute(); err != nil {
		kubeadmutil.CheckErr(err) // prints it and exits with kubeadm's own code
	}
	return 0
}
