// Package silences counts what silences of Git do in a real Alertmanager: how many
// writes a sync takes, and how many alerts and messages are left. It counts and
// takes no time of anything; the Alertmanager runs on loopback before a stand-in
// for WeCom, with the hub's configuration.
package silences

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/experiment"
	"dualtrack.internal/platform/silence"
	"dualtrack.internal/platform/tool"
	"dualtrack.internal/tests/real/alertmanager"
	"dualtrack.internal/tests/real/rendered"
)

const (
	sites  = 10
	alerts = 30 // a site
	whole  = 4  // sites that are silent as a whole
	single = 36 // further alerts that are silent, each by a silence of its own
	quiet  = 3 * time.Second
)

// Writes are the writes that the Alertmanager took, a figure for each sync.
type Writes struct {
	First, Second, Changed, Lost []int
}

// Plan sends the same alerts to an Alertmanager with the silences of Git, and to
// one without. Its runs write their syncs down in w.
func Plan(ctx context.Context, w *Writes) (experiment.Plan, error) {
	program, subjects, err := rendered.Find(ctx, tool.Alertmanager, "alertmanager", "hub")
	if err != nil {
		return experiment.Plan{}, err
	}
	if len(subjects) != 1 || len(subjects[0].Problems) > 0 {
		return experiment.Plan{}, fmt.Errorf("the hub has no one Alertmanager whose configuration is whole: %v", subjects)
	}
	run := func(wanted []catalog.Silence) func(context.Context) (experiment.Sample, error) {
		return func(ctx context.Context) (experiment.Sample, error) {
			return measure(ctx, program, subjects[0].Files, wanted, w)
		}
	}
	return experiment.Plan{
		Name:     "silences",
		Question: fmt.Sprintf("what %d silences of Git leave of %d pages of %d sites", len(wanted()), sites*alerts, sites),
		Metrics:  []experiment.Metric{{Name: "alerts that are told", LowerIsBetter: true}, {Name: "messages", LowerIsBetter: true}},
		Base:     experiment.Arm{Name: "git", Run: run(wanted())},
		Others:   []experiment.Arm{{Name: "none", Run: run(nil)}},
		Rounds:   3,
	}, nil
}

// wanted are silences of whole sites, and of single alerts of others.
func wanted() []catalog.Silence {
	now := time.Now().UTC()
	one := func(name string, matchers ...catalog.Matcher) catalog.Silence {
		return catalog.Silence{Name: name, Matchers: matchers, Owner: "shop", Reason: "An experiment.",
			From: now.Add(-time.Hour).Format(time.RFC3339), Until: now.Add(24 * time.Hour).Format(time.RFC3339)}
	}
	var out []catalog.Silence
	for s := range whole {
		out = append(out, one(fmt.Sprintf("site-%d", s), catalog.Matcher{Label: "site", Op: catalog.Equal, Value: site(s)}))
	}
	for i := range single {
		s, a := whole+i%(sites-whole), i/(sites-whole)
		out = append(out, one(fmt.Sprintf("alert-%d", i),
			catalog.Matcher{Label: "site", Op: catalog.Equal, Value: site(s)}, catalog.Matcher{Label: "alertname", Op: catalog.Equal, Value: alert(a)}))
	}
	return out
}

func site(n int) string  { return fmt.Sprintf("edge-%d", n) }
func alert(n int) string { return fmt.Sprintf("Alert%d", n) }

// measure starts an Alertmanager, syncs it four times if there is something to
// sync, sends the alerts and waits until no further message comes.
func measure(ctx context.Context, program string, files map[string]string, wanted []catalog.Silence, w *Writes) (sample experiment.Sample, err error) {
	dir, err := os.MkdirTemp("", "silences")
	if err != nil {
		return nil, fmt.Errorf("a folder for the Alertmanager: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	wecom, err := alertmanager.NewWeCom(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, wecom.Close()) }()
	config, err := alertmanager.Here(dir, files, wecom.URL)
	if err != nil {
		return nil, err
	}
	server, err := alertmanager.Start(ctx, program, config, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if wanted != nil {
		if server, err = w.sync(ctx, server, wanted, func() (*alertmanager.Server, error) { return alertmanager.Start(ctx, program, config, dir) }); err != nil {
			return nil, err
		}
	}
	var sent []alertmanager.Alert
	for s := range sites {
		for a := range alerts {
			sent = append(sent, alertmanager.Alert{Labels: map[string]string{"alertname": alert(a), "site": site(s), "severity": "page", "team": "shop"}})
		}
	}
	if err := server.Send(ctx, sent...); err != nil {
		return nil, err
	}
	messages, err := settled(ctx, wecom)
	if err != nil {
		return nil, err
	}
	held, err := server.Alerts(ctx)
	if err != nil {
		return nil, err
	}
	told := 0
	for _, a := range held {
		if a.Status.State == "active" {
			told++
		}
	}
	return experiment.Sample{"alerts that are told": float64(told), "messages": float64(messages)}, nil
}

// sync syncs a new Alertmanager, the same again, one changed silence, and one that
// was killed and started anew.
func (w *Writes) sync(ctx context.Context, s *alertmanager.Server, wanted []catalog.Silence, restart func() (*alertmanager.Server, error)) (*alertmanager.Server, error) {
	once := func(into *[]int, wanted []catalog.Silence) error {
		server, err := silence.Dial(s.URL)
		if err != nil {
			return err
		}
		o, err := silence.Sync(ctx, server, silence.Source{Fleet: "reference", Wanted: wanted, Now: time.Now()})
		if err != nil {
			return err
		}
		*into = append(*into, o.Writes)
		return nil
	}
	changed := append([]catalog.Silence{}, wanted...)
	changed[0].Reason = "An experiment goes on."
	if err := errors.Join(once(&w.First, wanted), once(&w.Second, wanted), once(&w.Changed, changed), s.Kill()); err != nil {
		return s, err
	}
	again, err := restart()
	if err != nil {
		return s, err
	}
	s = again
	return s, once(&w.Lost, changed)
}

// settled counts the messages once none has come for a while.
func settled(ctx context.Context, wecom *alertmanager.WeCom) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for seen, since := 0, time.Now(); ; {
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("messages do not settle: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
		if n := len(wecom.Messages()); n != seen {
			seen, since = n, time.Now()
		}
		if seen > 0 && time.Since(since) > quiet {
			return seen, nil
		}
	}
}

// Text writes the counts of the syncs.
func (w *Writes) Text(out io.Writer) error {
	_, err := fmt.Fprintf(out, "\nwrites of a sync of %d silences, run by run\n  the first                  %v\n  the second                 %v\n"+
		"  one changed in Git         %v\n  after kill -9 and a start  %v\n", len(wanted()), w.First, w.Second, w.Changed, w.Lost)
	return err
}
