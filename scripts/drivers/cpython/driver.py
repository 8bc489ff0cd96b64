"""Runs cells of poolbench on one of CPython's own executors.

    driver.py EXECUTOR      (of executors.py: thread, process, asyncio, ...)

It speaks the protocol of docs/drivers.md: a question on standard input, its answer on standard output, a line of JSON
each. The end of standard input ends the driver and every process that it started, whatever they are doing.
"""

import json
import os
import sys
import time

# The folder above this one, for the package; not this one, which Python adds unless it is isolated: its modules have
# names that the user's may have.
OWN = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [os.path.dirname(OWN), *(path for path in sys.path if path != OWN)]

from cpython.processes import LifeLine  # noqa: E402
from cpython.executors import EXECUTORS, require  # noqa: E402
from cpython.repetition import run_cell  # noqa: E402
from cpython.works import KINDS, spin_steps  # noqa: E402

# Of typing without its import: what is imported here counts as a worker's memory. Types that are not builtin are
# written in quotes, so that a Python that is too old can still say so.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROTOCOL = 1


def describe(executor: str) -> "dict[str, Any]":
    version = sys.version_info
    name = "%d.%d.%d" % version[:3] + ("" if version.releaselevel == "final" else version.releaselevel)
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()  # the function is there from 3.13 on
    return {
        "protocol": PROTOCOL,
        "language": sys.implementation.name,
        "version": name,
        "one_lock": bool(gil),
        "executable": sys.executable,
        "workloads": list(KINDS),
        "user_code": True,
        "arrivals": True,
        **EXECUTORS[executor],
    }


def calibrate(budget_ns: int) -> "dict[str, Any]":
    """Steps of spin per ns: the fastest of many short stretches, which nobody disturbed."""
    steps = 5_000
    best = 0
    end = time.monotonic_ns() + budget_ns
    while not best or time.monotonic_ns() < end:
        started = time.monotonic_ns()
        spin_steps(1, steps)
        took = max(1, time.monotonic_ns() - started)
        best = min(best or took, took)
    return {"spin_steps_per_ns": steps / best}


def answer(executor: str, request: "dict[str, Any]", life_line: LifeLine) -> "dict[str, Any]":
    if sys.version_info < (3, 8):  # the first that knows its threads' ids
        raise RuntimeError("this is Python %d.%d.%d; 3.8 or newer is needed" % sys.version_info[:3])
    require(executor)
    if request["command"] == "describe":
        return describe(executor)
    if request["command"] == "calibrate":
        return calibrate(request["budget_ns"])
    if request["command"] == "examine":
        from cpython.examination import examine  # only then: what is imported counts as a worker's memory

        return examine(request, life_line)
    if request["command"] == "program":
        from cpython.program import run_program

        return run_program(request, life_line)
    if request["command"] == "run":
        return run_cell(executor, request, life_line)
    raise ValueError("unknown command '%s'" % request["command"])


def read_line() -> bytes:
    """The next line of standard input, empty at its end. Unbuffered: what follows is the watcher's."""
    pieces = []
    while True:
        piece = os.read(0, 1 << 16)
        pieces.append(piece)
        if not piece or piece.endswith(b"\n"):
            return b"".join(pieces)


def remove_temporary_directory() -> None:
    """Of multiprocessing, which a forkserver listens in; it is removed at a normal exit, and this one is none."""
    from multiprocessing import process

    directory = process.current_process()._config.get("tempdir")  # type: ignore[attr-defined]
    if directory:
        import shutil  # only then: what is imported counts as a worker's memory

        shutil.rmtree(directory, ignore_errors=True)


def main(argv: "list[str]") -> int:
    # What tasks or libraries print does not get into the conversation.
    out = os.dup(1)
    os.dup2(2, 1)
    life_line = LifeLine([out])
    line = read_line()
    if not line:
        return 0
    try:
        reply = answer(argv[0] if argv else "", json.loads(line), life_line)
    except Exception as error:  # whatever it is, poolbench is told
        words = " ".join(str(error).split())
        reply = {"error": words if type(error) is RuntimeError else "%s: %s" % (type(error).__name__, words)}
    with os.fdopen(out, "w", encoding="ascii") as stream:
        stream.write(json.dumps(reply) + "\n")
        stream.flush()
        remove_temporary_directory()
        # Executors may still have threads after an error, and Python would wait for them.
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
