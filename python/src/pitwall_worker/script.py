"""Finds the worker in a script that a pool names."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys

from .worker import Worker

_MODULE = "pitwall_worker_script"


def load_script(path: str) -> Worker:
    """
    Runs the script as a module, with its own folder first on the path, as Python would.

    Raises what the script raises, and LookupError for one that makes no worker, or none with handlers.
    """
    full = os.path.abspath(path)
    sys.path.insert(0, os.path.dirname(full))
    sys.argv = [full]
    loader = importlib.machinery.SourceFileLoader(_MODULE, full)
    spec = importlib.util.spec_from_loader(_MODULE, loader)
    if spec is None:
        raise LookupError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    loader.exec_module(module)
    return _worker_of(vars(module), path)


def _worker_of(names: dict[str, object], path: str) -> Worker:
    named = names.get("worker")
    found = {id(value): value for value in names.values() if isinstance(value, Worker)}
    if not found:
        raise LookupError(f"{path} makes no worker: worker = pitwall_worker.Worker()")
    if not isinstance(named, Worker) and len(found) > 1:
        raise LookupError(f"{path} makes several workers, and none is called worker")
    worker = named if isinstance(named, Worker) else next(iter(found.values()))
    if not worker.registry.commands:
        raise LookupError(f"{path} has no handlers: @worker.handler('name')")
    return worker
