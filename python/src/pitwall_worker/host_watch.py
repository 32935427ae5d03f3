"""
Ends a worker whose host is gone. The host holds the other end of standard input and never writes to it: its end is the host's, however that came
about. A thread watches, so that a handler which never yields does not keep the worker alive.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence

#: How long the main thread may take to end by itself.
_GRACE_S = 1.0
_PR_SET_PDEATHSIG = 1
#: SIGSTKFLT, which nobody uses, and which Python has no name for before 3.11.
_UNUSED_SIGNAL = 16


def watch_host(files: Sequence[str], folders: Sequence[str], on_gone: Callable[[], object]) -> None:
    """
    ``files`` and ``folders`` are what nobody else removes when the host was killed: files, then the folders that are empty without them, the inner
    one first. ``on_gone`` is called in the thread, and has a second to end the process.
    """
    # What handlers start in turn gets an input of its own.
    watched = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def watch() -> None:
        try:
            while os.read(watched, 4096):
                pass
        except OSError:
            pass
        _remove(files, folders)
        on_gone()
        time.sleep(_GRACE_S)
        os.kill(os.getpid(), signal.SIGKILL)

    _set_alarm()
    threading.Thread(target=watch, name="pitwall-host-watch", daemon=True).start()


def _remove(files: Sequence[str], folders: Sequence[str]) -> None:
    for path in files:
        try:
            os.unlink(path)
        except OSError:
            pass
    # The last worker closes the door: a folder that is not empty stays.
    try:
        for path in folders:
            os.rmdir(path)
    except OSError:
        pass


def _set_alarm() -> None:
    """
    The thread needs the interpreter's lock, which a handler inside a C extension may never give back. So the kernel sends a signal when the host dies, whose
    handler is the C library's own ``alarm``: called with the signal's number, 16, it ends the process that many seconds later, unless the thread
    has done so before.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
        libc.signal.restype = ctypes.c_void_p
        libc.signal(_UNUSED_SIGNAL, ctypes.cast(libc.alarm, ctypes.c_void_p))
        libc.prctl(_PR_SET_PDEATHSIG, _UNUSED_SIGNAL, 0, 0, 0)
    except (AttributeError, OSError):
        # Another C library, or another machine: without it.
        pass
