"""gevent: greenlets, on a thread of their own."""

import concurrent.futures
import os
import threading
import time

import gevent
import gevent.hub
import gevent.lock
import gevent.socket

from cpython.executors import Executor
from cpython.works import Echo, compute, execute, execute_both, outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Any, Callable, Tuple

    from cpython.works import Outcome, Work


def echo(work: "Work") -> int:
    exchange = Echo(work)
    with gevent.socket.create_connection(("127.0.0.1", exchange.port)) as peer:
        exchange.prepare(peer)
        peer.sendall(exchange.request)
        while exchange.missing > 0:
            exchange.feed(peer.recv(exchange.at_most()))
    return exchange.digest()


def execute_on(work: "Work") -> "Outcome":
    """execute(work), holding the loop while it computes. That is its CPU time: others have theirs while it waits."""
    started = time.monotonic_ns()
    if work[0] == "tcp_echo":
        return outcome(started, 0, echo(work))
    if work[0] == "blocking_sleep":
        time.sleep(work[2] / 1e9)
    elif work[2] > 0:
        gevent.sleep(work[2] / 1e9)
    cpu_before = time.thread_time_ns()
    digest = compute(work)
    return outcome(started, time.thread_time_ns() - cpu_before, digest)


def execute_both_on(task: "Work", callback: "Work") -> "Tuple[Outcome, Outcome]":
    return execute_on(task), execute_on(callback)


def execute_then_callback_on(task: "Work", callback: "Work") -> "Tuple[Outcome, Outcome]":
    """The callback has its turn behind all that is ready."""
    done = execute_on(task)
    gevent.sleep(0)
    return done, execute_on(callback)


class GeventLoop(Executor):
    FORMS: "dict[Any, Any]" = {execute: execute_on, execute_both: execute_both_on}

    def __init__(self, in_flight: int) -> None:
        self.in_flight = in_flight
        self.callbacks = concurrent.futures.ThreadPoolExecutor(1)  # of `main`
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        self.hub = gevent.hub.get_hub()
        self.room = gevent.lock.Semaphore(self.in_flight) if self.in_flight > 0 else None
        self.stop = self.hub.loop.async_()
        self.ready.set()
        self.hub.wait(self.stop)

    def start(self, future: "Future[Any]", function: "Callable[..., Any]", works: "Tuple[Work, ...]") -> None:
        """On a greenlet of the loop's thread."""

        def body() -> None:
            try:
                if self.room is None:
                    future.set_result(function(*works))
                else:
                    with self.room:
                        result = function(*works)
                    future.set_result(result)
            except BaseException as error:  # the future's to tell
                future.set_exception(error)

        self.hub.loop.run_callback_threadsafe(gevent.spawn, body)

    def submit(self, function: "Callable[..., Any]", *works: "Work") -> "Future[Any]":
        future: "Future[Any]" = concurrent.futures.Future()
        self.start(future, self.FORMS[function], works)
        return future

    def submit_continued(self, task: "Work", callback: "Work") -> "Future[Any]":
        future: "Future[Any]" = concurrent.futures.Future()
        self.start(future, execute_then_callback_on, (task, callback))
        return future

    def submit_with_callback(self, callback: "Callable[[Any], None]", work: "Work") -> None:
        future: "Future[Any]" = concurrent.futures.Future()
        future.add_done_callback(callback)
        self.start(future, execute_on, (work,))

    def warm_up(self) -> "list[int]":
        self.thread.start()
        self.ready.wait()
        self.callbacks.submit(os.getpid).result()
        return [os.getpid()]

    def shutdown(self) -> None:
        self.stop.send()
        self.thread.join()
        self.callbacks.shutdown()
