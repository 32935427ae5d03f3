"""Tables as handlers get them: the columns of an Arrow IPC stream, numbers as views of the payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Chunk(NamedTuple):
    """The part of a column that one batch holds."""

    #: Numbers; codes into ``categories`` where there are some; else Python objects.
    values: Array
    #: Which values are not null; None: all.
    valid: Array | None
    #: What the codes stand for.
    categories: Sequence[Any] | None = None


class Column:
    """One column. Numbers of a table in one batch are a view of the payload, good until the handler returns."""

    def __init__(self, name: str, kind: str, chunks: Sequence[Chunk], rows: int) -> None:
        self.name = name
        #: Arrow's type, such as ``int32``, ``float64``, ``utf8``, ``dictionary<utf8>``, ``timestamp[ms]``.
        self.kind = kind
        self._chunks = chunks
        self._rows = rows
        self._joined: Chunk | None = None

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        return f"<Column {self.name!r} {self.kind} of {self._rows} rows>"

    @property
    def values(self) -> Array:
        """One value per row: numbers, ``datetime64``, bools, or objects (text, bytes). What stands where a row is null means nothing."""
        chunk = self._join()
        if chunk.categories is None:
            return chunk.values
        categories = np.array([*chunk.categories, None], dtype=object)
        found: Array = categories[np.where(_in_range(chunk), chunk.values, len(chunk.categories))]
        return found

    @property
    def valid(self) -> npt.NDArray[np.bool_] | None:
        """Which rows are not null; None where all are valid."""
        return self._join().valid

    def encode(self) -> tuple[npt.NDArray[np.int64], list[Any]]:
        """
        A code per row and what each code stands for, to group by: ``np.bincount(codes[codes >= 0])`` counts each. Rows that are null have the code -1. Columns
        that come as a dictionary have their codes already.
        """
        chunk = self._join()
        if chunk.categories is not None:
            return np.where(_in_range(chunk), chunk.values, -1).astype(np.int64), list(chunk.categories)
        present = chunk.values if chunk.valid is None else chunk.values[chunk.valid]
        distinct, codes = np.unique(present, return_inverse=True)
        if chunk.valid is None:
            return codes.astype(np.int64), distinct.tolist()
        all_codes = np.full(self._rows, -1, dtype=np.int64)
        all_codes[chunk.valid] = codes
        return all_codes, distinct.tolist()

    def to_list(self) -> list[Any]:
        """Python values, None where a row is null."""
        values: list[Any] = self.values.tolist()
        valid = self.valid
        return values if valid is None else [value if good else None for value, good in zip(values, valid.tolist())]

    def _join(self) -> Chunk:
        if self._joined is None:
            self._joined = _join(self._chunks)
        return self._joined


class Table(Mapping[str, Column]):
    """The columns of a payload of format ``arrow`` by name, in their order. Returned from a handler as it came, it is sent as it came."""

    def __init__(self, columns: Sequence[Column], rows: int, data: memoryview) -> None:
        self._columns = {column.name: column for column in columns}
        self.num_rows = rows
        #: The Arrow IPC stream itself: ``pyarrow.ipc.open_stream(table.data).read_all()``, where pyarrow is.
        self.data = data

    @staticmethod
    def of(columns: Mapping[str, Any]) -> Table:
        """
        A table to be returned: columns by name, each an array, or a list of numbers, bools or text, in which None is null. The host gets an Arrow table.

        Raises ValueError for columns of different lengths, TypeError for values of which there are no columns.
        """
        from .arrow import decode_table
        from .arrow_write import encode_columns

        return decode_table(memoryview(encode_columns(columns)))

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def __iter__(self) -> Any:
        return iter(self._columns)

    def __len__(self) -> int:
        """How many columns there are."""
        return len(self._columns)

    def __repr__(self) -> str:
        return f"<Table of {self.num_rows} rows: {', '.join(self._columns)}>"


def _join(chunks: Sequence[Chunk]) -> Chunk:
    if len(chunks) == 1:
        return chunks[0]
    if not chunks:
        return Chunk(np.empty(0), None)
    valid = None
    if any(chunk.valid is not None for chunk in chunks):
        valid = np.concatenate(
            [np.ones(len(chunk.values), bool) if chunk.valid is None else chunk.valid for chunk in chunks]
        )
    if chunks[0].categories is None:
        return Chunk(np.concatenate([chunk.values for chunk in chunks]), valid)
    codes, categories = _join_dictionaries(chunks)
    return Chunk(codes, valid, categories)


def _join_dictionaries(chunks: Sequence[Chunk]) -> tuple[Array, Sequence[Any]]:
    """Batches of one stream may each have a dictionary of their own."""
    first = chunks[0].categories or ()
    if all(chunk.categories is first for chunk in chunks):
        return np.concatenate([chunk.values for chunk in chunks]), first
    numbers: dict[Any, int] = {}
    pieces = []
    for chunk in chunks:
        new_codes = np.array([numbers.setdefault(value, len(numbers)) for value in chunk.categories or ()] + [-1])
        pieces.append(new_codes[np.where(_in_range(chunk), chunk.values, -1)])
    return np.concatenate(pieces), list(numbers)


def _in_range(chunk: Chunk) -> Array:
    """Which codes stand for something: not those of rows that are null, nor what a damaged payload makes up."""
    good: Array = (chunk.values >= 0) & (chunk.values < len(chunk.categories or ()))
    return good if chunk.valid is None else good & chunk.valid
