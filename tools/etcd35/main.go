// Command etcd is the etcd server of the line that Kubernetes upstream pairs with
// the distribution's version, built from its own module.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
