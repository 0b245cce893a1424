package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress tells a person what goes on while a command works. Its methods may
// be called from several goroutines.
type progress interface {
	// Update says what a task does now.
	Update(task, text string)
	// Done says how a task ended.
	Done(task, text string)
	// Close waits until everything is shown.
	Close()
}

// newProgress picks bars on a terminal, lines elsewhere, nothing with -q.
func (e *environment) newProgress() progress {
	switch {
	case e.quiet:
		return silent{}
	case e.Terminal:
		return newBars(e.Err)
	}
	return &lines{w: e.Err, now: e.Now, start: e.Now(), last: map[string]string{}}
}

type silent struct{}

func (silent) Update(string, string) {}
func (silent) Done(string, string)   {}
func (silent) Close()                {}

// lines writes a line whenever a task says something new.
type lines struct {
	w     io.Writer
	now   func() time.Time
	start time.Time
	mu    sync.Mutex
	last  map[string]string
}

func (l *lines) Update(task, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last[task] == text {
		return
	}
	l.last[task] = text
	fmt.Fprintf(l.w, "%6.1fs  %-14s %s\n", l.now().Sub(l.start).Seconds(), task, text)
}

func (l *lines) Done(task, text string) { l.Update(task, text) }
func (l *lines) Close()                 {}

// bars redraws one line a task.
type bars struct {
	container *mpb.Progress
	mu        sync.Mutex
	tasks     map[string]*bar
}

type bar struct {
	*mpb.Bar
	mu   sync.Mutex
	text string
}

func newBars(w io.Writer) *bars {
	return &bars{container: mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh()), tasks: map[string]*bar{}}
}

func (b *bars) Update(task, text string) { b.task(task).say(text) }

func (b *bars) Done(task, text string) {
	t := b.task(task)
	t.say(text)
	t.SetTotal(-1, true)
}

func (b *bars) Close() {
	b.mu.Lock()
	for _, t := range b.tasks {
		t.SetTotal(-1, true) // a task that nobody ended must not hold the program
	}
	b.mu.Unlock()
	b.container.Wait()
}

func (b *bars) task(name string) *bar {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.tasks[name]; t != nil {
		return t
	}
	t := &bar{}
	t.Bar = b.container.New(0, mpb.SpinnerStyle(),
		mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR), decor.Elapsed(decor.ET_STYLE_MMSS)),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			t.mu.Lock()
			defer t.mu.Unlock()
			return t.text
		})),
		mpb.BarWidth(1), mpb.BarFillerClearOnComplete(),
	)
	b.tasks[name] = t
	return t
}

func (b *bar) say(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = text
}
