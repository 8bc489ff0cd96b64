"""The executors that there are, as the driver describes them: what each carries out, and how it differs."""

import importlib
import importlib.util
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Any, Callable, Iterator, List, TypeVar

    from cpython.processes import LifeLine
    from cpython.works import Outcome, Work

    T = TypeVar("T")


class Executor:
    """What strategies ask of one."""

    callbacks: "Any"  # of an event loop: a ThreadPoolExecutor of one thread, for `main`

    def run_where_batches_are_submitted(self, submit_all: "Callable[[], T]") -> "T":
        return submit_all()

    def submit(self, function: "Callable[..., Any]", *works: "Work") -> "Future[Any]":
        """A future of what function(*works) returns: `execute` or `execute_both`."""
        raise NotImplementedError

    def submit_continued(self, task: "Work", callback: "Work") -> "Future[Any]":
        """On an event loop: the callback goes on where the task was, behind all that is ready."""
        raise NotImplementedError

    def submit_with_callback(self, callback: "Callable[[Any], None]", work: "Work") -> None:
        """callback(future) is called when the task has ended, where the executor does that."""
        raise NotImplementedError

    def map(self, works: "List[Work]", chunksize: int) -> "Iterator[Outcome]":
        raise NotImplementedError

    def warm_up(self) -> "list[int]":
        """Returns when every worker runs, with the process ids of all that do."""
        raise NotImplementedError

    def shutdown(self) -> None:
        raise NotImplementedError


CALLER = ["none", "extra", "fused", "sync", "collect", "as_completed"]


def processes(start_method: str) -> "dict[str, Any]":
    return {
        "name": "CPython's ProcessPoolExecutor",
        "strategies": ["main", "map", *CALLER],
        "start_method": start_method,
        "attaches_late": True,
    }


CLUSTER = {"strategies": ["main", *CALLER], "start_method": "spawn", "attaches_late": True}

EXECUTORS: "dict[str, dict[str, Any]]" = {
    "thread": {
        "name": "CPython's ThreadPoolExecutor",
        "strategies": ["worker", "map", *CALLER],
        "attaches_late": True,
    },
    "process": processes("fork"),
    "process_spawn": processes("spawn"),
    "process_forkserver": processes("forkserver"),
    "asyncio": {
        "name": "CPython's asyncio",
        "strategies": ["worker", "main", *CALLER],
        "event_loop": True,
        "workers": 1,
    },
    "to_thread": {"name": "CPython's asyncio.to_thread", "strategies": ["main", *CALLER]},
    "gevent": {
        "name": "gevent",
        "strategies": ["worker", "main", *CALLER],
        "event_loop": True,
        "workers": 1,
    },
    "dask": {"name": "dask.distributed", **CLUSTER},
    "mpi4py": {"name": "mpi4py's MPIPoolExecutor", **CLUSTER},
}

# What is no part of Python, and Debian's package of it.
MODULES = {
    "gevent": ("gevent", "python3-gevent"),
    "dask": ("distributed", "python3-distributed"),
    "mpi4py": ("mpi4py", "python3-mpi4py"),
}

# Where the class of each is; of processes: ProcessPool.
CLASSES = {
    "thread": ("cpython.pools", "ThreadPool"),
    "asyncio": ("cpython.loops", "AsyncioLoop"),
    "to_thread": ("cpython.loops", "ToThread"),
    "gevent": ("cpython.greenlets", "GeventLoop"),
    "dask": ("cpython.clusters", "DaskPool"),
    "mpi4py": ("cpython.clusters", "MpiPool"),
}


def require(executor: str) -> None:
    """Raises with what this Python lacks for it."""
    if executor not in EXECUTORS:
        raise ValueError("no such executor: '%s'; there are %s" % (executor, ", ".join(EXECUTORS)))
    module, package = MODULES.get(executor, ("sys", ""))
    if importlib.util.find_spec(module) is None:
        raise RuntimeError("%s cannot import %s: apt-get install %s" % (sys.executable, module, package))
    if executor == "to_thread" and sys.version_info < (3, 9):
        raise RuntimeError("%s is too old: asyncio.to_thread is there from 3.9 on" % sys.executable)


def imported(executor: str) -> "Any":
    """Its class. What is not needed is not imported: it would count as memory of its workers."""
    module, name = CLASSES.get(executor, ("cpython.pools", "ProcessPool"))
    return getattr(importlib.import_module(module), name)


def make(executor: str, workers: int, in_flight: int, life_line: "LifeLine") -> Executor:
    """Ready to be warmed up."""
    made: Executor
    if EXECUTORS[executor].get("event_loop"):
        made = imported(executor)(in_flight)
    elif executor in CLASSES:
        made = imported(executor)(workers)
    else:
        made = imported(executor)(workers, EXECUTORS[executor]["start_method"], life_line)
    return made
