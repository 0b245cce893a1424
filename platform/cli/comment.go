package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/comment"
	"dualtrack.internal/platform/report"
)

func newComment(env *environment) *cobra.Command {
	var file string
	var target comment.Target
	cmd := &cobra.Command{
		Use:   "comment",
		Short: "Put a report on a pull or merge request, or replace it there",
		Long: "comment writes the report that check left as JSON as one comment on the pull or merge request that\n" +
			"the job runs for, and replaces it in later runs. The forge is known by the job's variables; the token\n" +
			"is read from GITHUB_TOKEN (GitHub, Gitea, Forgejo) or GITLAB_TOKEN. It reads nothing but the report,\n" +
			"and escapes all that stands in it, so a job that holds the token need not trust the one that checked.",
		Example: "  platform check -o json=report.json\n  platform comment --report report.json",
		Args:    argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLink(env.link); err != nil {
				return err
			}
			if file == "" {
				return usagef("--report is missing: name the file that `%s check -o json=FILE` wrote", env.program())
			}
			target, err := comment.FromEnvironment(target, env.Getenv)
			if err != nil {
				return &UsageError{Err: err}
			}
			result, err := readReport(file)
			if err != nil {
				return err
			}
			done, err := comment.Put(cmd.Context(), target, string(report.Comment(result, report.TextOptions{Link: env.link})))
			if err == nil {
				env.progressf("%s", done)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&file, "report", "", "the report, as `platform check -o json=FILE` wrote it")
	cmd.Flags().IntVar(&target.Number, "number", 0, "of the pull or merge request, instead of the job's")
	cmd.Flags().StringVar(&target.Head, "head", "", "OWNER:BRANCH that the pull request comes from, for a job that runs for no pull request")
	cmd.Flags().StringVar(&target.Commit, "commit", "", "that the pull request's head must be, with --head")
	cmd.Flags().StringVar(&env.link, "report-url", "", "where a form of the report that holds all is; the comment links to it")
	return cmd
}

// maxReport bounds what is read of a report: several times a large fleet's.
const maxReport = 64 << 20

func readReport(path string) (*report.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usagef("the report can't be read: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxReport+1))
	if err != nil {
		return nil, fmt.Errorf("the report can't be read: %w", err)
	}
	if len(data) > maxReport {
		return nil, usagef("%s is larger than %d MB: it is no report", path, maxReport>>20)
	}
	result, err := report.Read(data)
	if err != nil {
		return nil, usagef("%s: %w", path, err)
	}
	return result, nil
}
