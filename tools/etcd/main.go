// Command etcd is the etcd server, built from its own module so that its
// dependencies stay apart from those of the CLI.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
