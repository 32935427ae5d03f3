"""Tables: what is written is read, what is damaged is refused. Streams of other writers are read in test/python of the Node package."""

from __future__ import annotations

import os
import random
import unittest
from typing import Any

import numpy as np
from pitwall_worker import Table
from pitwall_worker.arrow import decode_table
from pitwall_worker.arrow_write import encode_columns

SEED = int(os.environ.get("PITWALL_SEED", random.randrange(2**32)))
COLUMNS: dict[str, Any] = {
    "int32": np.arange(5, dtype="i4"),
    "uint8": np.arange(5, dtype="u1"),
    "float64": np.array([0.5, 1, 2, 3, 4]),
    "bool": np.array([True, False, True, True, False]),
    "utf8": ["a", None, "", "zü", "a"],
    "int64": [1, None, 3, 4, 4],
    "date32": np.array(["2020-01-01", "1969-12-31", "1970-01-01", "NaT", "2020-01-01"], "M8[D]"),
    "timestamp[ms]": np.array([0, 1, 2, 2, 4], "M8[ms]"),
}


class Tables(unittest.TestCase):
    def test_hold_what_they_were_made_of(self) -> None:
        table = Table.of(COLUMNS)
        self.assertEqual((table.num_rows, len(table), list(table)), (5, 8, list(COLUMNS)))
        for name, column in table.items():
            given = COLUMNS[name]
            expected = given.tolist() if isinstance(given, np.ndarray) else given
            with self.subTest(name):
                self.assertEqual(column.kind, name)
                self.assertEqual(len(column), 5)
                self.assertEqual(column.to_list(), expected)
                codes, groups = column.encode()
                self.assertEqual([groups[code] if code >= 0 else None for code in codes.tolist()], expected)
        numbers = table["int32"].values
        self.assertTrue(np.shares_memory(numbers, np.frombuffer(table.data, np.uint8)))
        self.assertEqual(table["int64"].valid.tolist(), [True, False, True, True, True])  # type: ignore[union-attr]
        with self.assertRaises(KeyError):
            table["none of them"]

    def test_may_be_empty(self) -> None:
        self.assertEqual(Table.of({}).num_rows, 0)
        empty = Table.of({"a": [], "b": np.empty(0, "f4")})
        self.assertEqual([column.to_list() for column in empty.values()], [[], []])

    def test_are_refused_where_there_is_no_such_column(self) -> None:
        wrong: tuple[dict[str, Any], ...] = (
            {"a": [1], "b": [1, 2]},
            {"a": np.zeros((2, 2))},
            {"a": [{}]},
            {"a": [1j]},
            {"a": ["x", 1]},
            {"a": [None, object()]},
            {"a": np.array([1], "m8[s]")},
        )
        for columns in wrong:
            with self.subTest(repr(columns)), self.assertRaises((TypeError, ValueError)):
                Table.of(columns)

    def test_that_are_damaged_are_refused_and_nothing_worse(self) -> None:
        chance = random.Random(SEED)
        good = encode_columns({"n": np.arange(40.0), "s": [f"row {i}" for i in range(40)], "b": [True, None] * 20})
        refused = 0
        for _ in range(1_000):
            damaged = bytearray(good)
            for _ in range(chance.randrange(1, 5)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            if chance.random() < 0.2:
                del damaged[chance.randrange(len(damaged)) :]
            try:
                table = decode_table(memoryview(bytes(damaged)))
                for column in table.values():
                    column.to_list()
            except (ValueError, MemoryError, OverflowError):
                refused += 1
        self.assertGreater(refused, 150, f"seed {SEED}")


if __name__ == "__main__":
    unittest.main()
