#!/usr/bin/env python3
"""What others make of paired traces, with full information on the first half, scored on the second: XGBoost on log latency, linear cost, thresholds.

    /usr/bin/python3 bench/learning/rivals.py [--expected FOLDER] TRACE [...]          (Debian: python3-xgboost python3-numpy python3-scipy)

XGBoost: one regressor per lane on log latency (300 rounds, depth 5, eta 0.05, subsample 0.8, colsample 0.9, min_child_weight 5, seed 0) on log size, type,
format, compression, load, available memory, transfers in flight and warmth; it takes the lane with the smaller prediction. Linear cost: a + b * size per
lane, type, format and compression, fitted on log residuals with a soft-L1 loss. `static` is the best threshold in hindsight, for each score by itself.
Prints one line of JSON per trace: regret and slowdown of each on the second half, and XGBoost's median prediction error per lane.

--expected writes FOLDER/TRACE.json beside it: for each row the log of gRPC's latency over zero-copy's that is to be expected, whatever luck the row had. It
comes from XGBoost on that very ratio, with both lanes known, for each tenth of the blocks of 20 rows from the nine others: a referee no chooser can ask.
"""
import gzip
import json
import math
import os
import sys

import numpy as np

try:
    import xgboost
except ImportError:
    sys.exit("SKIPPED: xgboost is not installed (Debian: python3-xgboost)")
from scipy.optimize import least_squares


def read(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    return [row for row in rows if row["grpc"]["latencyUs"] > 0 and row["zeroCopy"]["latencyUs"] > 0]


def compressed(row):
    value = row.get("compression")
    return value is True or (isinstance(value, str) and value != "none")


def features(rows):
    kinds = sorted({(row.get("dataType", "binary"), row.get("format", "raw")) for row in rows})
    columns = []
    for row in rows:
        kind = (row.get("dataType", "binary"), row.get("format", "raw"))
        size, warm = row["dataSize"], row.get("warmBytes")
        columns.append(
            [math.log(size + 1), float(compressed(row)), row.get("systemLoad", np.nan), row.get("availableMemory", np.nan)]
            + [row.get("inFlight", 1), np.nan if warm is None else float(size <= warm)]
            + [float(kind == known) for known in kinds]
        )
    return np.array(columns, dtype=float)


def xgboost_predictions(train, test, logs):
    settings = {"max_depth": 5, "eta": 0.05, "subsample": 0.8, "colsample_bytree": 0.9, "min_child_weight": 5, "seed": 0, "nthread": 1}
    model = xgboost.train({**settings, "objective": "reg:squarederror"}, xgboost.DMatrix(train, label=logs), num_boost_round=300)
    return model.predict(xgboost.DMatrix(test))


def linear_predictions(train, test, logs):
    groups = {}
    for index, row in enumerate(train):
        groups.setdefault((row.get("dataType"), row.get("format"), compressed(row)), []).append(index)
    sizes = np.array([row["dataSize"] for row in train], dtype=float)

    def fit(indices):
        size, target = sizes[indices], logs[indices]
        start = [np.log(max(1.0, float(np.exp(np.median(target))) / 2)), np.log(1e-3)]
        residual = lambda p: np.log(np.exp(p[0]) + np.exp(p[1]) * size) - target
        return least_squares(residual, start, loss="soft_l1").x

    everything = fit(np.arange(len(train)))
    fitted = {kind: fit(np.array(indices)) for kind, indices in groups.items() if len(indices) >= 20}
    result = []
    for row in test:
        a, b = fitted.get((row.get("dataType"), row.get("format"), compressed(row)), everything)
        result.append(math.log(math.exp(a) + math.exp(b) * row["dataSize"]))
    return np.array(result)


def scores(grpc, zero_copy, takes_zero_copy):
    chosen, best = np.where(takes_zero_copy, zero_copy, grpc), np.minimum(grpc, zero_copy)
    return {"regret": float(chosen.sum() / best.sum()), "slowdown": float(np.exp(np.mean(np.log(chosen / best))))}


BLOCK, FOLDS = 20, 10


def expected_log_ratio(matrix, latency):
    """Out of fold. What slowed both lanes of a row down cancels in their ratio."""
    ratio = np.log(latency["grpc"] / latency["zeroCopy"])
    settings = {"max_depth": 4, "eta": 0.05, "subsample": 0.7, "colsample_bytree": 0.9, "min_child_weight": 20, "seed": 0, "nthread": 1}
    fold = (np.arange(len(ratio)) // BLOCK) % FOLDS
    result = np.empty(len(ratio))
    for held in range(FOLDS):
        train = xgboost.DMatrix(matrix[fold != held], label=ratio[fold != held])
        model = xgboost.train({**settings, "objective": "reg:pseudohubererror"}, train, num_boost_round=150)
        result[fold == held] = model.predict(xgboost.DMatrix(matrix[fold == held]))
    return result


def best_static(size, grpc, zero_copy):
    thresholds = np.concatenate([np.unique(size), [np.inf]])
    all_scores = [scores(grpc, zero_copy, size >= threshold) for threshold in thresholds]
    return {name: min(score[name] for score in all_scores) for name in ("regret", "slowdown")}


def main(paths):
    folder = None
    if paths[0] == "--expected":
        folder, paths = paths[1], paths[2:]
        os.makedirs(folder, exist_ok=True)
    for path in paths:
        rows = read(path)
        half = len(rows) // 2
        matrix = features(rows)
        latency = {lane: np.array([row[lane]["latencyUs"] for row in rows], dtype=float) for lane in ("grpc", "zeroCopy")}
        grpc, zero_copy = latency["grpc"][half:], latency["zeroCopy"][half:]
        size = np.array([row["dataSize"] for row in rows[half:]], dtype=float)
        predicted = {lane: xgboost_predictions(matrix[:half], matrix[half:], np.log(values[:half])) for lane, values in latency.items()}
        linear = {lane: linear_predictions(rows[:half], rows[half:], np.log(values[:half])) for lane, values in latency.items()}
        if folder is not None:
            with open(os.path.join(folder, path.rsplit("/", 1)[-1] + ".json"), "w") as out:
                json.dump([round(float(value), 4) for value in expected_log_ratio(np.column_stack([matrix, np.arange(len(rows))]), latency)], out)
        errors = {lane: float(np.median(np.abs(latency[lane][half:] / np.exp(predicted[lane]) - 1))) for lane in latency}
        print(
            json.dumps(
                {
                    "trace": path.rsplit("/", 1)[-1],
                    "rows": len(rows),
                    "xgboost": scores(grpc, zero_copy, predicted["zeroCopy"] < predicted["grpc"]),
                    "linear": scores(grpc, zero_copy, linear["zeroCopy"] < linear["grpc"]),
                    "static": best_static(size, grpc, zero_copy),
                    "xgboostMedianError": errors,
                }
            )
        )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
