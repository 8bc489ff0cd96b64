"""One repetition of a cell: its executor, warm, under a strategy, and what it cost."""

import os
import resource
import threading
import time

from cpython import user_code
from cpython.executors import EXECUTORS, imported, make
from cpython.processes import LifeLine, Parsers, exit_at_end_of
from cpython.strategies import NO_ARRIVALS, Recorder, strategy_on
from cpython.works import KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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


def run_cell(executor_name: str, request: "dict[str, Any]", life_line: LifeLine) -> "dict[str, Any]":
    recorder = Recorder(request)
    if request["strategy"] not in EXECUTORS[executor_name]["strategies"]:
        raise ValueError("%s has no strategy '%s'" % (executor_name, request["strategy"]))
    unknown = {work[0] for work in recorder.tasks + recorder.callbacks} - set(KINDS)
    if request.get("code"):
        unknown -= set(user_code.KINDS)
        user_code.adopt(request["code"])
        user_code.load_all()
    if unknown:
        raise ValueError("no such work: %s; there are %s" % (", ".join(sorted(unknown)), ", ".join(KINDS)))
    if recorder.arrivals and (len(recorder.arrivals) != len(recorder.tasks) or request["strategy"] in NO_ARRIVALS):
        raise ValueError("tasks arrive one by one, and not on the strategies %s" % ", ".join(NO_ARRIVALS))
    workers = request["workers"]
    run_strategy = strategy_on(executor_name, request["strategy"])
    imported(executor_name)  # before the clock, which would take it for a part of the pool's start
    before = usage()
    starting = time.monotonic_ns()
    # Processes first: nothing is forked while other threads of this process run.
    parsers = Parsers(request["parsers"], life_line) if request["strategy"] == "extra" else None
    executor = make(executor_name, workers, request["in_flight"], life_line)
    pids = {os.getpid(), *executor.warm_up(), *(parsers.pids() if parsers else ())}
    exit_at_end_of(0)
    if parsers:
        parsers.watch()
    ready = time.monotonic_ns()
    run_strategy(executor, recorder, parsers)
    memory = sum(peak_memory(pid) for pid in pids)
    stopping = time.monotonic_ns()
    executor.shutdown()
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
        **({"origin_ns": recorder.origin_ns} if recorder.arrivals else {}),
    }
