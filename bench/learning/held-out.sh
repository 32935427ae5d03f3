#!/bin/sh
# Records traces of this machine in other states than those the learner was chosen on, and derives others of them: bench/learning/held-out.sh FOLDER
# Takes ten minutes or more; needs a build, and a Python with numpy for the Python worker. What else the machine does meanwhile is part of the state.
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$1
mkdir -p "$folder/recorded"
record() {
  name=$1
  shift
  "$@" --trace "$folder/recorded/$name.jsonl.gz"
}
bench="node $root/dist/cli/main.js bench"
python="--script $root/bench/learning/read-worker.py"
record node $bench --rows 3000 --seed 101
record python $bench --rows 2500 --seed 202 $python
record one-core taskset -c 1 $bench --rows 2000 --seed 303
record python-one-core taskset -c 0 $bench --rows 1500 --seed 404 $python
node "$root/scripts/run-ts.js" "$root/bench/learning/write-held-out.ts" "$folder/recorded" "$folder"
