#!/bin/sh
# Runs the check, shows its findings beside the lines and on the run's page, and
# leaves a report in every format.
set -euf

reports=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/dualtrack-reports
mkdir -p "$reports"
echo "reports=$reports" >>"$GITHUB_OUTPUT"
# shellcheck disable=SC2086 # the arguments are words
set -- -w "${DIRECTORY:-.}" ${ARGUMENTS:-} -o github -o "text=$reports/report.txt" -o "json=$reports/report.json" \
	-o "sarif=$reports/report.sarif" -o "junit=$reports/junit.xml" -o "gitlab=$reports/codequality.json" -o "markdown=$reports/comment.md"
case $(dualtrack check --help) in *html*) set -- "$@" -o "html=$reports/report.html" ;; esac
code=0
dualtrack check "$@" || code=$?
echo "exit-code=$code" >>"$GITHUB_OUTPUT"
exit "$code"
