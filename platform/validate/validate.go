// Package validate has rendered configurations judged by what reads them in
// production: the very programs, or the official libraries where a program can't
// be had. A container's configuration is judged as the container would see it:
// its files at the places they are mounted, its arguments, its environment. It
// never talks to a cluster and never changes what it judges.
package validate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/finding"
)

// How says what kind of judge a checker is.
type How string

// The kinds of judges, strongest first.
const (
	ByProgram How = "program"          // the program that reads it in production
	ByLibrary How = "official library" // the project's own parser and rules
	ByRules   How = "our own rules"    // schema and policy of this repository
)

// Subject is one configuration as its reader sees it.
type Subject struct {
	Cluster   string
	Component string
	Name      string // "DaemonSet node-agents/otel-agent collector"
	Object    finding.Object
	Source    finding.Position
	Readers   []string          // names of the checkers
	Files     map[string]string // absolute path in the container → text
	Secrets   []string          // mounts whose files are in no repository
	Dirs      []string          // mounts that are empty when the container starts, or the node's
	Args      []string          // command and arguments, variables expanded
	Env       map[string]string // what the container is given; fields of the pod are examples
	Objects   []map[string]any  // of a checker that judges kinds
	// Problems are what was found before any reader ran: a ConfigMap that is
	// mounted and not there.
	Problems []Problem
}

// Problem is one thing that a judge refuses.
type Problem struct {
	File    string `json:"file,omitempty"` // as the container sees it
	Path    string `json:"path,omitempty"` // inside the file or the object
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

// Answer is a judge's word on one subject.
type Answer struct {
	Accepted []string // what was read: "3 listeners"
	Problems []Problem
	Nothing  string // why there is nothing to judge: its program reads no configuration
}

// Row is what one judge said of one configuration, which several clusters may
// share.
type Row struct {
	Component string           `json:"component"`
	What      string           `json:"what"`
	By        string           `json:"by"` // name of the judge
	How       How              `json:"how"`
	Version   string           `json:"version,omitempty"`
	Accepted  []string         `json:"accepted,omitempty"`
	Problems  []Problem        `json:"problems,omitempty"`
	Skipped   string           `json:"skipped,omitempty"` // why nothing judged it, and the mend
	Nothing   string           `json:"nothing,omitempty"` // why there is nothing to judge
	Clusters  []string         `json:"clusters"`
	Object    finding.Object   `json:"object,omitzero"`
	Position  finding.Position `json:"position,omitzero"`
}

// Programs finds the programs that judge, building them where that is needed.
type Programs interface {
	// Find returns the path of a program. Error: *MissingError.
	Find(ctx context.Context, name string) (string, error)
}

// MissingError says that a judge is not on this machine.
type MissingError struct {
	Program string
	Mend    string
}

func (e *MissingError) Error() string { return e.Program + " is not to be had; " + e.Mend }

// judge has one kind of reader look at subjects.
type judge interface {
	// Judge answers for every subject, in their order.
	Judge(ctx context.Context, path string, subjects []Subject) (version string, answers []Answer, err error)
}

// Checker is one reader of configurations.
type Checker struct {
	Name   string
	How    How
	Images []string // names of the baseline's images that it reads for
	Groups []string // API groups whose objects it judges
	judge  judge
}

// Run has every subject judged. Equal configurations of several clusters are
// judged once. Rows come by component, name and clusters.
func Run(ctx context.Context, checkers []Checker, programs Programs, subjects []Subject) ([]Row, error) {
	groups := group(subjects)
	rows := make([][]Row, len(checkers))
	var g errgroup.Group
	g.SetLimit(2)
	for i, c := range checkers {
		mine := slices.DeleteFunc(slices.Clone(groups), func(s shared) bool { return !slices.Contains(s.Readers, c.Name) })
		if len(mine) == 0 {
			continue
		}
		// One after another: a build takes both cores, and one lock.
		path, err := programs.Find(ctx, c.Name)
		if missing, ok := errors.AsType[*MissingError](err); ok {
			rows[i] = c.rows(mine, missing.Error())
			continue
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("validate: %s: %w", c.Name, err), g.Wait())
		}
		g.Go(func() (err error) {
			rows[i], err = c.run(ctx, path, mine)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(rows...)
	slices.SortStableFunc(all, func(a, b Row) int {
		return cmp.Or(strings.Compare(a.Component, b.Component), strings.Compare(a.What, b.What), slices.Compare(a.Clusters, b.Clusters))
	})
	return all, nil
}

// rows are what is known before the judge spoke; skipped says why it does not.
func (c Checker) rows(groups []shared, skipped string) []Row {
	rows := make([]Row, len(groups))
	for i, s := range groups {
		rows[i] = Row{Component: s.Component, What: s.Name, By: c.Name, How: c.How, Clusters: s.clusters,
			Problems: slices.Clone(s.Problems), Skipped: skipped, Object: s.Object, Position: s.Source}
	}
	return rows
}

func (c Checker) run(ctx context.Context, path string, groups []shared) ([]Row, error) {
	rows := c.rows(groups, "")
	subjects := make([]Subject, len(groups))
	for i, s := range groups {
		subjects[i] = s.Subject
	}
	version, answers, err := c.judge.Judge(ctx, path, subjects)
	if err != nil {
		return nil, fmt.Errorf("validate: %s: %w", c.Name, err)
	}
	if len(answers) != len(subjects) {
		return nil, fmt.Errorf("validate: %s answered for %d of %d configurations", c.Name, len(answers), len(subjects))
	}
	for i, a := range answers {
		rows[i].Version, rows[i].Accepted, rows[i].Nothing = version, a.Accepted, a.Nothing
		rows[i].Problems = append(rows[i].Problems, a.Problems...)
	}
	return rows, nil
}

// shared is a configuration and the clusters that have it.
type shared struct {
	Subject
	clusters []string
}

// group puts equal configurations together, in the order of their first cluster.
func group(subjects []Subject) []shared {
	at := map[string]int{}
	var out []shared
	for _, s := range subjects {
		key := s.key()
		if i, ok := at[key]; ok {
			out[i].clusters = append(out[i].clusters, s.Cluster)
			continue
		}
		at[key] = len(out)
		out = append(out, shared{Subject: s, clusters: []string{s.Cluster}})
	}
	return out
}

// key tells equal configurations; the cluster is no part of it.
func (s Subject) key() string {
	s.Cluster, s.Source = "", finding.Position{}
	data, err := json.Marshal(s)
	if err != nil {
		return s.Name // an object that is no JSON stands alone
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Findings are the problems of the rows as findings that deny.
func Findings(rows []Row) []finding.Finding {
	var out []finding.Finding
	for _, r := range rows {
		for _, p := range r.Problems {
			where := p.File
			if p.Line > 0 {
				where = fmt.Sprintf("%s:%d", where, p.Line)
			}
			message := p.Message
			for _, part := range []string{p.Path, where} {
				if part != "" {
					message = part + ": " + message
				}
			}
			out = append(out, finding.Finding{
				Rule: "validate", Severity: finding.Error, Component: r.Component, Object: r.Object, Position: r.Position,
				Message: r.By + " refuses it: " + message, Clusters: r.Clusters,
			})
		}
	}
	return finding.Merge(out)
}
