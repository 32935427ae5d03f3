#!/usr/bin/env python3
"""Traces whose expected latencies are known, made of recorded ones: python3 bench/learning/known_world.py OUT_FOLDER TRACE [...]

A world is what XGBoost makes of both lanes of a whole trace (no form that pitwall's cost model has); each row's latencies are the world's, times what
another row of the same kind (size band, burst or not) was off by, both lanes of it together. Writes OUT/known-TRACE, and OUT/expected/known-TRACE.json with the log of gRPC's
expected latency over zero-copy's: whether a choice was materially right is then a fact, not an estimate.
"""
import gzip
import json
import os
import sys

import numpy as np
import rivals
import xgboost

SETTINGS = {"max_depth": 4, "eta": 0.05, "subsample": 0.7, "colsample_bytree": 0.9, "min_child_weight": 20, "seed": 0, "nthread": 1}
LANES = ("grpc", "zeroCopy")


def main(out, paths):
    os.makedirs(os.path.join(out, "expected"), exist_ok=True)
    for path in paths:
        rows = rivals.read(path)
        matrix = rivals.features(rows)
        logs = {lane: np.log([row[lane]["latencyUs"] for row in rows]) for lane in LANES}
        world = {}
        for lane, values in logs.items():
            world[lane] = xgboost.train({**SETTINGS, "objective": "reg:squarederror"}, xgboost.DMatrix(matrix, label=values), 200).predict(xgboost.DMatrix(matrix))
        kinds = {}
        for index, row in enumerate(rows):
            kinds.setdefault((int(np.log2(row["dataSize"] + 1)) // 2, row.get("inFlight", 1) > 1), []).append(index)
        donor = np.empty(len(rows), dtype=int)
        random = np.random.default_rng(1)
        for members in kinds.values():
            donor[members] = random.permutation(members)
        for lane in LANES:
            made = np.exp(world[lane] + (logs[lane] - world[lane])[donor])
            for row, latency in zip(rows, made):
                row[lane] = {"latencyUs": round(float(latency), 1)}
        name = "known-" + path.rsplit("/", 1)[-1]
        with gzip.open(os.path.join(out, name), "wt") as lines:
            lines.write("\n".join(json.dumps(row) for row in rows))
        with open(os.path.join(out, "expected", name + ".json"), "w") as expected:
            json.dump([round(float(value), 4) for value in world["grpc"] - world["zeroCopy"]], expected)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
