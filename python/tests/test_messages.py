"""Messages and frames: what is written is read, and nonsense is refused, never more."""

from __future__ import annotations

import os
import random
import socket
import struct
import threading
import unittest

from pitwall_worker.frames import CANCEL, MAX_REQUEST_BYTES, REPLY, REQUEST, read_frames, write_frame
from pitwall_worker.messages import (
    MAX_ERROR_TEXT,
    Reply,
    decode_attach,
    decode_chunk,
    decode_request,
    encode_attach_reply,
    encode_chunk_data,
    encode_chunk_head,
    encode_health,
    encode_reply,
    failed,
)
from pitwall_worker.wire import Bytes, bytes_field, double_field, number_field, read_fields, text_field

SEED = int(os.environ.get("PITWALL_SEED", random.randrange(2**32)))


class Messages(unittest.TestCase):
    def test_a_request_is_read_as_it_was_written(self) -> None:
        message = b"".join(
            (
                text_field(1, "normalize"),
                text_field(2, "tensor"),
                text_field(3, "numpy"),
                number_field(4, 1),
                bytes_field(5, b'{"offset":1}'),
                number_field(8, 2**53 - 1),
                double_field(9, 1500.5),
                bytes_field(7, b"payload"),
            )
        )
        request = decode_request(memoryview(message))
        self.assertEqual((request.command, request.data_type, request.format), ("normalize", "tensor", "numpy"))
        self.assertEqual((request.gzip, request.size, request.timeout_ms), (True, 2**53 - 1, 1500.5))
        self.assertEqual((request.reference, request.result_reference), (b'{"offset":1}', None))
        self.assertEqual(request.data, b"payload")
        empty = decode_request(memoryview(b""))
        self.assertEqual((empty.command, empty.gzip, empty.size, empty.timeout_ms, len(empty.data)), ("", False, 0, 0, 0))

    def test_a_reply_is_its_head_and_its_parts_as_they_lie(self) -> None:
        part = bytearray(b"rest")
        pieces = encode_reply(Reply(data_type="tensor", format="numpy", worker_us=2.5, parts=[b"head", part]))
        self.assertIs(pieces[2], part)
        fields = read_fields(memoryview(b"".join(pieces)))
        self.assertEqual({1: b"tensor", 2: b"numpy", 3: 2.5, 8: b"headrest"}, fields)
        self.assertEqual(encode_reply(Reply()), [b""])
        told = read_fields(memoryview(b"".join(encode_reply(failed("CODE", "x" * 1_000_000)))))
        self.assertEqual(len(memoryview(told[6])), MAX_ERROR_TEXT)  # type: ignore[arg-type]

    def test_chunks_attachments_and_health(self) -> None:
        chunk = decode_chunk(memoryview(encode_chunk_head(b"h", 300)))
        self.assertEqual((chunk.head, chunk.total, chunk.data), (b"h", 300, None))
        self.assertEqual(decode_chunk(memoryview(encode_chunk_data(memoryview(b"data")))).data, b"data")
        self.assertEqual(decode_attach(memoryview(text_field(1, "{}"))), "{}")
        self.assertEqual(encode_attach_reply("", "/a"), text_field(2, "/a"))
        self.assertEqual(encode_health(("a", "b"), 7), text_field(1, "a") + text_field(1, "b") + number_field(2, 7))

    def test_nonsense_is_a_value_error(self) -> None:
        chance = random.Random(SEED)
        good = text_field(1, "command") + double_field(9, 3.5) + bytes_field(7, b"d" * 200)
        for _ in range(1_000):
            changed = bytearray(good if chance.random() < 0.7 else chance.randbytes(chance.randrange(60)))
            for _ in range(chance.randrange(4)):
                if changed:
                    changed[chance.randrange(min(len(changed), 20))] = chance.randrange(256)
            with self.subTest(f"seed {SEED}: {bytes(changed)!r}"):
                for decode in (decode_request, decode_chunk, decode_attach):
                    try:
                        decode(memoryview(bytes(changed)))
                    except ValueError:
                        pass


class Frames(unittest.TestCase):
    def setUp(self) -> None:
        self.near, self.far = socket.socketpair()
        self.addCleanup(self.near.close)
        self.addCleanup(self.far.close)

    def test_arrive_whole_however_the_stream_is_cut(self) -> None:
        chance = random.Random(SEED)
        frames = [
            (chance.choice((REQUEST, CANCEL)), chance.randrange(2**32), chance.randbytes(chance.choice((0, 3, 400, 90_000))))
            for _ in range(60)
        ]
        stream = b"".join(struct.pack("<IBI", 5 + len(body), kind, number) + body for kind, number, body in frames)

        def send() -> None:
            at = 0
            while at < len(stream):
                at += self.far.send(stream[at : at + chance.choice((1, 2, 7, 1_000, 70_000))])
            self.far.close()

        threading.Thread(target=send).start()
        got = [(kind, number, bytes(body)) for kind, number, body in read_frames(self.near)]
        self.assertEqual(got, frames, f"seed {SEED}")

    def test_are_written_in_pieces_without_a_loss(self) -> None:
        body: list[Bytes] = [b"head", memoryview(bytes(range(256)) * 8_000), b"", b"tail"]
        writer = threading.Thread(target=lambda: write_frame(self.near, REPLY, 9, body))
        writer.start()
        whole = b"".join(bytes(part) for part in body)
        got = b""
        while len(got) < 9 + len(whole):
            got += self.far.recv(100_000)
        writer.join()
        self.assertEqual(got, struct.pack("<IBI", 5 + len(whole), REPLY, 9) + whole)

    def test_of_lengths_that_no_frame_has_are_refused(self) -> None:
        for length in (0, 4, MAX_REQUEST_BYTES + 1, 2**32 - 1):
            near, far = socket.socketpair()
            with near, far, self.subTest(length):
                far.sendall(struct.pack("<IBI", length, REQUEST, 1))
                with self.assertRaises(ValueError):
                    next(read_frames(near))


if __name__ == "__main__":
    unittest.main()
