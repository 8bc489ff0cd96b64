"""Python's executors on the work of the C++ race: CPython's thread and process pools, and joblib's loky.

The scenarios have the names, the units and the sizes of pools/benchmarks; all workers are there and warm before the
clock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple

from poolbench.race import tasks


class Entry(NamedTuple):
    """What is measured: the pools of a peer have `workers`."""

    scenario: str
    peer: str
    workers: int
    producers: int


@dataclass(frozen=True)
class Effort:
    """How much a scenario is to do; as Effort in pools/benchmarks/peers/peer.h."""

    seconds: float = 0.3  # about so long


@dataclass(frozen=True)
class Measured:
    value: float  # in the scenario's unit
    tasks: int
    seconds: float  # how long the timed part was


class WrongResult(Exception):
    """An executor lost a task, or delivered something else than what the task returned."""


MIB = 1 << 20
ECHOES_IN_FLIGHT = 32
MOST_GRAINS = 200_000
STARTS = 3


# --- the executors ----------------------------------------------------------------------------------------------------
# Imported when they are used: who looks at one of them does not pay for the others, and joblib may be missing.


def _cpython_thread(workers: int) -> Executor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(workers)


def _cpython(method: str) -> Callable[[int], Executor]:
    def make(workers: int) -> Executor:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context(method))

    return make


def _loky(workers: int) -> Executor:
    from joblib.externals.loky import ProcessPoolExecutor

    executor: Executor = ProcessPoolExecutor(workers)
    return executor


EXECUTORS = {
    "cpython_thread": _cpython_thread,
    "cpython_fork": _cpython("fork"),
    "cpython_spawn": _cpython("spawn"),
    "loky": _loky,
}


# --- measuring --------------------------------------------------------------------------------------------------------


def lower_median(values: list[float]) -> float:
    """The lower middle, as in the C++ race."""
    return sorted(values)[(len(values) - 1) // 2]


def fitting_tasks(seconds: float, least: int, burst: Callable[[int], float]) -> int:
    """How many tasks take about so long, by two warming bursts of a tenth of the time; burst(tasks) gives the
    seconds."""

    def clamped(count: float) -> int:
        return max(least, min(1_000_000, int(count)))

    warm = clamped(seconds / 10 / (burst(least) / least))
    return clamped(seconds / (burst(warm) / warm))


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise WrongResult(what)


def _pids_of_all(executor: Executor, workers: int) -> None:
    """Returns when every one of the process pool's workers has run a task."""
    seen: set[int] = set()
    while len(seen) < workers:
        seen.update([future.result() for future in [executor.submit(tasks.process_id, 0.001) for _ in range(workers)]])


def _meet(executor: Executor, workers: int) -> None:
    """Returns when the thread pool's workers have met in tasks that wait for one another. The queue is first in, first
    out: all tasks before these are done then. On a fresh pool it starts every thread, because none is idle."""
    barrier = threading.Barrier(workers)
    for met in [executor.submit(barrier.wait) for _ in range(workers)]:
        met.result()


def _per_task(seconds: float, least: int, burst: Callable[[int], float]) -> Measured:
    count = fitting_tasks(seconds, least, burst)
    took = burst(count)
    return Measured(took * 1e9 / count, count, took)


# --- the scenarios: (executor, workers, effort) -> Measured -----------------------------------------------------------


def detached(executor: Executor, workers: int, effort: Effort) -> Measured:
    """ns per empty task whose future is dropped at once, until the last one has run."""

    def burst(count: int) -> float:
        begin = time.perf_counter()
        for _ in range(count):
            executor.submit(tasks.nothing)
        _meet(executor, workers)
        return time.perf_counter() - begin

    return _per_task(effort.seconds, 1000, burst)


def future(executor: Executor, _workers: int, effort: Effort) -> Measured:
    """ns per empty task whose future is kept and then waited for."""

    def burst(count: int) -> float:
        begin = time.perf_counter()
        futures = [executor.submit(tasks.identity, 1) for _ in range(count)]
        total = sum(kept.result() for kept in futures)
        seconds = time.perf_counter() - begin
        _require(total == count, f"the results add up to {total}, not {count}")
        return seconds

    return _per_task(effort.seconds, 1000, burst)


def round_trip(executor: Executor, _workers: int, effort: Effort) -> Measured:
    """ns per round trip, one after the other."""

    def burst(count: int) -> float:
        begin = time.perf_counter()
        total = sum(executor.submit(tasks.identity, 1).result() for _ in range(count))
        seconds = time.perf_counter() - begin
        _require(total == count, f"the results add up to {total}, not {count}")
        return seconds

    return _per_task(effort.seconds, 100, burst)


def round_trip_after_1ms(executor: Executor, _workers: int, effort: Effort) -> Measured:
    """Median ns of a round trip, each after everybody has been idle for 1 ms."""
    for _ in range(100):
        executor.submit(tasks.identity, 1).result()
    trips = max(1, int(effort.seconds / 1.3e-3))
    each = []
    begin = time.perf_counter()
    for _ in range(trips):
        time.sleep(1e-3)
        sent = time.perf_counter()
        result = executor.submit(tasks.identity, 1).result()
        each.append((time.perf_counter() - sent) * 1e9)
        _require(result == 1, f"a result is {result}, not 1")
    return Measured(lower_median(each), trips, time.perf_counter() - begin)


def metg(executor: Executor, workers: int, effort: Effort) -> Measured:
    """METG(50 %) in ns, as in pools/benchmarks/peers/granularity.h: efficiency is the rate of steps over that of the
    longest tasks, some 30 ms each."""

    def rate(steps: int, count: int) -> float:
        begin = time.perf_counter()
        total = sum(kept.result() for kept in [executor.submit(tasks.spin, steps) for _ in range(count)])
        _require(total == count * steps, f"the results add up to {total}, not {count * steps}")
        return total / (time.perf_counter() - begin)

    steps = 1 << 20
    begin = time.perf_counter()
    best = rate(steps, 4 * workers)
    ns_per_step = workers * 1e9 / best
    longer, count = 1.0, 4 * workers
    while steps > 1:
        steps //= 2
        count = max(10 * workers, min(MOST_GRAINS, int(effort.seconds / 4 * best / steps)))
        shorter = rate(steps, count) / best
        if shorter < 0.5:
            shorter = max(shorter, rate(steps, count) / best)  # a disturbed burst may be slow once
        if shorter < 0.5:
            grain = steps * ns_per_step * 2 ** ((0.5 - shorter) / (longer - shorter))
            return Measured(grain, count, time.perf_counter() - begin)
        longer = shorter
    return Measured(ns_per_step, count, time.perf_counter() - begin)


def map_100(executor: Executor, _workers: int, effort: Effort) -> Measured:
    """ns per item of a map whose chunks have 100."""

    def burst(count: int) -> float:
        begin = time.perf_counter()
        total = sum(executor.map(tasks.identity, [1] * count, chunksize=100))
        seconds = time.perf_counter() - begin
        _require(total == count, f"the results add up to {total}, not {count}")
        return seconds

    return _per_task(effort.seconds, 1000, burst)


def echo_1mib(executor: Executor, _workers: int, effort: Effort) -> Measured:
    """ns per MiB that is sent to a worker and comes back, 32 on their way at a time."""
    payload = bytes([7]) * MIB

    def burst(rounds: int) -> float:
        begin = time.perf_counter()
        for _ in range(rounds):
            futures = [executor.submit(tasks.identity, payload) for _ in range(ECHOES_IN_FLIGHT)]
            for kept in futures:
                back = kept.result()
                _require(len(back) == MIB and back[0] == 7 and back[-1] == 7, "an echo is wrong")
        return time.perf_counter() - begin

    per_round = _per_task(effort.seconds, 1, burst)
    return Measured(per_round.value / ECHOES_IN_FLIGHT, per_round.tasks * ECHOES_IN_FLIGHT, per_round.seconds)


def _start(make: Callable[[int], Executor], workers: int) -> Measured:
    """ns from nothing to a pool each of whose workers has run a task: the median of a few."""
    each = []
    for _ in range(STARTS):
        begin = time.perf_counter()
        executor = make(workers)
        _pids_of_all(executor, workers)
        each.append((time.perf_counter() - begin) * 1e9)
        executor.shutdown()
    return Measured(lower_median(each), STARTS, sum(each) * 1e-9)


# Scenario: (what measures it, its unit, who takes part). process_start makes its pools itself.
PROCESSES = ("cpython_fork", "loky")
SCENARIOS = {
    "detached": (detached, "ns/task", ("cpython_thread",)),
    "future": (future, "ns/task", ("cpython_thread",)),
    "process_pipelined": (future, "ns/task", PROCESSES),
    "process_round_trip": (round_trip, "ns", PROCESSES),
    "process_round_trip_after_1ms": (round_trip_after_1ms, "ns", PROCESSES),
    "process_metg": (metg, "ns", PROCESSES),
    "process_map_100": (map_100, "ns/task", PROCESSES),
    "process_echo_1mib": (echo_1mib, "ns/task", PROCESSES),
    "process_start": (None, "ns", ("cpython_fork", "cpython_spawn", "loky")),
}


def entries(cores: int) -> list[Entry]:
    """Everything that can be measured here, with the pool sizes of the C++ race."""
    sizes = {"detached": (1, 2, 4, cores, cores * 5), "future": (1, 2, 4, cores, cores * 5), "process_start": (2,)}
    return [
        Entry(scenario, peer, workers, 1)
        for scenario, (_, _, peers) in SCENARIOS.items()
        for peer in peers
        for workers in sorted(set(sizes.get(scenario, (cores,))))
    ]


def unit_of(scenario: str) -> str:
    return SCENARIOS[scenario][1]


def measure(entry: Entry, effort: Effort) -> Measured:
    """Measures an entry once. Raises WrongResult, or what the executor raises (ImportError without joblib)."""
    make = EXECUTORS[entry.peer]
    scenario, _, _ = SCENARIOS[entry.scenario]
    if scenario is None:
        return _start(make, entry.workers)
    with make(entry.workers) as executor:
        (_meet if entry.peer == "cpython_thread" else _pids_of_all)(executor, entry.workers)
        return scenario(executor, entry.workers, effort)
