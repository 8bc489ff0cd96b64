"""Processes that do not outlive the driver, and the parsers among them."""

import multiprocessing
import os
import signal
import threading
from multiprocessing import connection

from cpython.works import execute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, List, Tuple

    from cpython.works import Outcome, Work

# Parsers are forked and never executed anew, whatever a Python's default is.
FORK = multiprocessing.get_context("fork")


class LifeLine:
    """A pipe whose writing end only the driver holds: however it ends, its processes see the end of the pipe and
    exit."""

    def __init__(self, also_closed: "list[int]") -> None:
        self.reading, self.writing = os.pipe()
        self.also_closed = also_closed

    def hold(self, before: "Callable[[], None]" = lambda: None) -> None:
        """To be called first in every process that the driver forks. `before` is called before it exits, in a thread
        of its own."""
        for descriptor in (self.writing, *self.also_closed):
            os.close(descriptor)
        exit_at_end_of(self.reading, before)


def exit_with_parent() -> None:
    """The same, for a process that was executed anew, and so inherited no pipe."""
    parent: "Any" = multiprocessing.parent_process()

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def exit_at_end_of(descriptor: int, before: "Callable[[], None]" = lambda: None) -> None:
    def watch() -> None:
        while os.read(descriptor, 4096):
            pass
        before()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def ending(status: int) -> str:
    """How a process ended, of a status as subprocess has it: "ended with status 3", "was killed by signal 9
    (SIGKILL)"."""
    if status >= 0:
        return "ended with status %d" % status
    try:
        return "was killed by signal %d (%s)" % (-status, signal.Signals(-status).name)
    except ValueError:  # those for real time have no names
        return "was killed by signal %d" % -status


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
