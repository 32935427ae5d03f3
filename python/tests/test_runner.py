"""What becomes of a request: handlers, failures, callers who give up, threads that hang, the end."""

from __future__ import annotations

import queue
import random
import threading
import unittest
from typing import Any

import numpy as np
from pitwall_worker import Context, Worker
from pitwall_worker.memory.intervals import Intervals
from pitwall_worker.messages import Reply, Request
from pitwall_worker.runner import Runner, Running
from pitwall_worker.tensor import encode_tensor


def request(command: str, data: bytes = b"1", timeout_ms: float = 0, **changes: Any) -> Request:
    fields: dict[str, Any] = {"data_type": "json", "format": "json", "gzip": False, "size": len(data)}
    fields |= {"reference": None, "result_reference": None, **changes}
    return Request(command=command, data=memoryview(data), timeout_ms=timeout_ms, **fields)


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.worker = Worker()
        self.replies: queue.Queue[Reply] = queue.Queue()

    def start(self, runner: Runner, asked: Request) -> Running:
        return runner.start(asked, self.replies.put)

    def answer(self, asked: Request, threads: int = 1) -> Reply:
        self.start(Runner(self.worker.registry, threads), asked)
        return self.replies.get(timeout=10)


class Answers(Case):
    def test_a_handler_takes_the_payload_or_the_context_too(self) -> None:
        self.worker.handler("one")(lambda payload: payload + 1)
        self.worker.handler("two")(lambda payload, context: [payload, context.command, context.lane])
        self.worker.handler("named")(lambda payload, context=None: context is not None)
        self.worker.handler("own default")(lambda payload, axis=7: axis)
        self.worker.handler("built in")(abs)
        for command, expected in {
            "one": b"2",
            "two": b'[1,"two","grpc"]',
            "named": b"true",
            "own default": b"7",
            "built in": b"1",
        }.items():
            reply = self.answer(request(command))
            self.assertEqual(b"".join(reply.parts), expected, reply.error_message)
            self.assertGreaterEqual(reply.worker_us, reply.handler_us)

    def test_failures_have_codes(self) -> None:
        class Unspeakable(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        def fail(error: BaseException) -> Any:
            def handler(_payload: Any) -> None:
                raise error

            return handler

        self.worker.handler("throws")(fail(ValueError("too far")))
        self.worker.handler("exits")(fail(SystemExit(3)))
        self.worker.handler("silent")(fail(Unspeakable()))
        self.worker.handler("recurses")(lambda payload: recurse(payload))
        self.worker.handler("object")(lambda payload: object())
        for command, data, code, message in (
            ("throws", b"1", "PITWALL_HANDLER_FAILED", "throws: ValueError: too far"),
            ("exits", b"1", "PITWALL_HANDLER_FAILED", "exits: SystemExit: 3"),
            ("silent", b"1", "PITWALL_HANDLER_FAILED", "cannot say"),
            ("recurses", b"1", "PITWALL_HANDLER_FAILED", "RecursionError"),
            ("object", b"1", "PITWALL_RESULT_UNSENDABLE", "type object cannot be sent"),
            ("throws", b"{", "PITWALL_PAYLOAD_UNREADABLE", "JSONDecodeError"),
            ("throws", b"[" * 100_000, "PITWALL_PAYLOAD_UNREADABLE", "RecursionError"),
            ("__init__", b"1", "PITWALL_UNKNOWN_COMMAND", 'no handler "__init__"'),
        ):
            reply = self.answer(request(command, data))
            self.assertEqual(reply.error_code, code)
            self.assertIn(message, reply.error_message)
        no_memory = self.answer(request("throws", b"", reference=memoryview(b"{}")))
        self.assertEqual(no_memory.error_code, "PITWALL_SHM_UNAVAILABLE")

    def test_a_probe_reads_and_runs_no_handler(self) -> None:
        def never(_payload: Any) -> None:
            raise AssertionError

        self.worker.handler("pitwall.probe")(never)
        array = np.zeros(5_000, np.uint8)
        array[::4096] = 3
        npy = b"".join(encode_tensor(array.astype("f2")))
        for data_type, form, data, expected in (
            ("binary", "raw", array.tobytes(), b"6"),
            ("binary", "raw", b"", b"0"),
            ("tensor", "numpy", npy, None),
            ("text", "raw", b"four", b"4"),
            ("json", "json", b"[1,2]", b"2"),
            ("json", "json", b"7", b"0"),
        ):
            reply = self.answer(request("pitwall.probe", data, data_type=data_type, format=form))
            self.assertEqual(reply.error_code, "", reply.error_message)
            if expected is not None:
                self.assertEqual(b"".join(reply.parts), expected)

    def test_a_deadline_is_the_handlers_too(self) -> None:
        def wait(_payload: Any, context: Context) -> None:
            assert context.remaining_s is not None and context.remaining_s <= 0.05
            assert context.wait(60)
            context.raise_if_cancelled()

        self.worker.handler("wait")(wait)
        reply = self.answer(request("wait", timeout_ms=50))
        self.assertEqual(reply.error_code, "PITWALL_TRANSFER_TIMEOUT")
        self.assertIn('"wait" had no answer within 50 ms', reply.error_message)


class GivingUp(Case):
    def setUp(self) -> None:
        super().setUp()
        self.began = threading.Event()
        self.ran: list[Any] = []

        def hold(payload: Any, context: Context) -> str:
            self.ran.append(payload)
            self.began.set()
            return "told" if context.wait(60) else "not told"

        self.worker.handler("hold")(hold)

    def test_the_handler_hears_and_what_has_not_begun_never_runs(self) -> None:
        runner = Runner(self.worker.registry, 1)
        first = self.start(runner, request("hold", b"1"))
        self.assertTrue(self.began.wait(10))
        second = self.start(runner, request("hold", b"2"))
        # At once, although the thread is not free.
        second.cancel()
        self.assertEqual(self.replies.get(timeout=10).error_code, "PITWALL_TRANSFER_TIMEOUT")
        first.cancel()
        first.cancel()
        self.assertEqual(b"".join(self.replies.get(timeout=10).parts), b"told")
        self.assertEqual(self.ran, [1])
        self.assertTrue(runner.stop(10))
        self.assertTrue(self.replies.empty())

    def test_a_worker_is_well_when_a_thread_is_free_or_becomes_so(self) -> None:
        runner = Runner(self.worker.registry, 2)
        well = threading.Event()
        running = [self.start(runner, request("hold")), self.start(runner, request("hold"))]
        self.assertTrue(self.began.wait(10))
        runner.when_able(well.set)
        self.assertFalse(well.is_set())
        running[0].cancel()
        self.assertTrue(well.wait(10))
        again = threading.Event()
        runner.when_able(again.set)
        self.assertTrue(again.is_set())
        running[1].cancel()

    def test_the_end_is_told_to_handlers_and_waits_for_them(self) -> None:
        deaf, deaf_began = threading.Event(), threading.Event()

        def ignore(_payload: Any) -> None:
            deaf_began.set()
            deaf.wait(60)

        self.worker.handler("deaf")(ignore)
        runner = Runner(self.worker.registry, 2)
        self.start(runner, request("hold"))
        self.start(runner, request("deaf"))
        self.assertTrue(self.began.wait(10) and deaf_began.wait(10))
        self.assertFalse(runner.stop(0.05))
        self.assertEqual(b"".join(self.replies.get(timeout=10).parts), b"told")
        deaf.set()
        self.assertTrue(runner.stop(10))


class Registering(unittest.TestCase):
    def test_refuses_what_is_no_handler(self) -> None:
        worker = Worker()

        async def coroutine(_payload: Any) -> None:
            """Never runs."""

        worker.handler("taken")(abs)
        for name, function, error in (
            ("", abs, ValueError),
            ("taken", abs, ValueError),
            ("none", lambda: None, TypeError),
            ("three", lambda a, b, c: None, TypeError),
            ("coroutine", coroutine, TypeError),
            ("number", 3, TypeError),
        ):
            with self.subTest(name), self.assertRaises(error):
                worker.handler(name)(function)  # type: ignore[type-var]
        self.assertEqual(worker.registry.commands, ("taken",))
        for threads in (0, 257, "4", None):
            with self.assertRaises(ValueError):
                Worker(threads=threads)  # type: ignore[arg-type]

    def test_returns_the_function_as_it_was(self) -> None:
        def mean(tensor: Any) -> Any:
            return tensor.mean()

        self.assertIs(Worker().handler("mean")(mean), mean)


class MergedIntervals(unittest.TestCase):
    def test_cover_what_a_set_of_numbers_would(self) -> None:
        chance = random.Random(7)
        for _ in range(200):
            intervals, numbers = Intervals(), set[int]()
            for _ in range(12):
                start = chance.randrange(50)
                end = start + chance.randrange(8)
                intervals.add(start, end)
                numbers |= set(range(start, end))
                low = chance.randrange(50)
                high = low + chance.randrange(1, 9)
                self.assertEqual(intervals.covers(low, high), set(range(low, high)) <= numbers)

    def test_forget_the_smallest_beyond_their_limit(self) -> None:
        intervals = Intervals(limit=2)
        for start, end in ((0, 10), (20, 21), (30, 40)):
            intervals.add(start, end)
        self.assertTrue(intervals.covers(0, 10) and intervals.covers(30, 40))
        self.assertFalse(intervals.covers(20, 21))


def recurse(value: Any) -> Any:
    return recurse(value)


if __name__ == "__main__":
    unittest.main()
