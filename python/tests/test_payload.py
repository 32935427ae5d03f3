"""From values to bytes and back, against numpy's own reader and writer."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import unittest
from typing import Any

import numpy as np
from pitwall_worker.payload import decode_payload, decompress, encode_payload
from pitwall_worker.tensor import decode_tensor, encode_tensor

SEED = int(os.environ.get("PITWALL_SEED", random.randrange(2**32)))
DTYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
SHAPES: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (7,), (3, 5), (2, 0, 4), (2, 3, 4, 5))


def saved(array: Any) -> memoryview:
    file = io.BytesIO()
    np.save(file, array)
    return memoryview(file.getvalue())


def joined(array: Any) -> bytes:
    return b"".join(encode_tensor(array))


class Tensors(unittest.TestCase):
    def test_are_what_numpy_writes_and_reads(self) -> None:
        for dtype in DTYPES:
            for shape in SHAPES:
                with self.subTest(f"{dtype} {shape}"):
                    array = np.arange(int(np.prod(shape, dtype=int))).reshape(shape).astype(dtype)
                    for data in (saved(array), memoryview(joined(array))):
                        got = decode_tensor(data)
                        self.assertEqual((got.shape, got.dtype), (array.shape, array.dtype))
                        np.testing.assert_array_equal(got, array)
                    np.testing.assert_array_equal(np.load(io.BytesIO(joined(array))), array)

    def test_in_any_layout_arrive_in_the_hosts(self) -> None:
        array = np.arange(24, dtype="f4").reshape(4, 6)
        for name, given in {
            "column-major": np.asfortranarray(array),
            "transposed": array.T,
            "every second": array[:, ::2],
            "backwards": array[::-1],
            "big-endian": array.astype(">f4"),
        }.items():
            with self.subTest(name):
                got = decode_tensor(memoryview(joined(given)))
                np.testing.assert_array_equal(got, given)
                self.assertTrue(got.flags.c_contiguous)
        np.testing.assert_array_equal(decode_tensor(saved(np.asfortranarray(array))), array)

    def test_are_views_and_copies_only_where_they_are_not_aligned(self) -> None:
        data = saved(np.arange(1_000.0))
        room = np.zeros(len(data) + 64, np.uint8)
        for shift in (0, 8, 3):
            place = room[shift : shift + len(data)]
            place[:] = np.frombuffer(data, np.uint8)
            got = decode_tensor(place.data.toreadonly())
            self.assertEqual(np.shares_memory(got, room), shift != 3)
            self.assertTrue(got.flags.aligned)
            self.assertFalse(got.flags.writeable)
            np.testing.assert_array_equal(got, np.arange(1_000.0))

    def test_of_objects_are_refused_both_ways(self) -> None:
        pickled = io.BytesIO()
        np.save(pickled, np.array([{}], dtype=object), allow_pickle=True)
        with self.assertRaises(ValueError):
            decode_tensor(memoryview(pickled.getvalue()))
        for array in (np.array([{}]), np.array(["text"]), np.array([1j]), np.array(["2020"], "M8[D]")):
            with self.assertRaises(TypeError):
                encode_tensor(array)

    def test_that_are_damaged_are_refused_and_nothing_worse(self) -> None:
        chance = random.Random(SEED)
        good = bytes(saved(np.arange(20.0).reshape(4, 5)))
        for _ in range(1_000):
            changed = bytearray(good)
            for _ in range(chance.randrange(1, 4)):
                changed[chance.randrange(128)] = chance.choice(b"0123456789(),'<>|fiuOVMS \x00\xff")
            if chance.random() < 0.2:
                del changed[chance.randrange(len(changed)) :]
            try:
                array = decode_tensor(memoryview(bytes(changed)))
            except (ValueError, OverflowError):
                continue
            self.assertFalse(array.dtype.hasobject, f"seed {SEED}")
            self.assertLessEqual(array.nbytes, len(changed), f"seed {SEED}")


class Values(unittest.TestCase):
    def round(self, value: Any) -> Any:
        encoded = encode_payload(value)
        return decode_payload(encoded.data_type, encoded.format, memoryview(b"".join(encoded.parts)))

    def test_of_every_kind_come_back(self) -> None:
        values: tuple[Any, ...] = ({"a": [1, None, "ü"]}, [], 0, False, None, 1.5, "text with ü", "")
        for value in values:
            self.assertEqual(self.round(value), value)
        for data in (b"", b"bytes", bytearray(b"bytes"), memoryview(b"bytes")[1:3]):
            self.assertEqual(self.round(data), bytes(data))
        self.assertEqual(self.round(np.arange(6, dtype="i4").reshape(2, 3).data), np.arange(6, dtype="i4").tobytes())
        self.assertEqual(self.round(memoryview(b"abcdef")[::2]), b"ace")

    def test_json_is_such_that_the_host_reads_it(self) -> None:
        value = {"n": np.int64(3), "f": np.float32(0.5), "a": np.arange(3), "t": (1, 2), "b": np.bool_(True)}
        self.assertEqual(self.round(value), {"n": 3, "f": 0.5, "a": [0, 1, 2], "t": [1, 2], "b": True})
        # Python would write NaN, which is no JSON.
        odd = {"nan": float("nan"), "inf": [np.float64("inf")], "a": np.array([1.0, np.nan]), "good": 1.5}
        self.assertEqual(self.round(odd), {"nan": None, "inf": [None], "a": [1, None], "good": 1.5})
        self.assertEqual(b"".join(encode_payload(["ü\ud800"]).parts), '["ü?"]'.encode())

    def test_what_cannot_be_sent_is_refused(self) -> None:
        cycle: list[Any] = []
        cycle.append(cycle)
        for value in (object(), {"a": object()}, cycle, {(1, 2): 3}, 1j):
            with self.subTest(repr(value)[:40]), self.assertRaises((TypeError, ValueError)):
                encode_payload(value)

    def test_bytes_and_text_are_told_apart(self) -> None:
        self.assertEqual(decode_payload("text", "raw", memoryview(b"a")), "a")
        self.assertEqual(decode_payload("binary", "parquet", memoryview(b"a")), memoryview(b"a"))
        self.assertIsNone(decode_payload("json", "json", memoryview(b"")))
        with self.assertRaises(ValueError):
            decode_payload("json", "json", memoryview(b"{"))


class Gzip(unittest.TestCase):
    def test_is_bounded_by_what_the_sender_said(self) -> None:
        text = json.dumps(list(range(10_000))).encode()
        packed = memoryview(gzip.compress(text))
        self.assertEqual(decompress(packed, len(text)), text)
        self.assertEqual(decompress(memoryview(gzip.compress(b"")), 0), b"")
        for bad, size in ((packed, len(text) - 1), (packed, 0), (packed[:-9], len(text)), (packed[1:], 9), (packed[:0], 9)):
            with self.assertRaises(ValueError):
                decompress(bad, size)


if __name__ == "__main__":
    unittest.main()
