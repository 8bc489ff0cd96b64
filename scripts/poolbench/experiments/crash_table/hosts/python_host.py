"""Owns a Python pool of three workers, does one thing to it, and reports what becomes of its tasks.

    -m poolbench.experiments.crash_table.hosts.python_host POOL FAULT DIRECTORY

POOL is a module beside this one; the report is report.py's, in DIRECTORY.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from poolbench.experiments.crash_table.hosts import acts
from poolbench.experiments.crash_table.report import GATE, HOST_PATIENCE, REPORT, STARTED_WITHOUT_STDIO

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

WORKERS = 3
STANDING = 2  # tasks that are running beside the faulty one
QUEUED = 6  # tasks behind it; as many are submitted later
NOTICE = 3  # seconds that a pool has to notice before the standing tasks go on
TIME_LIMITS = {"stopped": 1.0, "endless": 1.0}  # seconds
SPARE_DESCRIPTORS = 12


class Host:
    def __init__(self, pool_name: str, fault: str, directory: str) -> None:
        self.module = importlib.import_module(f"poolbench.experiments.crash_table.hosts.{pool_name}")
        self.fault = fault
        self.directory = directory
        self.descriptor = os.open(Path(directory, REPORT), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.pool: Any = None
        self.waited = 0
        self.standing: list[Any] = []

    # --- the report ---

    def say(self, *fields: object) -> None:
        words = [" ".join(str(field).split()) for field in fields]
        os.write(self.descriptor, ("\t".join(words) + "\n").encode())

    def submit(self, act: Any, *arguments: Any, **options: Any) -> Any:
        """The task, or the exception of the submit."""
        try:
            return self.pool.submit(act, *arguments, **options)
        except Exception as error:
            return error

    def outcome(self, role: str, task: Any, is_right: Callable[[Any], bool], seconds: float) -> None:
        end, what = "lost", ""
        if isinstance(task, BaseException):
            end, what = "failed", f"{type(task).__name__}: {last_line(task)[:200]}"
        elif self.pool.wait(task, seconds):
            try:
                value = self.pool.result(task)
                end, what = ("right", "") if is_right(value) else ("wrong", str(value)[:100])
            except BaseException as error:
                end, what = "failed", f"{type(error).__name__}: {last_line(error)[:200]}"
        self.waited += 1
        self.say("task", role, self.waited, end, what)

    def outcomes(self, role: str, tasks: list[Any], rights: list[Callable[[Any], bool]]) -> None:
        until = time.monotonic() + HOST_PATIENCE
        for task, is_right in zip(tasks, rights):
            self.outcome(role, task, is_right, max(0.0, until - time.monotonic()))

    def squares(self, role: str) -> None:
        tasks = [self.submit(acts.square, number) for number in range(QUEUED)]
        self.outcomes(role, tasks, [equals(number * number) for number in range(QUEUED)])

    # --- scenes ---

    def open_pool(self) -> None:
        self.pool = self.module.Pool(WORKERS, acts.INITIALIZERS.get(self.fault))

    def warm(self) -> list[int]:
        """Process ids of the workers, all of which have run a task."""
        self.open_pool()
        for task in [self.submit(acts.meet, self.directory, number, WORKERS) for number in range(WORKERS)]:
            self.pool.wait(task, HOST_PATIENCE)
        self.say("started")
        return [self.pid_in(f"met-{number}") for number in range(WORKERS)]

    def pid_in(self, name: str) -> int:
        return int(Path(self.directory, name).read_text(encoding="utf-8"))

    def stand(self, count: int) -> list[int]:
        """Has so many workers at the gate; their process ids."""
        self.standing = [self.submit(acts.stand, self.directory, number) for number in range(count)]
        for number in range(count):
            acts.await_file(self.directory, f"standing-{number}")
        return [self.pid_in(f"standing-{number}") for number in range(count)]

    def finish(self) -> None:
        self.squares("later")
        self.pool.shutdown()
        self.say("ended")

    def beside_others(self, faulty: Callable[[], list[Any]], is_right: Callable[[Any], bool]) -> None:
        self.stand(STANDING)
        until = time.monotonic() + NOTICE
        done = faulty()
        queued = [self.submit(acts.square, number) for number in range(QUEUED)]
        for task in done:
            if not isinstance(task, BaseException):
                self.pool.wait(task, max(0.0, until - time.monotonic()))
        if not done:
            time.sleep(NOTICE)
        if self.fault == "killed_after_result":
            await_death(self.pid_in("dying"))
        Path(self.directory, GATE).touch()
        self.outcomes("faulty", done, [is_right] * len(done))
        rights = [equals(number * number) for number in (*range(STANDING), *range(QUEUED))]
        self.outcomes("beside", self.standing + queued, rights)

    def task(self, act: Any, count: int = 1, is_right: Any = None) -> None:
        """So many faulty tasks beside two that are running and six that are queued."""
        self.warm()
        argument = acts.ARGUMENTS.get(self.fault)
        arguments = (self.directory, argument()) if argument else (self.directory,)
        self.beside_others(
            lambda: [self.submit(act, *arguments, time_limit=TIME_LIMITS.get(self.fault)) for _ in range(count)],
            is_right or equals(acts.ANSWER),
        )
        self.finish()

    def callback(self, callback: Callable[[Any], Any], release: Callable[[], None]) -> None:
        self.warm()
        self.beside_others(lambda: [self.submit(acts.square, 7, callback=callback)], equals(49))
        self.squares("later")
        release()
        self.pool.shutdown()
        self.say("ended")

    def idle(self, sent: signal.Signals, count: int) -> None:
        pids = self.warm()[:count]
        send(sent, pids)
        for pid in pids if sent == signal.SIGKILL else ():
            await_death(pid)
        self.squares("beside")
        self.finish()

    def all_killed_at_work(self) -> None:
        self.warm()
        pids = self.stand(WORKERS)
        queued = [self.submit(acts.square, number) for number in range(QUEUED)]
        send(signal.SIGKILL, pids)
        self.outcomes("faulty", self.standing, [equals(number * number) for number in range(WORKERS)])
        self.outcomes("beside", queued, [equals(number * number) for number in range(QUEUED)])
        Path(self.directory, GATE).touch()
        self.finish()

    def start(self) -> None:
        """Where the workers' start goes wrong, nobody can wait for them to be warm."""
        try:
            self.open_pool()
        except Exception as error:
            self.say("task", "later", 0, "failed", f"{type(error).__name__}: {error}")
            self.say("ended")
            return
        self.squares("beside")
        self.finish()

    def descriptors_limited(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + SPARE_DESCRIPTORS, hard))
        try:
            self.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def interrupted(self) -> None:
        def interrupt() -> list[Any]:
            os.killpg(0, signal.SIGINT)
            return []

        self.warm()
        signal.signal(signal.SIGINT, lambda *_: None)  # now: what is forked inherits it
        self.beside_others(interrupt, equals(None))
        self.finish()

    def sigchld_ignored(self) -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        self.task(acts.killed)

    def foreign_waitpid(self) -> None:
        def reap_all() -> None:
            while True:
                try:
                    os.waitpid(-1, 0)
                except ChildProcessError:
                    time.sleep(0.005)

        threading.Thread(target=reap_all, daemon=True).start()
        self.task(acts.killed)

    def fork_of_host(self) -> None:
        self.warm()
        child = os.fork()
        if child == 0:
            self.outcome("faulty", self.submit(acts.square, 7), equals(49), NOTICE)
            os._exit(0)
        os.waitpid(child, 0)
        self.squares("beside")
        self.finish()

    def not_shut_down(self) -> None:
        self.warm()
        self.squares("later")
        self.say("ended")

    def killed_while(self, prepare: Callable[[], Any]) -> None:
        self.warm()
        prepare()
        self.say("ready")
        signal.pause()

    def start_grandchild(self) -> None:
        self.pool.wait(self.submit(acts.grandchild, self.directory), HOST_PATIENCE)

    def play(self) -> None:
        released = threading.Event()
        scenes: dict[str, Callable[[], None]] = {
            "crash_loop": lambda: self.task(acts.killed, count=20),
            "large_result": lambda: self.task(acts.large_result, is_right=lambda value: len(value) == acts.LARGE),
            "killed_mid_result": lambda: self.task(
                acts.killed_mid_result, is_right=lambda value: len(value) == acts.LARGE
            ),
            "nested_result": lambda: self.task(acts.nested_result, is_right=lambda value: isinstance(value, list)),
            "callback_raises": lambda: self.callback(raises, lambda: None),
            "callback_blocks": lambda: self.callback(lambda _: released.wait(), released.set),
            "idle_killed": lambda: self.idle(signal.SIGKILL, 1),
            "all_killed_idle": lambda: self.idle(signal.SIGKILL, WORKERS),
            "idle_stopped": lambda: self.idle(signal.SIGSTOP, 1),
            "host_killed_idle": lambda: self.killed_while(lambda: None),
            "host_killed_at_work": lambda: self.killed_while(lambda: self.stand(WORKERS)),
            "host_killed_with_grandchild": lambda: self.killed_while(self.start_grandchild),
        }
        if self.fault in scenes:
            scenes[self.fault]()
        elif self.fault in acts.INITIALIZERS or self.fault == STARTED_WITHOUT_STDIO:
            self.start()
        elif self.fault in acts.ARGUMENTS:
            self.task(acts.takes)
        elif hasattr(self, self.fault):
            getattr(self, self.fault)()
        else:
            self.task(getattr(acts, self.fault))


def equals(expected: object) -> Callable[[Any], bool]:
    return lambda value: bool(value == expected)


def last_line(error: BaseException) -> str:
    """Of what the error says: what comes before it may be a traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(' "')]
    return lines[-1] if lines else ""


def raises(_: Any) -> None:
    raise RuntimeError("this callback raises")


def alive(pid: int) -> bool:
    """Zombies are not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return text.rpartition(") ")[2][0] not in "ZX"


def send(sent: signal.Signals, pids: list[int]) -> None:
    """To all, though the pool ends the others as soon as it sees that one is dead."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sent)


def await_death(pid: int) -> None:
    while alive(pid):
        time.sleep(0.005)


if __name__ == "__main__":
    Host(*sys.argv[1:]).play()
