"""Shared memory as a worker sees it: what is refused, what is read, and that nothing is left behind."""

from __future__ import annotations

import gc
import json
import os
import random
import threading
import unittest
from typing import Any

import numpy as np
from pitwall_worker.errors import PitwallError
from pitwall_worker.memory.arena import AttachedArena, attach_arena
from pitwall_worker.memory.follower import Follower
from pitwall_worker.memory.layout import FIRST_SLICE, HEADER
from pitwall_worker.memory.region import Region

from .host import Host, encoded

LANES = ("memfd", "file", "copy")
PAYLOAD = bytes(range(256)) * 40
SEED = int(os.environ.get("PITWALL_SEED", random.randrange(2**32)))


class EachLane(unittest.TestCase):
    def host(self, lane: str, **options: Any) -> tuple[Host, AttachedArena]:
        host = Host(lane, PAYLOAD, **options)
        self.addCleanup(host.close)
        arena = attach_arena(host.attachment())
        self.addCleanup(arena.close)
        return host, arena

    def test_a_payload_is_viewed_not_to_be_written(self) -> None:
        for lane in LANES:
            with self.subTest(lane):
                host, arena = self.host(lane)
                view = arena.view(encoded(host.reference()))
                self.assertEqual(view, PAYLOAD)
                array = np.frombuffer(view, np.uint8)
                with self.assertRaises(ValueError):
                    array.flags.writeable = True
                with self.assertRaises(ValueError):
                    array[0] = 1
                if lane != "copy":
                    os.pwrite(host.descriptor, b"changed", host.offset)
                    self.assertEqual(bytes(view[:7]), b"changed")

    def test_a_result_is_written_where_the_host_reads(self) -> None:
        for lane in LANES:
            with self.subTest(lane):
                host, arena = self.host(lane)
                lent = arena.slice_for(encoded(host.reference()))
                self.assertEqual(lent.write([b"head ", memoryview(b"body")]), 9)
                self.assertEqual(host.read(9), b"head body")
                # Built in place, 5 bytes further down than it belongs.
                lent.memory[5:105] = 8
                self.assertEqual(lent.write([b"a longer head ", lent.memory[5:105].data]), 114)
                self.assertEqual(host.read(114), b"a longer head " + bytes([8]) * 100)
                host.reuse()
                with self.assertRaisesRegex(PitwallError, "generation"):
                    lent.write([b"late"])
                self.assertEqual(host.read(1), b"a")

    def test_what_is_wrong_with_a_reference_is_named(self) -> None:
        for lane in LANES:
            host, arena = self.host(lane)
            good = host.reference()
            for what, bad in {
                "arena": host.reference(arena="0" * 16),
                "range": host.reference(offset=0),
                "range ": host.reference(length=2**40),
                "range  ": host.reference(length=0),
                "signature": {**good, "length": good["length"] - 1},
                "signature ": host.reference(key=b"guess"),
                "signature  ": {**good, "signature": ""},
                "expiry": host.reference(expiresAtMs=1),
                "generation": host.reference(generation=6),
                "form": {**good, "offset": "4160"},
                "form ": {**good, "generation": True},
                "form  ": {**good, "length": float("nan")},
                "form   ": {**good, "arena": "a" * 129},
                "form    ": [good],
            }.items():
                with self.subTest(lane + " " + what), self.assertRaisesRegex(PitwallError, what.strip()) as caught:
                    arena.view(encoded(bad))
                self.assertEqual(caught.exception.code, "PITWALL_SHM_REFERENCE")
            for text in (b"", b"{", b"[" * 100_000, b'{"arena":' + b"9" * 5_000 + b"}", b"\xff\xfe", b"null"):
                with self.subTest(text[:9]), self.assertRaises(PitwallError):
                    arena.view(memoryview(text))
            self.assertEqual(arena.view(encoded(good)), PAYLOAD)
            host.reuse()
            with self.assertRaisesRegex(PitwallError, "generation"):
                arena.view(encoded(good))

    def test_of_a_thousand_corrupted_references_none_is_read(self) -> None:
        chance = random.Random(SEED)
        for lane in LANES:
            host, arena = self.host(lane)
            good = json.dumps(host.reference()).encode()
            for _ in range(1_000):
                corrupted = corrupt(good, chance)
                try:
                    read = bytes(arena.view(memoryview(corrupted)))
                except PitwallError as error:
                    self.assertEqual(error.code, "PITWALL_SHM_REFERENCE")
                    continue
                # JSON that says the same in other bytes is the same reference.
                self.assertEqual(meant(corrupted), meant(good), f"seed {SEED}: {corrupted!r}")
                self.assertEqual(read, PAYLOAD)

    def test_a_view_outlives_the_arena(self) -> None:
        for lane in LANES:
            host, arena = self.host(lane)
            reference = encoded(host.reference())
            view = arena.view(reference)
            arena.close()
            arena.close()
            self.assertEqual(view, PAYLOAD)
            with self.assertRaisesRegex(PitwallError, "closed"):
                arena.view(reference)

    def test_a_thousand_attachments_leave_nothing(self) -> None:
        for lane in LANES:
            host = Host(lane, PAYLOAD)
            self.addCleanup(host.close)
            followers_end()
            before = held()
            for _ in range(1_000 if lane == "memfd" else 200):
                attached = attach_arena(host.attachment())
                self.assertEqual(len(attached.view(encoded(host.reference()))), len(PAYLOAD))
                attached.close()
            del attached
            followers_end()
            gc.collect()
            self.assertLessEqual(held(), before)
            # The region is the host's: it is still there.
            self.assertTrue(os.path.exists(host.path))


class Attaching(unittest.TestCase):
    def refused(self, descriptor: str, why: str) -> None:
        with self.assertRaisesRegex(PitwallError, why) as caught:
            attach_arena(descriptor)
        self.assertEqual(caught.exception.code, "PITWALL_SHM_ATTACH")

    def test_refuses_what_could_end_the_process(self) -> None:
        host = Host("memfd", PAYLOAD)
        self.addCleanup(host.close)
        self.refused(host.attachment(bytes=host.size + 4096), "has 1048576 bytes")
        self.refused(host.attachment(bytes=2**62), "has 1048576 bytes")
        self.refused(host.attachment(key="0" * 64), "not the memory")
        self.refused(host.attachment(arena="f" * 16), "not the memory")
        self.refused(host.attachment(path="/dev/null"), "no file")
        self.refused(host.attachment(path="/dev/shm"), "directory")
        self.refused(host.attachment(path="/nowhere/at/all"), "No such file")
        self.refused(host.attachment(path="a\0b"), "null")
        unsealed = Host("memfd", PAYLOAD, seal=False)
        self.addCleanup(unsealed.close)
        self.refused(unsealed.attachment(), "not sealed")
        reading, writing = os.pipe()
        self.refused(host.attachment(path=f"/proc/self/fd/{reading}"), "no file")
        os.close(reading)
        os.close(writing)

    def test_refuses_descriptors_that_make_no_sense(self) -> None:
        host = Host("memfd", PAYLOAD)
        self.addCleanup(host.close)
        for field, value in {"lane": "disk", "bytes": 0, "key": "x", "path": 3, "arena": None}.items():
            self.refused(host.attachment(**{field: value}), "cannot be attached")
        self.refused(host.attachment(bytes=True), "bytes")
        for text in ("", "{", "[]", "null", "[" * 100_000):
            self.refused(text, "cannot be attached")


class Following(unittest.TestCase):
    def test_goes_as_far_as_the_hosts_mark_and_no_further(self) -> None:
        host = Host("memfd", PAYLOAD, size=4 * 2**20)
        self.addCleanup(host.close)
        seen = Recorder(attach_arena(host.attachment()))
        follower = Follower(seen, seen.owner)
        self.addCleanup(follower.stop)
        host.mark(FIRST_SLICE + 2 * 2**20)
        for _ in range(3):
            follower._step()
        self.assertEqual(seen.reached, FIRST_SLICE + 2 * 2**20)
        # A wild write over the first page leads nobody into pages that do not exist.
        os.pwrite(host.descriptor, b"\xff" * 16, 0)
        follower._step()
        self.assertEqual(seen.reached, FIRST_SLICE + 2 * 2**20)

    def test_faults_in_once_what_is_used_and_again_what_is_fresh(self) -> None:
        host = Host("memfd", PAYLOAD)
        self.addCleanup(host.close)
        seen = Recorder(attach_arena(host.attachment()))
        follower = Follower(seen, seen.owner)
        self.addCleanup(follower.stop)
        start = FIRST_SLICE + HEADER
        follower.reach(start, start + 10_000, fresh=False)
        follower.reach(start + 5, start + 9_000, fresh=False)
        self.assertEqual(seen.calls, 1)
        follower.reach(start, start + 10_000, fresh=True)
        self.assertEqual(seen.calls, 2)


class Recorder:
    """A real region that notes what is faulted in."""

    def __init__(self, arena: AttachedArena) -> None:
        self._region: Region = arena._region
        self.owner = arena._owner
        arena._follower.stop()
        self.bytes = self._region.bytes
        self.memory = self._region.memory
        self.reached = 0
        self.calls = 0
        self.pull = self._region.pull
        self.push = self._region.push
        self.read_number = self._region.read_number
        self.close = self._region.close

    def populate(self, start: int, end: int) -> None:
        self._region.populate(start, end)
        self.reached = max(self.reached, end)
        self.calls += 1


def corrupt(text: bytes, chance: random.Random) -> bytes:
    """A bit, a byte, a digit, a length, a field or the order of things is another one."""
    changed = bytearray(text)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.randrange(len(changed)) if changed else 0
        kind = chance.randrange(6)
        if kind == 0 and changed:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1 and changed:
            changed[at] = chance.choice(b'0123456789abcdef"{}[],:-.eE')
        elif kind == 2:
            changed.insert(at, chance.choice(b"0123456789"))
        elif kind == 3 and changed:
            del changed[at]
        elif kind == 4:
            del changed[at:]
        else:
            other = chance.randrange(len(changed) + 1)
            changed[min(at, other) : max(at, other)] = bytes(reversed(changed[min(at, other) : max(at, other)]))
    return bytes(changed)


def meant(text: bytes) -> dict[str, Any]:
    value = json.loads(text)
    names = ("arena", "generation", "offset", "length", "expiresAtMs", "signature")
    return {name: value[name] for name in names}


def followers_end() -> None:
    """Those of arenas that were closed, which hold on to them until they look up."""
    for thread in threading.enumerate():
        if thread.name == "pitwall-follower":
            thread.join(1)


def held() -> tuple[int, int]:
    """Descriptors, and mappings of shared memory."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return len(os.listdir("/proc/self/fd")), sum("pitwall-test" in line or ".region" in line for line in maps)


if __name__ == "__main__":
    unittest.main()
