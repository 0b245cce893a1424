package kind

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/kind/pkg/log"

	"dualtrack.internal/platform/cluster"
)

// logger writes what kind says to a file, and tells a listener its steps. It
// implements kind's two interfaces of loggers.
type logger struct {
	cluster string
	events  cluster.Events

	mu    sync.Mutex
	file  *os.File
	step  string
	begun time.Time
}

var (
	_ log.Logger     = (*logger)(nil)
	_ log.InfoLogger = (*logger)(nil)
)

func newLogger(l layout, events cluster.Events) (*logger, error) {
	f, err := os.OpenFile(l.log(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, storage("write kind's log", l.root, err)
	}
	return &logger{cluster: l.name, events: events, file: f}, nil
}

func (g *logger) close() error { return g.file.Close() }

// V takes every level: kubeadm's own words are of the highest.
func (g *logger) V(log.Level) log.InfoLogger { return g }

// Enabled implements log.InfoLogger.
func (*logger) Enabled() bool { return true }

// Info implements log.InfoLogger.
func (g *logger) Info(message string) { g.write(message) }

// Infof implements log.InfoLogger.
func (g *logger) Infof(format string, args ...any) { g.write(fmt.Sprintf(format, args...)) }

// Warn implements log.Logger.
func (g *logger) Warn(message string) { g.write("warning: " + message) }

// Warnf implements log.Logger.
func (g *logger) Warnf(format string, args ...any) { g.Warn(fmt.Sprintf(format, args...)) }

// Error implements log.Logger.
func (g *logger) Error(message string) { g.write("error: " + message) }

// Errorf implements log.Logger.
func (g *logger) Errorf(format string, args ...any) { g.Error(fmt.Sprintf(format, args...)) }

func (g *logger) write(message string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	message = strings.TrimRight(message, "\n")
	fmt.Fprintf(g.file, "%s %s\n", time.Now().UTC().Format(time.TimeOnly), message)
	text := strings.TrimSpace(message)
	switch {
	case strings.HasPrefix(text, "• ") && strings.HasSuffix(text, "..."):
		g.step, g.begun = plain(strings.TrimSuffix(strings.TrimPrefix(text, "• "), "...")), time.Now()
		g.events.Begin(g.cluster, g.step, 0)
	case strings.HasPrefix(text, "✓ ") && g.step != "":
		g.events.Begin(g.cluster, g.step, time.Since(g.begun))
		g.step = ""
	}
}

// plain leaves the words of a step: kind puts pictures behind them.
func plain(step string) string {
	step = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, step)
	return strings.ToLower(strings.Join(strings.Fields(step), " "))
}
