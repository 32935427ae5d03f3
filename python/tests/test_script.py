"""Finding the worker in a script, and the example that comes with the package."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
from pitwall_worker import Context, Worker
from pitwall_worker.script import load_script

EXAMPLE = Path(__file__).parents[2] / "examples" / "python" / "worker.py"


class Scripts(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        path, argv = list(sys.path), list(sys.argv)
        self.addCleanup(lambda: (sys.path.__setitem__(slice(None), path), sys.argv.__setitem__(slice(None), argv)))

    def load(self, text: str) -> Worker:
        path = os.path.join(self.folder.name, "worker.py")
        Path(path).write_text(f"from pitwall_worker import Worker\n{text}\n", encoding="utf-8")
        return load_script(path)

    def test_the_worker_is_called_so_or_the_only_one(self) -> None:
        self.assertEqual(self.load("any = Worker()\nany.handler('a')(abs)").registry.commands, ("a",))
        self.assertEqual(self.load("x = Worker()\nworker = Worker()\nworker.handler('b')(abs)").registry.commands, ("b",))
        for text, why in (
            ("", "makes no worker"),
            ("a = Worker()\nb = Worker()", "several"),
            ("worker = Worker()", "no handlers"),
            ("worker = Worker()\nworker.run()", "usage"),
        ):
            with self.subTest(text), self.assertRaisesRegex((LookupError, SystemExit), why):
                self.load(text)

    def test_finds_what_lies_beside_it_and_runs_not_as_main(self) -> None:
        Path(self.folder.name, "beside_the_worker.py").write_text("name = 'beside'", encoding="utf-8")
        worker = self.load("import beside_the_worker\nassert __name__ != '__main__'\nworker = Worker()\nworker.handler(beside_the_worker.name)(abs)")
        self.assertEqual(worker.registry.commands, ("beside",))

    def test_the_examples_handlers_do_their_jobs(self) -> None:
        worker = load_script(str(EXAMPLE))
        context = Context("normalize", "grpc", 0)
        normalize, digest = worker.registry.find("normalize"), worker.registry.find("digest")
        assert normalize is not None and digest is not None
        scaled = normalize(np.array([[1.0, 5], [3, 5]]), context)
        np.testing.assert_array_equal(scaled, [[-1, 0], [1, 0]])
        self.assertEqual(digest(memoryview(b"x"), context), hashlib.sha256(b"x").hexdigest())


if __name__ == "__main__":
    unittest.main()
