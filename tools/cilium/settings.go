package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	agent "github.com/cilium/cilium/daemon/cmd"
	operator "github.com/cilium/cilium/operator/cmd"
	"github.com/cilium/cilium/pkg/hive"
	"github.com/cilium/cilium/pkg/maps/ctmap"
	"github.com/cilium/cilium/pkg/maps/lbmap"
	"github.com/cilium/cilium/pkg/maps/nat"
	"github.com/cilium/cilium/pkg/maps/neighborsmap"
	"github.com/cilium/cilium/pkg/option"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// The programs that read a folder of settings.
const (
	agentProgram    = "cilium-agent"
	operatorProgram = "cilium-operator-generic"
	configDir       = "config-dir"
)

// childTime bounds the judging of one folder.
const childTime = time.Minute

// verdict is what is found of one folder.
type verdict struct {
	Keys     int
	Problems []problem
}

// programOf is the name of the program that a container runs, "" without one.
func programOf(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return path.Base(args[0])
}

// readsSettings says whether a program reads a folder of settings.
func readsSettings(program string) bool {
	return program == agentProgram || program == operatorProgram
}

// judgeSettings judges a container of such a program: its flags, and the folder of
// settings that they name, one file a key.
func judgeSettings(ctx context.Context, s subject) (string, []problem, error) {
	program := programOf(s.Args)
	dir := folderOf(s.Args)
	if dir == "" {
		return "", refused("args", "there is no --"+configDir+"=FOLDER, so it has no settings"), nil
	}
	got, err := askChild(ctx, program, dir, s)
	if err != nil {
		return "", nil, err
	}
	return count(got.Keys, "setting"), got.Problems, nil
}

// folderOf is the folder of settings that arguments name.
func folderOf(args []string) string {
	for i, arg := range args {
		name, value, joined := strings.Cut(arg, "=")
		if strings.TrimLeft(name, "-") != configDir {
			continue
		}
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		return path.Clean(value)
	}
	return ""
}

// askChild writes the files of a folder and has a process of its own read them:
// the options are the library's global state.
func askChild(ctx context.Context, program, dir string, s subject) (verdict, error) {
	root, err := os.MkdirTemp("", "cilium-settings")
	if err != nil {
		return verdict{}, fmt.Errorf("making a folder for the settings: %w", err)
	}
	defer os.RemoveAll(root) //nolint:errcheck // a folder of temporary files
	v := verdict{}
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		if path.Dir(path.Clean(name)) != dir {
			continue
		}
		v.Keys++
		if err := os.WriteFile(filepath.Join(root, path.Base(name)), []byte(s.Files[name]), 0o600); err != nil {
			return v, fmt.Errorf("writing settings to judge: %w", err)
		}
	}
	if v.Keys == 0 {
		return verdict{Problems: []problem{{File: dir, Message: "nothing is mounted there"}}}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return v, fmt.Errorf("finding this program: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, childTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, append([]string{settingsWord, program, root}, s.Args[1:]...)...)
	cmd.Env = []string{"HOME=" + root, "PATH=" + os.Getenv("PATH")}
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	err = cmd.Run()
	_, ended := errors.AsType[*exec.ExitError](err)
	if err != nil && !ended || ctx.Err() != nil {
		return v, fmt.Errorf("judging settings: %w", errors.Join(err, ctx.Err()))
	}
	for dec := json.NewDecoder(&out); dec.More(); {
		var found []problem
		if err := dec.Decode(&found); err != nil {
			return v, fmt.Errorf("judging settings: %w", err)
		}
		for _, p := range found {
			if p.Path == "" {
				p.File = path.Join(dir, p.File)
			}
			v.Problems = append(v.Problems, p)
		}
	}
	if ended { // as the library does where it refuses a value
		v.Problems = append(v.Problems, problem{File: dir, Message: lastWords(words.String())})
	}
	return v, nil
}

// lastWords is the message of the last line that the library logged.
func lastWords(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	line := lines[len(lines)-1]
	var said []string
	for _, key := range []string{`msg="`, `error="`} {
		if _, rest, ok := strings.Cut(line, key); ok {
			said = append(said, untilQuote(rest))
		}
	}
	if len(said) == 0 {
		return line
	}
	return strings.Join(said, ": ")
}

// untilQuote is a quoted text's beginning up to its closing quote.
func untilQuote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String()
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// settingsOf is the child process: the agent's own way from a folder to its
// options. It writes lists of problems; the library may end it after the first.
func settingsOf(program, dir string, args []string, out, words io.Writer) int {
	values, err := option.ReadDirConfig(dir)
	if err != nil {
		fmt.Fprintln(words, err)
		return 1
	}
	cmd, operators := agentFlags(), operatorFlags()
	problems := judgeArgs(cmd.Flags(), args)
	if program == operatorProgram {
		problems = judgeArgs(operators, args)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		problems = append(problems, judgeKey(key, cmd.Flags(), operators)...)
	}
	enc := json.NewEncoder(out)
	if err := enc.Encode(problems); err != nil {
		fmt.Fprintln(words, err)
		return 1
	}
	if err := enc.Encode(populate(cmd.Command, cmd.vp, dir)); err != nil {
		fmt.Fprintln(words, err)
		return 1
	}
	return 0
}

// judgeArgs says what is wrong with a program's arguments.
func judgeArgs(flags *pflag.FlagSet, args []string) []problem {
	if err := flags.Parse(args); err != nil {
		return refused("args", err.Error())
	}
	var problems []problem
	flags.Visit(func(f *pflag.Flag) {
		if f.Deprecated != "" {
			problems = append(problems, problem{Path: "args", Message: "--" + f.Name + " is deprecated: " + f.Deprecated})
		}
	})
	return problems
}

// judgeKey says what is wrong with a key: the agent leaves out what it doesn't
// know, without a word.
func judgeKey(key string, known ...*pflag.FlagSet) []problem {
	found := false
	for _, flags := range known {
		f := flags.Lookup(key)
		if f == nil {
			continue
		}
		found = true
		if f.Deprecated != "" {
			return []problem{{File: key, Message: "the setting is deprecated: " + f.Deprecated}}
		}
	}
	if !found {
		return []problem{{File: key, Message: "neither the agent nor the operator has this setting"}}
	}
	return nil
}

// populate reads the folder into the agent's options and has them validated.
func populate(cmd *cobra.Command, vp *viper.Viper, dir string) []problem {
	vp.Set(configDir, dir)
	option.InitConfig(cmd, agentProgram, "cilium", vp)()
	c := option.Config
	c.SetMapElementSizes(ctmap.SizeofCtKey6Global+ctmap.SizeofCtEntry, nat.SizeofNatKey6+nat.SizeofNatEntry6,
		neighborsmap.SizeofNeighKey6+neighborsmap.SizeOfNeighValue, lbmap.SizeofSockRevNat6Key+lbmap.SizeofSockRevNat6Value)
	c.Populate(vp)
	var problems []problem
	if err := c.Validate(vp); err != nil {
		problems = append(problems, problem{Message: err.Error()})
	}
	return append(problems, contradictions(c, vp)...)
}

// command is the agent's flags and where its options are read from.
type command struct {
	*cobra.Command
	vp *viper.Viper
}

func agentFlags() command {
	h := hive.New(agent.Agent)
	cmd := &cobra.Command{Use: agentProgram}
	h.RegisterFlags(cmd.Flags())
	agent.InitGlobalFlags(cmd, h.Viper())
	return command{Command: cmd, vp: h.Viper()}
}

func operatorFlags() *pflag.FlagSet {
	h := hive.New(operator.Operator)
	cmd := &cobra.Command{Use: operatorProgram}
	h.RegisterFlags(cmd.Flags())
	operator.InitGlobalFlags(cmd, h.Viper())
	return cmd.Flags()
}
