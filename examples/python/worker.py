"""A worker's script in Python: startWorkerPool(runtime, { pool: 'ml', script: 'examples/python/worker.py' })."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
from pitwall_worker import Context, Table, Worker

worker = Worker()


@worker.handler("normalize")
def normalize(rows: npt.NDArray[np.floating[Any]], context: Context) -> npt.NDArray[np.floating[Any]]:
    """Scales every column of a tensor to mean 0 and deviation 1. The result is built where the host reads it."""
    deviation = rows.std(axis=0)
    scaled = context.empty(rows.shape, rows.dtype)
    np.subtract(rows, rows.mean(axis=0), out=scaled)
    np.divide(scaled, np.where(deviation > 0, deviation, 1), out=scaled)
    return scaled


@worker.handler("group_by")
def group_by(table: Table) -> Table:
    """A row for each value of the first column: how many rows there are, and the sum of every other numeric column."""
    first, *others = table.values()
    codes, groups = first.encode()
    known = codes >= 0
    columns = {first.name: groups, "rows": np.bincount(codes[known], minlength=len(groups))}
    for column in others:
        if column.values.dtype.kind in "iuf":
            columns[column.name] = np.bincount(codes[known], weights=column.values[known], minlength=len(groups))
    return Table.of(columns)


@worker.handler("digest")
def digest(data: memoryview) -> str:
    """SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    worker.run()
