"""Waiting for processes, and ending those that a test has left."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

GENEROUS = 60  # seconds; only a hang reaches it


def kill_all(pids: Iterable[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def processes_where(belongs: Callable[[Path], bool]) -> list[int]:
    """Those whose directory of /proc is one that belongs; one that ends meanwhile, or is another's, is none."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if belongs(entry):
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def is_alive(entry: Path) -> bool:
    return state_of(entry)[0] not in "ZX"


def state_of(entry: Path) -> list[str]:
    """What its `stat` has from the state on, behind the name, in which there may be anything."""
    return (entry / "stat").read_text("ascii", "replace").rpartition(")")[2].split()


def wait_until(condition: Callable[[], object], what: str, seconds: float = GENEROUS, every: float = 0.02) -> None:
    """Fails loudly instead of hanging, so that the clean-ups still run; only a hang gets that far. Most conditions read
    all of /proc: asked more often, they would take a core."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(every)
