#!/bin/sh
# Fetches a release archive, unpacks it if it is the one whose digest was given, and
# puts the program into the PATH of later steps, called dualtrack. With PROGRAM it
# fetches nothing.
set -eu

fail() {
	echo "::error title=dualtrack::$1" >&2
	exit 2
}

temp=${RUNNER_TEMP:-${TMPDIR:-/tmp}}
if [ -n "${PROGRAM:-}" ]; then
	[ -x "$PROGRAM" ] || fail "program: $PROGRAM is no program"
	mkdir -p "$temp/dualtrack-program"
	ln -sf "$(cd "$(dirname "$PROGRAM")" && pwd)/$(basename "$PROGRAM")" "$temp/dualtrack-program/dualtrack"
	echo "$temp/dualtrack-program" >>"$GITHUB_PATH"
	exit 0
fi
[ -n "${ARCHIVE:-}" ] || fail "archive: name a release archive, or a program"
case ${SHA256:-} in
*[!0-9a-f]* | "") fail "sha256: write the archive's digest, 64 hexadecimal digits, from the release's SHA256SUMS" ;;
esac
[ ${#SHA256} -eq 64 ] || fail "sha256: a digest has 64 hexadecimal digits, this has ${#SHA256}"

dir=$temp/dualtrack-$SHA256
if [ ! -x "$dir/dualtrack" ]; then
	part=$(mktemp -d "$dir.XXXXXX")
	trap 'rm -rf "$part"' EXIT
	# Over http too: what counts is the digest.
	curl --fail --silent --show-error --location --proto '=https,http' --proto-redir '=https,http' \
		--retry 3 --connect-timeout 20 --max-time 300 --max-filesize 500000000 \
		--output "$part/archive" -- "$ARCHIVE" || fail "archive: can't be fetched: $ARCHIVE"
	echo "$SHA256  $part/archive" | sha256sum -c - >/dev/null 2>&1 ||
		fail "archive: its digest is $(sha256sum <"$part/archive" | cut -c1-64), not the one that was given: it was not unpacked"
	mkdir "$part/files"
	tar -xzf "$part/archive" -C "$part/files" --strip-components 1 -o
	[ -x "$part/files/dualtrack" ] || fail "archive: holds no program dualtrack: $ARCHIVE"
	# Another job of this machine may have been faster.
	mv -T "$part/files" "$dir" 2>/dev/null || [ -x "$dir/dualtrack" ]
fi
echo "$dir" >>"$GITHUB_PATH"
