"""Workers of a pitwall pool in Python: handlers of payloads that come by gRPC or lie in shared memory (docs/python.md)."""

from .context import Context
from .errors import Cancelled, PitwallError
from .table import Column, Table
from .worker import Worker

__all__ = ["Cancelled", "Column", "Context", "PitwallError", "Table", "Worker"]
__version__ = "0.1.0"
