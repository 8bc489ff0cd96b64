"""Text files that users name: regular ones up to a bound, so that no device, pipe or huge file makes a script wait for
ever."""

import os
import stat
from pathlib import Path

MOST_BYTES = 512 << 20  # the program's own bound for its tables


def read(path: Path) -> str:
    """The file's text. Raises OSError, whose text says what is wrong and what is allowed, and UnicodeDecodeError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is no regular file")
        if status.st_size > MOST_BYTES:
            raise OSError(f"it is too large; allowed: at most {MOST_BYTES >> 20} MiB")
        return file.read().decode("utf-8")
