package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/report"
	"dualtrack.internal/platform/source"
)

func evidenceFlag(cmd *cobra.Command, env *environment) {
	cmd.Flags().StringArrayVar(&env.evidence, "evidence", nil,
		"file of evidence about signatures and health, as `platform schema evidence` says; repeatable; without it both are unknown")
}

// witnessed reads the files of --evidence; nil without any. They are named from the
// folder of the caller: no part of the tree that is judged.
func (e *environment) witnessed() (*catalog.Evidence, error) {
	var all *catalog.Evidence
	for _, file := range e.evidence {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, &UsageError{Err: fmt.Errorf("--evidence: %w", err)}
		}
		one, err := catalog.ReadEvidence(file, data)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = one
		} else if err := all.Join(one); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// recorder keeps what clusters are seen to hold, in a file of evidence.
type recorder struct {
	file string
	spec catalog.EvidenceSpec
	name string
}

func recordFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "record", "",
		"write what each judged cluster is seen to hold into this file of evidence; looks at most an hour apart that find the same count as one")
}

// openRecorder reads what was recorded before: a file that can't be read is told of
// before anything is judged. nil without a file.
func openRecorder(file string) (*recorder, error) {
	if file == "" {
		return nil, nil
	}
	r := &recorder{file: file, name: "health"}
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, nil
	case err != nil:
		return nil, &UsageError{Err: fmt.Errorf("--record: %w", err)}
	}
	e, err := catalog.ReadEvidence(file, data)
	if err != nil {
		return nil, err
	}
	r.spec, r.name = e.Spec, e.Name
	return r, nil
}

// record adds a look at each cluster that was judged. One that was not reached keeps
// its entry, which grows old.
func (r *recorder) record(result *report.Result, at time.Time) error {
	if r == nil {
		return nil
	}
	for _, c := range result.Clusters {
		if c.State == report.Converged || c.State == report.NotConverged && c.Bundle != "" {
			r.spec.Saw(catalog.Held{Cluster: c.Name, Bundle: c.Bundle, Healthy: c.State == report.Converged, Pods: string(c.HealthEvidence)}, at)
		}
	}
	if err := source.Replace(r.file, r.spec.Write(r.name)); err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	return nil
}
