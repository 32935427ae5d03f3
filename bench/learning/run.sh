#!/bin/sh
# Bundles one learning benchmark and runs it: bench/learning/run.sh replay-bench TRACE_DIRECTORY [...]
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
script=$1
shift
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$root/node_modules/.bin/esbuild" "$root/bench/learning/$script.ts" --bundle --platform=node --format=esm --outfile="$out/$script.mjs" --log-level=error
node "$out/$script.mjs" "$@"
