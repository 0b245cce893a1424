// Command archive writes tools/modules.txtar, which the CLI carries, from the
// nested modules beside it; with -check it only says whether it is stale. It
// runs in the repository's root.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"dualtrack.internal/tools"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail if the archive is stale")
	dir := flag.String("dir", "tools", "folder of the modules")
	flag.Parse()
	if err := run(*dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, "archive:", err)
		os.Exit(1)
	}
}

func run(dir string, check bool) error {
	data, err := tools.Archive(os.DirFS(dir), tools.Names())
	if err != nil {
		return err
	}
	file := filepath.Join(dir, tools.ArchiveName)
	if !check {
		return os.WriteFile(file, data, 0o644)
	}
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(old, data) {
		return fmt.Errorf("%s is stale; run `go run ./tools/archive`", file)
	}
	return nil
}
