package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dualtrack.internal/platform/cluster"
)

// Start brings the cluster to readiness: every program of its declaration runs
// with its settings, the API answers, the default ServiceAccount exists and the
// declared nodes are Ready. What already is so is left alone. A cancelled or
// killed Start is finished by the next. Errors: *ExitError, *StoppedError,
// *PortError, *TimeoutError, *cluster.StorageError, finding.Problems.
func (p *Provider) Start(ctx context.Context, spec cluster.Spec, events cluster.Events) (cluster.Access, error) {
	if err := errors.Join(supported(), spec.Check()); err != nil {
		return cluster.Access{}, err
	}
	l, err := p.layout(spec.Cluster.Name)
	if err != nil {
		return cluster.Access{}, err
	}
	found, err := fit(spec.Cluster)
	if err != nil {
		return cluster.Access{}, err
	}
	programs, err := p.programPaths(ctx, realNode(spec.Cluster) != nil)
	if err != nil {
		return cluster.Access{}, err
	}
	release, err := p.lockCluster(ctx, l, "starting cluster "+l.name)
	if err != nil {
		return cluster.Access{}, err
	}
	defer release()
	s := &starter{p: p, l: l, events: events, running: map[string]live{}, settings: map[string]string{}}
	s.pl = planner{layout: l, spec: spec, programs: programs, parts: found}
	defer s.close()
	if err := s.prepare(ctx); err != nil {
		return cluster.Access{}, errors.Join(err, l.removeUnbegun())
	}
	limited, cancel := context.WithTimeoutCause(ctx, p.cfg.ReadyTimeout, errTooLong)
	defer cancel()
	if err := s.run(limited); err != nil {
		return cluster.Access{}, err
	}
	return p.access(l, p.Lacks(spec.Cluster), s.changed)
}

// errTooLong tells the provider's own limit from the caller giving up.
var errTooLong = errors.New("took too long")

// starter is one run of Start.
type starter struct {
	p         *Provider
	l         layout
	pl        planner
	events    cluster.Events
	procs     []process
	settings  map[string]string // by program, as it must be
	running   map[string]live   // by program
	probes    *probes
	changed   []string
	unclaim   func() // gives up the claims on ports
	atOnce    bool   // an authority is new: old and new programs would not trust each other
	nodeLeft  bool   // the declaration has no real node any more
	nodeEmpty bool   // no container of the real node is left
}

// close gives up what a run holds besides the cluster.
func (s *starter) close() {
	if s.unclaim != nil {
		s.unclaim()
	}
	if s.probes != nil {
		s.probes.close()
	}
}

// prepare makes everything programs need and finds what runs.
func (s *starter) prepare(ctx context.Context) error {
	if err := s.l.makeFolders(); err != nil {
		return err
	}
	id, err := s.identify()
	if err != nil {
		return err
	}
	if err := s.prepareNode(ctx, &id); err != nil {
		return err
	}
	running, err := s.l.scan()
	if err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	moved, unclaim, err := s.p.ensurePorts(ctx, s.pl, &id, running)
	if err != nil {
		return err
	}
	s.unclaim = unclaim
	s.pl.ports = id.Ports
	renewed, err := s.l.ensurePKI(s.p.cfg.Now(), s.pl.spec.Fresh, s.pl.nodeLeaves()...)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	s.changed = append(append(s.changed, moved...), renewed.lines...)
	s.atOnce = renewed.authority
	if err := s.pl.writeConf(); err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	if s.procs, err = s.pl.plan(); err != nil {
		return err
	}
	for _, proc := range s.procs {
		if s.settings[proc.name], err = proc.settings(); err != nil {
			return fmt.Errorf("cluster %s: %w", s.l.name, err)
		}
	}
	if s.probes, err = s.l.newProbes(); err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	return s.adopt(ctx, running)
}

// identify reads the cluster's identity, or makes it, and checks that the
// declaration is of the same cluster.
func (s *starter) identify() (identity, error) {
	fleet, members := s.pl.spec.Fleet, s.pl.members()
	id, err := s.l.readIdentity()
	switch {
	case errors.Is(err, ErrNotFound):
		id = identity{Format: stateFormat, Fleet: fleet, Cluster: s.l.name, Members: members}
	case err != nil:
		return id, err
	case id.Fleet != fleet || id.Cluster != s.l.name:
		return id, fmt.Errorf("cluster %s: %s belongs to cluster %s of fleet %s, not to fleet %s; use another state folder, or remove that cluster first",
			s.l.name, s.l.root, id.Cluster, id.Fleet, fleet)
	case id.Members != members:
		return id, fmt.Errorf("cluster %s: etcd was started with %d members and cannot become %d in place; `platform down -c %s` and `platform up` make it anew",
			s.l.name, id.Members, members, s.l.name)
	}
	id.Boot, id.Lacks = bootID(), s.p.Lacks(s.pl.spec.Cluster)
	return id, nil
}

// adopt takes over what runs, and ends what the declaration no longer has.
func (s *starter) adopt(ctx context.Context, running []live) error {
	wanted := map[string]bool{}
	for _, proc := range s.procs {
		wanted[proc.name] = true
	}
	var leave []live
	for _, lv := range running {
		if lv.stopped {
			return &StoppedError{Cluster: s.l.name, Program: lv.program, PID: lv.pid}
		}
		if _, twice := s.running[lv.program]; twice || !wanted[lv.program] {
			leave = append(leave, lv)
			continue
		}
		s.running[lv.program] = lv
		if err := s.l.cutLog(lv.program); err != nil {
			return err
		}
	}
	for _, lv := range leave {
		s.changed = append(s.changed, lv.program+": ended (not declared)")
	}
	if err := s.p.end(ctx, leave, s.p.cfg.StopGrace); err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	return nil
}

// run brings the stages up one after the other.
func (s *starter) run(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"etcd", func(ctx context.Context) error { return s.bring(ctx, storeStage) }},
		{"kube-apiserver", func(ctx context.Context) error { return s.bring(ctx, serverStage) }},
		{"controllers and nodes", s.finish},
	} {
		begun := time.Now()
		s.events.Begin(s.l.name, step.name, 0)
		if err := step.do(ctx); err != nil {
			return err
		}
		s.events.Begin(s.l.name, step.name, time.Since(begun))
	}
	return nil
}

// bring makes a stage's programs run with their settings and waits for them.
// Programs that run with old settings are restarted one by one, so that a store
// or an endpoint of several stays up.
func (s *starter) bring(ctx context.Context, st stage) error {
	var fresh, outdated []process
	for _, proc := range s.procs {
		if proc.stage != st {
			continue
		}
		lv, runs := s.running[proc.name]
		if runs && lv.settings != s.settings[proc.name] {
			outdated = append(outdated, proc)
			continue
		}
		fresh = append(fresh, proc)
	}
	if s.atOnce {
		if err := s.restart(ctx, outdated...); err != nil {
			return err
		}
		fresh, outdated = append(fresh, outdated...), nil
	}
	for _, proc := range fresh {
		if _, runs := s.running[proc.name]; runs {
			continue
		}
		if err := s.launch(ctx, proc, s.startedWord(proc)); err != nil {
			return err
		}
	}
	if err := s.await(ctx, fresh); err != nil {
		return err
	}
	for _, proc := range outdated {
		if err := s.restart(ctx, proc); err != nil {
			return err
		}
		if err := s.await(ctx, []process{proc}); err != nil {
			return err
		}
	}
	return nil
}

// startedWord tells a first start from the healing of a dead program.
func (s *starter) startedWord(proc process) string {
	if _, err := s.l.readRecord(proc.name); err != nil {
		return "started"
	}
	return "started again (it did not run)"
}

func (s *starter) restart(ctx context.Context, procs ...process) error {
	for _, proc := range procs {
		if err := s.p.end(ctx, []live{s.running[proc.name]}, s.p.cfg.StopGrace); err != nil {
			return fmt.Errorf("cluster %s: %w", s.l.name, err)
		}
		delete(s.running, proc.name)
	}
	for _, proc := range procs {
		if err := s.launch(ctx, proc, "restarted (its settings changed)"); err != nil {
			return err
		}
	}
	return nil
}

func (s *starter) launch(ctx context.Context, proc process, word string) error {
	if err := ctx.Err(); err != nil {
		return s.ended(ctx, "starting "+proc.name, err)
	}
	if err := s.l.checkPorts(ctx, proc, s.pl.ports); err != nil {
		return err
	}
	if proc.name == kubeletName {
		forgot, err := s.l.forgetManagers(s.pl.spec.Cluster.Spec.Kubernetes.Kubelet)
		if err != nil {
			return err
		}
		if forgot && !s.nodeEmpty {
			s.changed = append(s.changed, proc.name+": forgot whose CPUs and memory are whose (its settings changed); pods get them anew")
		}
	}
	lv, err := s.p.start(s.l, proc, s.settings[proc.name])
	if err != nil {
		return err
	}
	s.running[proc.name] = lv
	s.changed = append(s.changed, proc.name+": "+word)
	return nil
}
