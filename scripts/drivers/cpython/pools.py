"""The executors of concurrent.futures."""

import concurrent.futures
import multiprocessing
import os

from cpython import user_code
from cpython.executors import Executor
from cpython.processes import exit_with_parent
from cpython.works import execute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Any, Callable, Iterator, List

    from cpython.processes import LifeLine
    from cpython.works import Outcome, Work


def meet(arrived: int, go_on: int) -> int:
    """The warm-up task: keeps its worker until all of them are there."""
    os.write(arrived, b".")
    os.read(go_on, 1)
    return os.getpid()


def meet_by_inheritance(executor: "concurrent.futures.Executor", workers: int) -> "list[int]":
    """Pipes and not a barrier: they serve threads and forked processes."""
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


class Pool(Executor):
    def __init__(self, workers: int, executor: "concurrent.futures.Executor") -> None:
        self.workers = workers
        self.executor = executor

    def submit(self, function: "Callable[..., Any]", *works: "Work") -> "Future[Any]":
        return self.executor.submit(function, *works)

    def submit_with_callback(self, callback: "Callable[[Any], None]", work: "Work") -> None:
        self.executor.submit(execute, work).add_done_callback(callback)

    def map(self, works: "List[Work]", chunksize: int) -> "Iterator[Outcome]":
        return self.executor.map(execute, works, chunksize=chunksize)

    def warm_up(self) -> "list[int]":
        return meet_by_inheritance(self.executor, self.workers)

    def shutdown(self) -> None:
        self.executor.shutdown(wait=True)


class ThreadPool(Pool):
    def __init__(self, workers: int) -> None:
        super().__init__(workers, concurrent.futures.ThreadPoolExecutor(workers))


def arrive(barrier: "Any", code: "Any") -> None:
    exit_with_parent()
    user_code.adopt(code)
    if code:
        user_code.load_all()  # before the clock, as a forked process has it
    barrier.wait()


class ProcessPool(Pool):
    def __init__(self, workers: int, start_method: str, life_line: "LifeLine") -> None:
        context = multiprocessing.get_context(start_method)
        self.forked = start_method == "fork"
        if not self.forked:
            from cpython.leftovers import (
                remove_after_the_end,
            )  # only then: what is imported counts as a worker's memory

            remove_after_the_end(start_method)
        initializer: "Any" = life_line.hold if self.forked else arrive
        arguments = () if self.forked else (context.Barrier(workers), user_code.code)
        super().__init__(
            workers,
            concurrent.futures.ProcessPoolExecutor(
                workers, mp_context=context, initializer=initializer, initargs=arguments
            ),
        )

    def warm_up(self) -> "list[int]":
        if self.forked:
            return super().warm_up()
        # A process that is executed anew inherits no pipe: it meets the others before its first task.
        for future in [self.executor.submit(os.getpid) for _ in range(self.workers)]:
            future.result()
        return [process.pid for process in multiprocessing.active_children() if process.pid is not None]
