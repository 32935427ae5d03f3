"""The handlers of a worker's script."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from .context import Context

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)


class Registry:
    """Handlers by the name of their command."""

    def __init__(self) -> None:
        self._handlers: dict[str, Callable[[Any, Context], Any]] = {}

    @property
    def commands(self) -> tuple[str, ...]:
        return tuple(self._handlers)

    def find(self, command: str) -> Callable[[Any, Context], Any] | None:
        return self._handlers.get(command)

    def add(self, command: str, handler: Handler) -> None:
        """Raises ValueError for a name that is empty or taken, TypeError for what cannot be called with one or two arguments."""
        if not isinstance(command, str) or command == "":
            raise ValueError(f"a command's name is a text that is not empty, not {command!r}")
        if command in self._handlers:
            raise ValueError(f"there is a handler {command!r} already")
        if inspect.iscoroutinefunction(handler):
            raise TypeError(f"the handler {command!r} is a coroutine function; handlers are plain functions")
        self._handlers[command] = _with_context(command, handler)


def _with_context(command: str, handler: Handler) -> Callable[[Any, Context], Any]:
    """Handlers take the payload, or the payload and the context."""
    try:
        signature = inspect.signature(handler)
    except ValueError:
        # Built in, without a signature: such as take one argument.
        return lambda payload, _context: handler(payload)
    except TypeError:
        raise TypeError(f"the handler {command!r} cannot be called") from None
    positional = [each for each in signature.parameters.values() if each.kind in _POSITIONAL]
    wants_context = len(positional) > 1 and (positional[1].default is _NO_DEFAULT or positional[1].name == "context")
    try:
        signature.bind(*[None] * (2 if wants_context else 1))
    except TypeError:
        raise TypeError(
            f"the handler {command!r} takes the payload, or the payload and the context, not {signature}"
        ) from None
    if wants_context:
        return handler
    return lambda payload, _context: handler(payload)


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NO_DEFAULT = inspect.Parameter.empty
