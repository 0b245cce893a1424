package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// keyVariable names the environment variable with the path of the private key.
const keyVariable = "RELEASE_KEY"

func run(ctx context.Context, args []string, out io.Writer, getenv func(string) string) error {
	if len(args) > 0 {
		switch args[0] {
		case "keygen":
			return runKeygen(args[1:], out)
		case "verify":
			return runVerify(args[1:], out)
		}
	}
	return runRelease(ctx, args, out, getenv)
}

func runRelease(ctx context.Context, args []string, out io.Writer, getenv func(string) string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	root := flags.String("root", ".", "folder of the repository")
	dir := flags.String("o", "dist", "folder to make; it must not hold anything")
	version := flags.String("version", "", "version (default: spec.distribution of components/baseline.yaml)")
	targets := flags.String("targets", "linux/amd64,linux/arm64,darwin/arm64,windows/amd64", "systems to build for")
	unsigned := flags.Bool("unsigned", false, "make a release without a signature")
	twice := flags.Bool("twice", false, "build again elsewhere from a copy and compare every byte")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r := release{Package: "./platform", Program: "platform", Docs: []string{"LICENSE", "README.md"}}
	var err error
	if r.Root, err = filepath.Abs(*root); err != nil {
		return err
	}
	if r.Out, err = filepath.Abs(*dir); err != nil {
		return err
	}
	if r.Targets, err = parseTargets(*targets); err != nil {
		return err
	}
	if r.Version = *version; r.Version == "" {
		if r.Version, err = distributionVersion(r.Root); err != nil {
			return err
		}
	}
	sign, err := signer(getenv(keyVariable))
	if err != nil {
		return err
	}
	if sign == nil && !*unsigned {
		return fmt.Errorf("the release would be unsigned: name a key made by `release keygen` in %s, or say -unsigned", keyVariable)
	}
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	if err := r.make(ctx, sign, say); err != nil {
		return err
	}
	if *twice {
		return r.again(ctx, sign, say)
	}
	return nil
}

func runKeygen(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: release keygen FILE")
	}
	public, err := keygen(args[0])
	if err == nil {
		fmt.Fprintf(out, "%s holds the private key, %s.pub the public one:\n%s\n", args[0], args[0], public)
	}
	return err
}

func runVerify(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("release verify", flag.ContinueOnError)
	key := flags.String("key", "", "file of the public key")
	unsigned := flags.Bool("unsigned", false, "hold the files against their checksums only")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() != 1:
		return errors.New("usage: release verify [-key FILE] [-unsigned] DIR")
	case *key == "" && !*unsigned:
		return errors.New("name the public key with -key, or say -unsigned")
	}
	n, err := verify(flags.Arg(0), *key)
	if err != nil {
		return err
	}
	signed := "signed"
	if *key == "" {
		signed = "signature not looked at"
	}
	fmt.Fprintf(out, "%d files are as %s says, %s\n", n, sumsName, signed)
	return nil
}

// distributionVersion reads the version that the distribution gives itself.
func distributionVersion(root string) (string, error) {
	file := filepath.Join(root, "components", "baseline.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(`(?m)^  distribution: ([0-9]+\.[0-9]+\.[0-9]+)$`).FindSubmatch(data)
	if m == nil {
		return "", fmt.Errorf("%s: spec.distribution is missing", file)
	}
	return string(m[1]), nil
}

// target is a system to build for.
type target struct{ OS, Arch string }

func (t target) String() string { return t.OS + "_" + t.Arch }

func parseTargets(list string) ([]target, error) {
	var out []target
	for name := range strings.SplitSeq(list, ",") {
		system, arch, ok := strings.Cut(name, "/")
		if !ok || !regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+$`).MatchString(name) {
			return nil, fmt.Errorf("target %q: write it like linux/amd64", name)
		}
		out = append(out, target{system, arch})
	}
	return out, nil
}
