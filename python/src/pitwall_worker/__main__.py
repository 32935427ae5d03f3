"""``python -m pitwall_worker ADDRESS SCRIPT``, or this folder as a program: what a pool starts for a script in Python."""

from __future__ import annotations

import os
import sys


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m pitwall_worker ADDRESS SCRIPT")
    address, script = sys.argv[1:]
    if not __package__:
        # Started as a folder: this very package is to be found, not one that is installed; nor the modules in it as modules of their own.
        sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    from pitwall_worker.ready import tell_host

    try:
        from pitwall_worker.script import load_script
        from pitwall_worker.serve import serve
    except ImportError as error:
        tell_host(problem=f"{error} ({sys.executable}, Python {sys.version.split()[0]})")
        raise
    serve(address, lambda: load_script(script))


if __name__ == "__main__":
    main()
