"""What Python's executors run. A module of its own that imports next to nothing: every worker process imports it, and a
function of __main__ would be pickled by value by loky, which is not what a user's program does."""

import os
import time


def nothing():
    pass


def identity(value):
    return value


def process_id(seconds):
    """The worker that ran this, after so long a time that another one can take the next."""
    time.sleep(seconds)
    return os.getpid()
