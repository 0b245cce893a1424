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
if [ "${UPLOAD_SARIF:-}" = true ] && [ -s "$reports/report.sarif" ]; then
	# Code scanning opens what an exception waives and what the change mends: it reads
	# neither word.
	if ! jq 'del(.runs[].results[] | select(.baselineState == "absent" or .suppressions))' \
		"$reports/report.sarif" >"$reports/code-scanning.sarif"; then
		echo "::error title=dualtrack::upload-sarif: jq, which this needs, is not on this runner or fails"
		exit 6
	fi
	echo "sarif=$reports/code-scanning.sarif" >>"$GITHUB_OUTPUT"
fi
exit "$code"
