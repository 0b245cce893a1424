package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
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
