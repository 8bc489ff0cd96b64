#!/usr/bin/env python3
"""Runs cells of poolbench on CPython's own executors, concurrent.futures.

poolbench starts it as `python3 cpython_driver.py` and talks to it in lines of JSON over standard input and output.
{"command": "describe"} tells which Python this is, {"command": "calibrate", "budget_ns": N} also how fast it spins, and
{"command": "run", ...} runs one repetition of a cell and answers with its trace. What goes wrong is answered as
{"error": "one line"}. The end of standard input ends the driver and every process that it started, whatever they are
doing.

A work is [kind, port, wait_ns, units, bytes, seed] and means what workloads/work.h says: the same digests come out of
it as in C++. Times are CLOCK_MONOTONIC in ns.
"""

import concurrent.futures
import json
import multiprocessing
import os
import resource
import socket
import struct
import sys
import threading
import time
from multiprocessing import connection

TYPE_CHECKING = False  # typing's, without its import: what is imported here counts as a worker's memory
# Types that are not builtin are written in quotes, so that a Python that is too old can still say so.
if TYPE_CHECKING:
    from concurrent.futures import Executor, Future
    from typing import Any, Callable, Iterator, List, Tuple, TypeVar

    T = TypeVar("T")
    Work = Tuple[Any, ...]  # kind, port, wait_ns, units, bytes, seed
    Outcome = Tuple[int, int, int, int, int, int]  # started, finished, pid, tid, cpu, digest

PROTOCOL = 1
KINDS = ("sleep", "spin", "gil_spin", "mixed", "tcp_echo")
MASK = (1 << 64) - 1
ECHO_MARK = 0x6F686365706F6F6C  # "loopecho"
NO_STAMP = -1
# Everything here is forked and never executed anew, so that the column start_method is true for every Python.
FORK = multiprocessing.get_context("fork")


# --- works ------------------------------------------------------------------------------------------------------------


def splitmix64(state: int) -> "tuple[int, int]":
    """One number from the generator at `state`, and its next state."""
    state = (state + 0x9E3779B97F4A7C15) & MASK
    value = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31), state


def combine(digest: int, value: int) -> int:
    return splitmix64((((digest << 23) & MASK) | (digest >> 41)) ^ value)[0]


def combine_bytes(digest: int, text: bytes) -> int:
    digest = combine(digest, len(text))
    whole = len(text) // 8 * 8
    for (word,) in struct.iter_unpack("=Q", text[:whole]):
        digest = combine(digest, word)
    if whole == len(text):
        return digest
    return combine(digest, struct.unpack("=Q", text[whole:].ljust(8, b"\0"))[0])


def seeded_bytes(seed: int, size: int) -> bytes:
    words = []
    for _ in range((size + 7) // 8):
        word, seed = splitmix64(seed)
        words.append(word)
    return struct.pack("=%dQ" % len(words), *words)[:size]


def spin_steps(state: int, steps: int) -> int:
    for _ in range(steps):
        state = ((state ^ (state >> 29)) * 0xD6E8FEB86659FD93 + 0x9E3779B97F4A7C15) & MASK
    return state


def receive(peer: "socket.socket", size: int) -> bytes:
    pieces = []
    while size > 0:
        piece = peer.recv(min(size, 1 << 20))
        if not piece:
            raise ConnectionError("tcp_echo: the server ended the connection before its answer was complete")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def echo(port: int, wait_ns: int, size: int, seed: int) -> int:
    payload = seeded_bytes(combine_bytes(seed, b"tcp_echo"), size)
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Closed by RST, as workloads/connection.h does and for its reason: no pair of ports is kept for a minute.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.sendall(struct.pack("<QQQ", ECHO_MARK, wait_ns, size) + payload)
        answer = receive(peer, size)
    if answer != payload:
        raise ConnectionError("tcp_echo: the answer differs from what was sent")
    return combine_bytes(seed, answer)


def do(work: "Work") -> int:
    """Does the work and returns its digest."""
    kind, port, wait_ns, units, size, seed = work
    if kind == "tcp_echo":
        return echo(port, wait_ns, size, seed)
    if wait_ns > 0:
        time.sleep(wait_ns / 1e9)
    if kind == "sleep":
        return combine_bytes(seed, b"sleep")
    return spin_steps(combine_bytes(seed, kind.encode()), units)


def execute(work: "Work") -> "Outcome":
    """The work, stamped: (started, finished, pid, tid, cpu, digest)."""
    cpu_before = time.thread_time_ns()
    started = time.monotonic_ns()
    digest = do(work)
    finished = time.monotonic_ns()
    return started, finished, os.getpid(), threading.get_native_id(), time.thread_time_ns() - cpu_before, digest


def execute_both(task: "Work", callback: "Work") -> "tuple[Outcome, Outcome]":
    return execute(task), execute(callback)


# --- processes that do not outlive the driver -------------------------------------------------------------------------


class LifeLine:
    """A pipe whose writing end only the driver holds: however it ends, its processes see the end of the pipe and
    exit."""

    def __init__(self, also_closed: "list[int]") -> None:
        self.reading, self.writing = os.pipe()
        self.also_closed = also_closed

    def hold(self) -> None:
        """To be called first in every process that the driver forks."""
        for descriptor in (self.writing, *self.also_closed):
            os.close(descriptor)
        exit_at_end_of(self.reading)


def exit_at_end_of(descriptor: int) -> None:
    def watch() -> None:
        while os.read(descriptor, 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class Parsers:
    """The tutorial's remedy, as it says: a few more processes that work on the returned values."""

    def __init__(self, count: int, life_line: LifeLine) -> None:
        self.tasks: "multiprocessing.SimpleQueue[Any]" = FORK.SimpleQueue()
        self.stopped = threading.Event()  # every parser has ended and is reaped
        self.processes: "list[multiprocessing.process.BaseProcess]" = []
        self.replies: "list[connection.Connection]" = []
        for _ in range(count):
            ours, theirs = FORK.Pipe(duplex=False)
            process = FORK.Process(target=self._parse, args=(theirs, life_line), daemon=True)
            process.start()
            theirs.close()  # only the parser holds it now: its death is the end of the pipe
            self.processes.append(process)
            self.replies.append(ours)
            self._receive(ours)  # it is ready

    def _parse(self, reply: "connection.Connection", life_line: LifeLine) -> None:
        life_line.hold()
        reply.send("ready")
        outcomes: "List[Tuple[int, Outcome]]" = []
        try:
            handed_over: "Iterator[Any]" = iter(self.tasks.get, None)
            for index, work in handed_over:
                outcomes.append((index, execute(work)))
            reply.send(outcomes)
        except Exception as error:  # told to the driver, which fails the cell
            reply.send(error)

    @staticmethod
    def _receive(reply: "connection.Connection") -> "Any":
        try:
            return reply.recv()
        except EOFError:
            raise RuntimeError("a parser process died") from None

    def hand_over(self, index: int, work: "Work") -> None:
        self.tasks.put((index, work))

    def finish(self) -> "Iterator[tuple[int, Outcome]]":
        """Yields (index, outcome) of everything that was handed over. The parsers keep their outcomes until then, so
        that neither side ever waits for the other to read."""
        for _ in self.processes:
            self.tasks.put(None)
        waiting = list(self.replies)
        while waiting:
            for reply in connection.wait(waiting):
                assert isinstance(reply, connection.Connection)
                outcomes = self._receive(reply)
                if isinstance(outcomes, Exception):
                    raise outcomes
                waiting.remove(reply)
                yield from outcomes

    def watch(self) -> None:
        """Ends the driver when a parser dies, which may leave the queue locked: nobody waits for it then."""

        def until_one_ends() -> None:
            running: "dict[Any, Any]" = {process.sentinel: process for process in self.processes}
            while running:
                for sentinel in connection.wait(list(running)):
                    process = running.pop(sentinel)
                    process.join()
                    if process.exitcode != 0:
                        os.write(2, b"a parser process died\n")
                        os._exit(1)
            self.stopped.set()

        threading.Thread(target=until_one_ends, daemon=True).start()

    def pids(self) -> "list[int]":
        return [process.pid for process in self.processes if process.pid is not None]


# --- one repetition ---------------------------------------------------------------------------------------------------


class Recorder:
    """What happened to each task, and the gate that opens when the last callback has run."""

    def __init__(self, request: "dict[str, Any]") -> None:
        self.tasks = [tuple(work) for work in request["tasks"]]
        self.callbacks = [tuple(work) for work in request["callbacks"]]
        self.chunksize = request["chunksize"]
        n = len(self.tasks)
        self.submitted = [NO_STAMP] * n
        self.task_outcomes: "list[Any]" = [None] * n
        self.callback_outcomes: "list[Any]" = [None] * n
        self.submit_ns = 0
        self._left = n
        self._lock = threading.Lock()
        self._all_delivered = threading.Event()
        self._error: "BaseException | None" = None

    def submit_each(self, submit: "Callable[[int], T]") -> "list[T]":
        """submit(i) for every task; a list of what it gives."""
        given = []
        for i in range(len(self.tasks)):
            self.submitted[i] = time.monotonic_ns()
            given.append(submit(i))
        self.submitted_all()
        return given

    def submitted_all(self) -> None:
        self.submit_ns = time.monotonic_ns() - self.submitted[0]

    def parse(self, i: int) -> None:
        self.callback_outcomes[i] = execute(self.callbacks[i])

    def deliver(self, i: int, future: "Future[Outcome]", handle: "Callable[[int], None]") -> None:
        """As a done callback: Python logs what one throws and goes on, so it is remembered here."""
        try:
            self.task_outcomes[i] = future.result()
            handle(i)
        except BaseException as error:  # pylint: disable=broad-except
            with self._lock:
                self._error = self._error or error
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._all_delivered.set()

    def wait(self) -> None:
        self._all_delivered.wait()
        if self._error:
            raise self._error

    def rows(self) -> "Iterator[list[int]]":
        nothing = (NO_STAMP, NO_STAMP, 0, 0, 0, 0)
        for submitted, task, callback in zip(self.submitted, self.task_outcomes, self.callback_outcomes):
            yield [submitted, *task, *(callback or nothing)]


def run_none(executor: "Executor", recorder: Recorder, _parsers: "Parsers | None") -> None:
    futures = recorder.submit_each(lambda i: executor.submit(execute, recorder.tasks[i]))
    recorder.task_outcomes = [future.result() for future in futures]


def run_done_callback(
    executor: "Executor", recorder: Recorder, _parsers: "Parsers | None", handle: "Callable[[int], None] | None" = None
) -> None:
    """submit, add_done_callback: on threads the worker parses, on processes one thread of the main process."""
    deliver_to = handle or recorder.parse

    def submit(i: int) -> None:
        executor.submit(execute, recorder.tasks[i]).add_done_callback(
            lambda future: recorder.deliver(i, future, deliver_to)
        )

    recorder.submit_each(submit)
    recorder.wait()


def run_extra(executor: "Executor", recorder: Recorder, parsers: "Parsers | None") -> None:
    assert parsers is not None
    hand_over = parsers.hand_over
    run_done_callback(executor, recorder, parsers, lambda i: hand_over(i, recorder.callbacks[i]))
    for i, outcome in parsers.finish():
        recorder.callback_outcomes[i] = outcome


def run_fused(executor: "Executor", recorder: Recorder, _parsers: "Parsers | None") -> None:
    futures = recorder.submit_each(lambda i: executor.submit(execute_both, recorder.tasks[i], recorder.callbacks[i]))
    for i, future in enumerate(futures):
        recorder.task_outcomes[i], recorder.callback_outcomes[i] = future.result()


def run_sync(executor: "Executor", recorder: Recorder, _parsers: "Parsers | None") -> None:
    for i, task in enumerate(recorder.tasks):
        recorder.submitted[i] = time.monotonic_ns()
        future = executor.submit(execute, task)
        recorder.submitted_all()  # the last one counts
        recorder.task_outcomes[i] = future.result()
        recorder.parse(i)


def run_collect(executor: "Executor", recorder: Recorder, _parsers: "Parsers | None") -> None:
    futures = recorder.submit_each(lambda i: executor.submit(execute, recorder.tasks[i]))
    for i, future in enumerate(futures):
        recorder.task_outcomes[i] = future.result()
        recorder.parse(i)


def run_as_completed(executor: "Executor", recorder: Recorder, _parsers: "Parsers | None") -> None:
    futures = recorder.submit_each(lambda i: executor.submit(execute, recorder.tasks[i]))
    index_of = {future: i for i, future in enumerate(futures)}
    for future in concurrent.futures.as_completed(futures):
        i = index_of[future]
        recorder.task_outcomes[i] = future.result()
        recorder.parse(i)


def run_map(executor: "Executor", recorder: Recorder, _parsers: "Parsers | None") -> None:
    now = time.monotonic_ns()
    recorder.submitted = [now] * len(recorder.tasks)
    outcomes = executor.map(execute, recorder.tasks, chunksize=recorder.chunksize)
    recorder.submitted_all()
    for i, outcome in enumerate(outcomes):
        recorder.task_outcomes[i] = outcome
        recorder.parse(i)


STRATEGIES = {
    "none": run_none,
    "worker": run_done_callback,
    "main": run_done_callback,
    "extra": run_extra,
    "fused": run_fused,
    "sync": run_sync,
    "collect": run_collect,
    "as_completed": run_as_completed,
    "map": run_map,
}


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


# --- the conversation -------------------------------------------------------------------------------------------------


def describe() -> "dict[str, Any]":
    version = sys.version_info
    name = "%d.%d.%d" % version[:3] + ("" if version.releaselevel == "final" else version.releaselevel)
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()  # the function is there from 3.13 on
    return {
        "protocol": PROTOCOL,
        "implementation": sys.implementation.name,
        "version": name,
        "gil": bool(gil),
        "executable": sys.executable,
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
    return {**describe(), "spin_steps_per_ns": steps / best}


def answer(request: "dict[str, Any]", life_line: LifeLine) -> "dict[str, Any]":
    if sys.version_info < (3, 8):  # the first that knows its threads' ids
        raise RuntimeError("this is Python %d.%d.%d; 3.8 or newer is needed" % sys.version_info[:3])
    if request["command"] == "describe":
        return describe()
    if request["command"] == "calibrate":
        return calibrate(request["budget_ns"])
    if request["command"] == "run":
        return run_cell(request, life_line)
    raise ValueError("unknown command '%s'" % request["command"])


def read_line() -> bytes:
    """The next line of standard input, empty at its end. Unbuffered: what follows is the watcher's."""
    pieces = []
    while True:
        piece = os.read(0, 1 << 16)
        pieces.append(piece)
        if not piece or piece.endswith(b"\n"):
            return b"".join(pieces)


def main() -> int:
    # What tasks or libraries print does not get into the conversation.
    out = os.dup(1)
    os.dup2(2, 1)
    life_line = LifeLine([out])
    line = read_line()
    if not line:
        return 0
    try:
        reply = answer(json.loads(line), life_line)
    except Exception as error:  # whatever it is, poolbench is told
        reply = {"error": "%s: %s" % (type(error).__name__, " ".join(str(error).split()))}
    with os.fdopen(out, "w", encoding="ascii") as stream:
        stream.write(json.dumps(reply) + "\n")
        stream.flush()
        # Executors may still have threads after an error, and Python would wait for them.
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
