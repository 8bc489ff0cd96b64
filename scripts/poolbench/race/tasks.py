"""What Python's executors run. A module of its own that imports next to nothing: every worker process imports it, and a
function of __main__ would be pickled by value by loky, which is not what a user's program does."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from typing import Any


def nothing() -> None:
    pass


def spin(steps: int) -> int:
    state = 1
    for _ in range(steps):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    return steps if state >= 0 else 0


def identity(value: Any) -> Any:
    return value


def process_id(seconds: float) -> int:
    """The worker that ran this, after so long a time that another one can take the next."""
    time.sleep(seconds)
    return os.getpid()
