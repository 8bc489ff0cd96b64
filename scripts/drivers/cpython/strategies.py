"""Who runs the callbacks: every strategy, and what it records."""

import concurrent.futures
import threading
import time

from cpython.executors import EXECUTORS
from cpython.works import execute, execute_both, with_result, work_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Any, Callable, Iterator, TypeVar

    from cpython.executors import Executor
    from cpython.processes import Parsers
    from cpython.works import Outcome, Work

    T = TypeVar("T")

NO_STAMP = -1
LEAD_NS = 1_000_000  # from the first look at the clock to the origin of the arrivals


class Recorder:
    """What happened to each task, and the gate that opens when the last callback has run."""

    def __init__(self, request: "dict[str, Any]") -> None:
        self.tasks = [work_of(work) for work in request["tasks"]]
        self.callbacks = [work_of(work) for work in request["callbacks"]]
        self.chunksize = request["chunksize"]
        n = len(self.tasks)
        self.submitted = [NO_STAMP] * n
        self.task_outcomes: "list[Any]" = [None] * n
        self.callback_outcomes: "list[Any]" = [None] * n
        self.submit_ns = 0
        self.arrivals: "list[int]" = request.get("arrivals_ns", [])  # from the origin; of a batch there are none
        self.origin_ns = NO_STAMP
        self._left = n
        self._lock = threading.Lock()
        self._all_delivered = threading.Event()
        self._error: "BaseException | None" = None

    def submit_each(self, executor: "Executor", submit: "Callable[[int], T]") -> "list[T]":
        """submit(i) for every task, all at once or as they arrive; a list of what it gives."""

        def submit_here() -> "list[T]":
            given = []
            for i in range(len(self.tasks)):
                if self.arrivals:
                    self.await_arrival(i)
                self.submitted[i] = time.monotonic_ns()
                given.append(submit(i))
            self.submitted_all()
            return given

        return submit_here() if self.arrivals else executor.run_where_batches_are_submitted(submit_here)

    def await_arrival(self, i: int) -> None:
        """Sleeps until task i arrives. It follows the clock and no answer: one that has arrived waits no longer."""
        now = time.monotonic_ns()
        if i == 0:
            self.origin_ns = now + LEAD_NS
        left = self.origin_ns + self.arrivals[i] - now
        if left > 0:
            time.sleep(left / 1e9)
            while time.monotonic_ns() < self.origin_ns + self.arrivals[i]:  # by a rounding
                pass

    def submitted_all(self) -> None:
        self.submit_ns = time.monotonic_ns() - self.submitted[0]

    def parse(self, i: int) -> None:
        self.callback_outcomes[i] = execute(self.callback_of(i))

    def callback_of(self, i: int) -> "Work":
        return with_result(self.callbacks[i], self.task_outcomes[i])

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
            yield [submitted, *task[:6], *(callback or nothing)[:6]]


def run_none(executor: "Executor", recorder: Recorder, _parsers: "Parsers | None") -> None:
    futures = recorder.submit_each(executor, lambda i: executor.submit(execute, recorder.tasks[i]))
    recorder.task_outcomes = [future.result() for future in futures]


def run_done_callback(
    executor: "Executor", recorder: Recorder, _parsers: "Parsers | None", handle: "Callable[[int], None] | None" = None
) -> None:
    """submit, add_done_callback: on threads the worker parses, on processes one thread of the main process."""
    deliver_to = handle or recorder.parse

    def submit(i: int) -> None:
        executor.submit_with_callback(lambda future: recorder.deliver(i, future, deliver_to), recorder.tasks[i])

    recorder.submit_each(executor, submit)
    recorder.wait()


def run_continuation(executor: "Executor", recorder: Recorder, _parsers: "Parsers | None") -> None:
    """On an event loop: the callback goes on where the task was, behind all that is ready."""
    futures = recorder.submit_each(
        executor, lambda i: executor.submit_continued(recorder.tasks[i], recorder.callbacks[i])
    )
    for i, future in enumerate(futures):
        recorder.task_outcomes[i], recorder.callback_outcomes[i] = future.result()


def run_callback_thread(executor: "Executor", recorder: Recorder, _parsers: "Parsers | None") -> None:
    """On an event loop: one thread beside it, to which the loop hands what has ended."""

    def submit(i: int) -> None:
        def hand_over(done: "Future[Outcome]") -> None:
            executor.callbacks.submit(recorder.deliver, i, done, recorder.parse)

        executor.submit_with_callback(hand_over, recorder.tasks[i])

    recorder.submit_each(executor, submit)
    recorder.wait()


def run_extra(executor: "Executor", recorder: Recorder, parsers: "Parsers | None") -> None:
    assert parsers is not None
    hand_over = parsers.hand_over
    run_done_callback(executor, recorder, parsers, lambda i: hand_over(i, recorder.callback_of(i)))
    for i, outcome in parsers.finish():
        recorder.callback_outcomes[i] = outcome


def run_fused(executor: "Executor", recorder: Recorder, _parsers: "Parsers | None") -> None:
    futures = recorder.submit_each(
        executor, lambda i: executor.submit(execute_both, recorder.tasks[i], recorder.callbacks[i])
    )
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
    futures = recorder.submit_each(executor, lambda i: executor.submit(execute, recorder.tasks[i]))
    for i, future in enumerate(futures):
        recorder.task_outcomes[i] = future.result()
        recorder.parse(i)


def run_as_completed(executor: "Executor", recorder: Recorder, _parsers: "Parsers | None") -> None:
    futures = recorder.submit_each(executor, lambda i: executor.submit(execute, recorder.tasks[i]))
    index_of = {future: i for i, future in enumerate(futures)}
    for future in concurrent.futures.as_completed(futures):
        i = index_of[future]
        recorder.task_outcomes[i] = future.result()
        recorder.parse(i)


def run_map(executor: "Executor", recorder: Recorder, _parsers: "Parsers | None") -> None:
    now = time.monotonic_ns()
    recorder.submitted = [now] * len(recorder.tasks)
    outcomes = executor.map(recorder.tasks, recorder.chunksize)
    recorder.submitted_all()
    for i, outcome in enumerate(outcomes):
        recorder.task_outcomes[i] = outcome
        recorder.parse(i)


STRATEGIES: "dict[str, Any]" = {
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
NO_ARRIVALS = ("sync", "map")  # the caller waits for each; it is given all of them
ON_LOOPS = {**STRATEGIES, "worker": run_continuation, "main": run_callback_thread}


def strategy_on(executor: str, strategy: str) -> "Any":
    return (ON_LOOPS if EXECUTORS[executor].get("event_loop") else STRATEGIES)[strategy]
