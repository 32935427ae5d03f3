"""Tensors as ``.npy`` (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), numbers as they lie."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .wire import Bytes

Array = npt.NDArray[Any]

_MAGIC = b"\x93NUMPY"
_PREFIX_BYTES = 10
#: The data starts at a multiple of this, so that it can be viewed in place.
_ALIGNMENT = 64
_MAX_HEADER_BYTES = 65_536
#: One plain type; what else numpy takes for one has a syntax of its own.
_DESCR = re.compile(r"'descr':\s*'([<>|=]?[?A-Za-z]\d{0,9}(?:\[\d{0,9}[A-Za-z]{1,2}\])?)'")
_SHAPE = re.compile(r"'shape':\s*\(([\d,\sL]*)\)")
_FORTRAN = re.compile(r"'fortran_order':\s*True")
#: What the host has an array for.
_SENDABLE = frozenset(("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"))


class _Header(NamedTuple):
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: str


def decode_tensor(data: memoryview) -> Array:
    """
    The tensor in ``.npy`` bytes: a view of them, read-only where they are; a copy only where they are not aligned.

    Raises ValueError for bytes that are no ``.npy``, and for elements that are no plain values.
    """
    if bytes(data[:6]) != _MAGIC or len(data) < 12:
        raise ValueError("no .npy tensor: other bytes")
    start = _PREFIX_BYTES if data[6] == 1 else 12
    end = start + int.from_bytes(data[8:start], "little")
    if end > len(data) or end - start > _MAX_HEADER_BYTES:
        raise ValueError("no .npy tensor: a header that is cut off")
    dtype, shape, order = _read_header(bytes(data[start:end]))
    needed = math.prod(shape) * dtype.itemsize
    if end + needed > len(data):
        raise ValueError("no .npy tensor: fewer bytes than its shape needs")
    if needed == 0:
        return np.empty(shape, dtype)
    flat = np.frombuffer(data[end : end + needed], dtype)
    tensor = np.reshape(flat, shape, order="F" if order == "F" else "C")
    if not flat.flags.aligned:
        tensor = tensor.copy(order="K")
        tensor.flags.writeable = False
    return tensor


@lru_cache(maxsize=256)
def _read_header(header: bytes) -> _Header:
    text = header.decode("latin1")
    descr, shape = _DESCR.search(text), _SHAPE.search(text)
    if descr is None or shape is None:
        raise ValueError("no .npy tensor of plain values")
    try:
        dtype = np.dtype(descr.group(1))
    except TypeError as error:
        raise ValueError(f"no .npy tensor: {error}") from None
    # Objects are pickled, and unpickling runs what the sender likes.
    if dtype.hasobject or dtype.itemsize == 0:
        raise ValueError(f"no .npy tensor of plain values: {dtype}")
    axes = tuple(int(axis) for axis in re.findall(r"\d+", shape.group(1)))
    return _Header(dtype, axes, "F" if _FORTRAN.search(text) else "C")


def encode_tensor(array: Array) -> list[Bytes]:
    """
    Header and numbers, the numbers as they lie where they do so in row-major order.

    Raises TypeError for elements that the host has no array for.
    """
    header = header_of(array.dtype, array.shape)
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    if array.size == 0:
        return [header]
    return [header, np.ravel(array).view(np.uint8).data]


def header_of(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Raises TypeError for elements that the host has no array for."""
    code = f"{dtype.kind}{dtype.itemsize}"
    if code not in _SENDABLE:
        raise TypeError(f"an array of {dtype} cannot be sent; convert it, with astype(), to numbers or bool")
    descr = ("|" if dtype.itemsize == 1 else "<") + code
    axes = f"{shape[0]}," if len(shape) == 1 else ", ".join(str(axis) for axis in shape)
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({axes}), }}".encode("latin1")
    length = -(-(_PREFIX_BYTES + len(text) + 1) // _ALIGNMENT) * _ALIGNMENT
    prefix = _MAGIC + b"\x01\x00" + (length - _PREFIX_BYTES).to_bytes(2, "little")
    return prefix + text.ljust(length - _PREFIX_BYTES - 1) + b"\n"
