"""asyncio, on a thread of its own."""

import asyncio
import os
import socket
import threading
import time

# Its module is loaded at first use, which would else be part of a pool's start.
from concurrent.futures import ThreadPoolExecutor

from cpython import user_code
from cpython.executors import Executor
from cpython.works import Echo, compute, execute, execute_both, outcome, with_result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Any, Callable, Coroutine, Set, Tuple, TypeVar

    from cpython.works import Outcome, Work

    T = TypeVar("T")


async def echo(work: "Work") -> int:
    exchange = Echo(work)
    loop = asyncio.get_running_loop()
    with socket.socket() as peer:
        peer.setblocking(False)
        await loop.sock_connect(peer, ("127.0.0.1", exchange.port))
        exchange.prepare(peer)
        await loop.sock_sendall(peer, exchange.request)
        while exchange.missing > 0:
            exchange.feed(await loop.sock_recv(peer, exchange.at_most()))
    return exchange.digest()


async def execute_on(work: "Work") -> "Outcome":
    """execute(work), holding the loop while it computes. That is its CPU time: others have theirs while it waits."""
    if work[0] in user_code.KINDS:
        return await user_code.execute_on(work)
    started = time.monotonic_ns()
    if work[0] == "tcp_echo":
        return outcome(started, 0, await echo(work))
    if work[0] == "blocking_sleep":
        time.sleep(work[2] / 1e9)
    elif work[2] > 0:
        await asyncio.sleep(work[2] / 1e9)
    cpu_before = time.thread_time_ns()
    digest = compute(work)
    return outcome(started, time.thread_time_ns() - cpu_before, digest)


async def execute_both_on(task: "Work", callback: "Work") -> "Tuple[Outcome, Outcome]":
    done = await execute_on(task)
    return done[:6], await execute_on(with_result(callback, done))


async def execute_then_callback_on(task: "Work", callback: "Work") -> "Tuple[Outcome, Outcome]":
    """The callback has its turn behind all that is ready."""
    done = await execute_on(task)
    await asyncio.sleep(0)
    return done[:6], await execute_on(with_result(callback, done))


class Loop(Executor):
    """The loop's thread, and how coroutines get there."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.tasks: "Set[Any]" = set()  # the loop itself holds none

    def run_where_batches_are_submitted(self, submit_all: "Callable[[], T]") -> "T":
        """On the loop, as a program's gather() does: another thread would contend with it for the GIL."""

        async def there() -> "T":
            return submit_all()

        given: "T" = self.start(there()).result()
        return given

    def start(self, coroutine: "Coroutine[Any, Any, Any]") -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def start_with_callback(self, callback: "Callable[[Any], None]", coroutine: "Coroutine[Any, Any, Any]") -> None:
        def begin() -> None:
            task = self.loop.create_task(coroutine)
            self.tasks.add(task)
            task.add_done_callback(callback)
            task.add_done_callback(self.tasks.discard)

        self.loop.call_soon_threadsafe(begin)

    def warm_up(self) -> "list[int]":
        self.thread.start()
        self.start(asyncio.sleep(0)).result()
        return [os.getpid()]

    def shutdown(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class AsyncioLoop(Loop):
    """An event loop: a task holds its thread while it computes only."""

    FORMS: "dict[Any, Any]" = {execute: execute_on, execute_both: execute_both_on}

    def __init__(self, in_flight: int) -> None:
        super().__init__()
        self.callbacks = ThreadPoolExecutor(1)  # of `main`; its thread starts with the first
        self.in_flight = in_flight
        self.room: "asyncio.Semaphore | None" = None

    def warm_up(self) -> "list[int]":
        pids = super().warm_up()

        async def make_room() -> None:
            if self.in_flight > 0:
                self.room = asyncio.Semaphore(self.in_flight)

        self.start(make_room()).result()
        self.callbacks.submit(os.getpid).result()
        return pids

    async def bounded(self, coroutine: "Coroutine[Any, Any, Any]") -> "Any":
        if self.room is None:
            return await coroutine
        async with self.room:
            return await coroutine

    def submit(self, function: "Callable[..., Any]", *works: "Work") -> "Future[Any]":
        return self.start(self.bounded(self.FORMS[function](*works)))

    def submit_continued(self, task: "Work", callback: "Work") -> "Future[Any]":
        return self.start(self.bounded(execute_then_callback_on(task, callback)))

    def submit_with_callback(self, callback: "Callable[[Any], None]", work: "Work") -> None:
        self.start_with_callback(callback, self.bounded(execute_on(work)))

    def shutdown(self) -> None:
        super().shutdown()
        self.callbacks.shutdown()


class ToThread(Loop):
    """asyncio.to_thread: a loop that hands blocking functions to a pool of threads. What follows an await is the
    loop's."""

    def __init__(self, workers: int) -> None:
        super().__init__()
        self.workers = workers
        self.pool = ThreadPoolExecutor(workers)
        self.loop.set_default_executor(self.pool)

    def warm_up(self) -> "list[int]":
        from cpython.pools import meet_by_inheritance

        super().warm_up()
        return meet_by_inheritance(self.pool, self.workers)

    def submit(self, function: "Callable[..., Any]", *works: "Work") -> "Future[Any]":
        return self.start(asyncio.to_thread(function, *works))

    def submit_with_callback(self, callback: "Callable[[Any], None]", work: "Work") -> None:
        self.start_with_callback(callback, asyncio.to_thread(execute, work))

    def shutdown(self) -> None:
        self.pool.shutdown()
        super().shutdown()
