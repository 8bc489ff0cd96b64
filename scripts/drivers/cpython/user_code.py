"""The user's own functions as works: `python`, and `python_callback` on what a task returned.

A run question has them in `code`: {"function": "MODULE:NAME", "callback": "MODULE:NAME" or "", "paths": [...],
"inputs": [...], "environment": {...}}. An input is any JSON value; an object is keyword arguments.
"""

import importlib
import os
import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Tuple

    from cpython.works import Outcome, Work

KINDS = ("python", "python_callback")

code: "Dict[str, Any]" = {}  # of this process
_functions: "Dict[str, Callable[..., Any]]" = {}


class UserCodeError(Exception):
    """What is wrong with the user's code, in one line."""


def adopt(given: "Dict[str, Any]") -> None:
    """To be called first in every process that is to run the user's functions, once."""
    if code or not given:
        return
    code.update(given)
    os.environ.update(given.get("environment", {}))
    # The user's directories come before the driver's own modules, as they would without a driver.
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:] = [*given["paths"], *(path for path in sys.path if path not in given["paths"] and path != own), own]


def load_all() -> None:
    """All functions of the user's, so that importing them is no part of a task."""
    load(code["function"])
    if code["callback"]:
        load(code["callback"])


def load(name: str) -> "Callable[..., Any]":
    """The function "MODULE:NAME". Raises UserCodeError; what the module raises when it is imported goes through."""
    known = _functions.get(name)
    if known is not None:
        return known
    module_name, _, path = name.partition(":")
    found = _spec_of(module_name)
    if found is None:
        where = ", ".join(directory or "." for directory in code.get("paths", []))
        raise UserCodeError("there is no module '%s' in %s, nor is one installed" % (module_name, where))
    value: "Any" = importlib.import_module(module_name)
    for attribute in path.split("."):
        if not hasattr(value, attribute):
            raise UserCodeError(
                "the module '%s' has no '%s'; it has %s" % (module_name, path, ", ".join(_callables(value)) or "none")
            )
        value = getattr(value, attribute)
    if not callable(value):
        raise UserCodeError("'%s' is not callable: it is of type %s" % (name, type(value).__name__))
    return _functions.setdefault(name, value)


def _spec_of(module_name: str) -> "Any":
    import importlib.util

    try:
        return importlib.util.find_spec(module_name)
    except ModuleNotFoundError:
        return None
    except ValueError:  # a module that was made without a spec
        return sys.modules.get(module_name)


def _callables(module: "Any") -> "list[str]":
    return [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")][:12]


def is_async(function: "Callable[..., Any]") -> bool:
    import inspect  # here and below: what is imported counts as a worker's memory

    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))


def input_of(index: int) -> "Any":
    return code["inputs"][index % len(code["inputs"])]


def shown(value: "Any") -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def prepared(work: "Work") -> "Tuple[Callable[..., Any], Tuple[Any, ...], Dict[str, Any]]":
    """The function of a work, and its arguments."""
    if work[0] == "python_callback":
        return load(code["callback"]), (work[6],), {}
    value = input_of(work[1])
    if isinstance(value, dict):
        return load(code["function"]), (), value
    return load(code["function"]), (value,), {}


def failed(work: "Work", error: BaseException) -> RuntimeError:
    """What the user is told of it, in one line."""
    name = code["callback" if work[0] == "python_callback" else "function"]
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame.f_code
        if os.path.dirname(os.path.abspath(frame.co_filename)) != os.path.dirname(os.path.abspath(__file__)):
            frames.append("%s:%d in %s" % (frame.co_filename, trace.tb_lineno, frame.co_name))
        trace = trace.tb_next
    what = "called sys.exit(%r)" % error.code if isinstance(error, SystemExit) else describe(error)
    where = " (%s)" % frames[-1] if frames else ""
    return RuntimeError("%s failed for input %d, %s: %s%s" % (name, work[1] + 1, shown(input_of(work[1])), what, where))


def describe(error: BaseException) -> str:
    words = " ".join(str(error).split())
    return type(error).__name__ + (": " + words if words else "")


def call(work: "Work") -> "Any":
    """Its result. An asynchronous function is run to its end on a loop of its own."""
    try:
        function, arguments, named = prepared(work)
        result = function(*arguments, **named)
        return awaited(result) if hasattr(result, "__await__") else result
    except BaseException as error:  # sys.exit, too: it would end the driver
        raise failed(work, error) from None


def awaited(result: "Any") -> "Any":
    """What the awaitable comes to, on a loop of its own."""
    import asyncio

    async def wait() -> "Any":
        return await result

    return asyncio.run(wait())


def execute(work: "Work") -> "Outcome":
    """As works.execute: with what it returned behind its stamps."""
    cpu_before = time.thread_time_ns()
    started = time.monotonic_ns()
    result = call(work)
    finished = time.monotonic_ns()
    return _stamped(work, started, finished, time.thread_time_ns() - cpu_before, result)


async def execute_on(work: "Work") -> "Outcome":
    """The same on an event loop, which a function that is not asynchronous holds."""
    started = time.monotonic_ns()
    try:
        function, arguments, named = prepared(work)
        result = function(*arguments, **named)
        if hasattr(result, "__await__"):
            result = await result
    except BaseException as error:
        raise failed(work, error) from None
    return _stamped(work, started, time.monotonic_ns(), 0, result)


def _stamped(work: "Work", started: int, finished: int, cpu: int, result: "Any") -> "Outcome":
    # Its digest says which work was done, as that of a command does.
    return started, finished, os.getpid(), threading.get_native_id(), cpu, work[1], result
