// Command kubectl is kubectl alone, built from its own module: what the CLI's
// start-up time is measured beside.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
)

func main() { os.Exit(cli.Run(cmd.NewDefaultKubectlCommand())) }
