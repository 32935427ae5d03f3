"""What the worker processes do with --worker python: the commands of worker.js, as one would do them with numpy."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
from pitwall_worker import Context, Table, Worker

worker = Worker()


@worker.handler("normalize")
def normalize(rows: npt.NDArray[np.floating[Any]], context: Context) -> npt.NDArray[np.floating[Any]]:
    """Scales every column of a tensor to mean 0 and deviation 1; the result is built where the host reads it."""
    deviation = rows.std(axis=0)
    scaled = context.empty(rows.shape, rows.dtype)
    np.subtract(rows, rows.mean(axis=0), out=scaled)
    np.divide(scaled, np.where(deviation > 0, deviation, 1), out=scaled)
    return scaled


@worker.handler("summarize")
def summarize(table: Table) -> dict[str, Any]:
    """Rows of a table by the values of its last column, and the mean of every other one for each."""
    *others, by = table.values()
    codes, groups = by.encode()
    rows = np.bincount(codes, minlength=len(groups))
    means = {
        column.name: np.bincount(codes, weights=column.values, minlength=len(groups)) / np.maximum(rows, 1)
        for column in others
    }
    busiest = np.argsort(rows)[::-1][:10]
    return {
        "rows": table.num_rows,
        "groups": len(groups),
        "busiest": [
            {by.name: groups[group], "rows": rows[group], **{name: values[group] for name, values in means.items()}}
            for group in busiest
        ],
    }


@worker.handler("countFields")
def count_fields(rows: list[dict[str, Any] | None]) -> dict[str, Any]:
    """How often each field occurs in a document of rows."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update((row or {}).keys())
    return {"rows": len(rows), "counts": counts}


@worker.handler("digest")
def digest(data: memoryview) -> str:
    """SHA-1 of raw bytes."""
    return hashlib.sha1(data).hexdigest()


if __name__ == "__main__":
    worker.run()
