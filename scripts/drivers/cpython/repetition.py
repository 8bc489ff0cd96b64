"""One repetition of a cell: its executor, warm, under a strategy, and what it cost."""

import concurrent.futures
import os
import resource
import threading
import time

from processes import FORK, LifeLine, Parsers, exit_at_end_of
from strategies import STRATEGIES, Recorder
from works import KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Executor
    from typing import Any


def meet(arrived: int, go_on: int) -> int:
    """The warm-up task: keeps its worker until all of them are there."""
    os.write(arrived, b".")
    os.read(go_on, 1)
    return os.getpid()


def warm_up(executor: "Executor", workers: int) -> "list[int]":
    """Returns when every worker runs, with their process ids. Pipes and not a barrier: they serve threads and
    processes."""
    arrivals, arrived = os.pipe()
    go_on, going_on = os.pipe()
    futures = [executor.submit(meet, arrived, go_on) for _ in range(workers)]
    for future in futures:
        # A worker that dies on the way arrives as well, or this would wait for ever.
        future.add_done_callback(lambda done: os.write(arrived, b"!") if done.exception() else None)
    for _ in range(workers):
        if os.read(arrivals, 1) == b"!":
            break
    os.write(going_on, b"." * workers)
    pids = [future.result() for future in futures]
    for descriptor in (arrivals, arrived, go_on, going_on):
        os.close(descriptor)
    return pids


def peak_memory(pid: int) -> int:
    try:
        with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return 0


def usage() -> "dict[str, int]":
    main = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "cpu_user_ns": round((main.ru_utime + children.ru_utime) * 1e9),
        "cpu_sys_ns": round((main.ru_stime + children.ru_stime) * 1e9),
        "main_cpu_ns": round((main.ru_utime + main.ru_stime) * 1e9),
        "ctx_switches_voluntary": main.ru_nvcsw + children.ru_nvcsw,
        "ctx_switches_involuntary": main.ru_nivcsw + children.ru_nivcsw,
    }


def run_cell(request: "dict[str, Any]", life_line: LifeLine) -> "dict[str, Any]":
    recorder = Recorder(request)
    run_strategy: "Any" = STRATEGIES[request["strategy"]]
    unknown = {work[0] for work in recorder.tasks + recorder.callbacks} - set(KINDS)
    if unknown:
        raise ValueError("no such work: %s; there are %s" % (", ".join(sorted(unknown)), ", ".join(KINDS)))
    workers = request["workers"]
    before = usage()
    starting = time.monotonic_ns()
    # Processes first: nothing is forked while other threads of this process run.
    parsers = Parsers(request["parsers"], life_line) if request["strategy"] == "extra" else None
    if request["executor"] == "process":
        executor: "Executor" = concurrent.futures.ProcessPoolExecutor(
            workers, mp_context=FORK, initializer=life_line.hold
        )
    else:
        executor = concurrent.futures.ThreadPoolExecutor(workers)
    pids = {os.getpid(), *warm_up(executor, workers), *(parsers.pids() if parsers else ())}
    exit_at_end_of(0)
    if parsers:
        parsers.watch()
    ready = time.monotonic_ns()
    run_strategy(executor, recorder, parsers)
    memory = sum(peak_memory(pid) for pid in pids)
    stopping = time.monotonic_ns()
    executor.shutdown(wait=True)
    if parsers:
        parsers.stopped.wait()
    stopped = time.monotonic_ns()
    used = {name: value - before[name] for name, value in usage().items()}
    return {
        "tasks": list(recorder.rows()),
        "pool_start_ns": ready - starting,
        "submit_ns": recorder.submit_ns,
        "pool_stop_ns": stopped - stopping,
        "main_pid": os.getpid(),
        "submitter_tid": threading.get_native_id(),
        "resources": {**used, "rss_peak_bytes": memory},
    }
