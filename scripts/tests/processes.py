"""Waiting for processes, and ending those that a test has left."""

import os
import signal
import time
from collections.abc import Callable, Iterable

GENEROUS = 60  # seconds; only a hang reaches it


def kill_all(pids: Iterable[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def wait_until(condition: Callable[[], object], what: str, seconds: float = GENEROUS, every: float = 0.02) -> None:
    """Fails loudly instead of hanging, so that the clean-ups still run; only a hang gets that far. Most conditions read
    all of /proc: asked more often, they would take a core."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(every)
