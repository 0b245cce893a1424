package sampling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"dualtrack.internal/tests/experiments/collector"
)

// Outage is a site whose hub is away for as long as traces are sent to the node's
// agent, which is killed meanwhile and started again.
type Outage struct {
	Cluster   string
	Length    time.Duration
	PerSecond int
	Kills     int
}

// Survived is what came of the traces of an outage.
type Survived struct {
	Sent   *Sent
	Counts Counts
	Kills  int
	Caught time.Duration // from the hub's return to the last of what waited
}

// site is an agent and a gateway that run here, and the hub.
type site struct {
	agent   *Place
	gateway *Gateway
	running [2]*collector.Process // agent, gateway
}

func (o Outage) site(ctx context.Context, dir string) (*site, error) {
	var dirs [2]string
	var found [2]collector.Rendered
	for i, name := range []string{"otel-agent", "otel-gateway"} {
		var err error
		if dirs[i], err = files(dir, name); err != nil {
			return nil, err
		}
		if found[i], err = collector.Find(ctx, o.Cluster, name); err != nil {
			return nil, err
		}
	}
	s := &site{}
	var err error
	if s.gateway, err = NewGateway(ctx, dirs[1], found[1], nil); err != nil {
		return nil, err
	}
	s.agent, err = Put(ctx, found[0], Wiring{Dir: dirs[0], Certs: dirs[0], To: map[string]string{"otlp_grpc": s.gateway.GRPC}})
	return s, err
}

// start starts the agent or the gateway.
func (s *site) start(ctx context.Context, which int) error {
	command := []collector.Command{s.agent.Command, s.gateway.Command}[which]
	process, err := command.Start(ctx)
	s.running[which] = process
	return err
}

func (s *site) kill() {
	for _, p := range s.running {
		if p != nil {
			p.Kill()
		}
	}
}

// Run has the outage.
func (o Outage) Run(ctx context.Context) (out Survived, err error) {
	dir, err := os.MkdirTemp("", "dualtrack-outage-")
	if err != nil {
		return out, fmt.Errorf("make room for a site: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := o.site(ctx, dir)
	if err != nil {
		return out, err
	}
	defer s.kill()
	defer func() { err = errors.Join(err, s.gateway.Sink.Close()) }()
	if err := errors.Join(s.start(ctx, 1), s.start(ctx, 0)); err != nil {
		return out, err
	}
	if out.Sent, err = o.away(ctx, s); err != nil {
		return out, err
	}
	out.Kills = o.Kills
	// What was sent last is decided and waits too.
	if err := collector.Pause(ctx, 15*time.Second); err != nil {
		return out, err
	}
	back := time.Now()
	if err := s.gateway.Sink.Listen(ctx); err != nil {
		return out, err
	}
	// A gateway asks a hub that is away every 30 seconds.
	if err := s.gateway.Sink.Settled(ctx, 35*time.Second, 10*time.Minute); err != nil {
		return out, fmt.Errorf("%w: %s", err, s.gateway.Words())
	}
	out.Caught = s.gateway.Sink.last.Sub(back)
	out.Counts = s.gateway.Sink.Counts(out.Sent)
	return out, nil
}

// away sends for as long as the outage lasts, and kills the agent at even times.
func (o Outage) away(ctx context.Context, s *site) (sent *Sent, err error) {
	work, inside := errgroup.WithContext(ctx)
	work.Go(func() (err error) {
		sent, err = Sender{To: []string{s.agent.HTTP}, Kinds: Kinds(int(o.Length.Seconds()) * o.PerSecond), Spans: 2,
			PerSecond: o.PerSecond, Seed: 11, Patient: true}.Send(inside)
		return err
	})
	work.Go(func() error {
		for range o.Kills {
			if err := collector.Pause(inside, o.Length/time.Duration(o.Kills+1)); err != nil {
				return err
			}
			s.running[0].Kill()
			if err := s.start(inside, 0); err != nil {
				return err
			}
		}
		return nil
	})
	return sent, work.Wait()
}

// Show has the outage and writes what came of it.
func (o Outage) Show(ctx context.Context, out io.Writer) error {
	got, err := o.Run(ctx)
	if err != nil {
		return fmt.Errorf("outage: %w", err)
	}
	lost, part := 0, 0
	var rest Kind
	for _, k := range got.Sent.Kinds {
		part += got.Counts.Part[k.Name]
		if k.Always {
			lost += k.Traces - got.Counts.Kept(k.Name)
		} else {
			rest = k
		}
	}
	_, err = fmt.Fprintf(out, "hub away for %s, agent killed -9 %d times, %d traces taken at %d a second: of those that are always kept %d lost, "+
		"%d of %d others kept (a tenth ± %.0f), %d in part, %d spans twice; the last came %s after the hub was back\n",
		o.Length, got.Kills, len(got.Sent.kind), o.PerSecond, lost, got.Counts.Kept(rest.Name), rest.Traces, 4*Sigma(rest.Traces),
		part, got.Counts.Again, got.Caught.Round(time.Second))
	return err
}
