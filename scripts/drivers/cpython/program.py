"""A program of the user's, run as he would run it: what its main() takes, starting and ending its pool included.

It leads a session of its own, without a terminal, below a guard that is in another. Its process group is killed when
it has ended or its time is over, and when the driver ends, however it does; by the driver if the guard was killed. What
multiprocessing names goes too: it is in the directory, or removed by its resource tracker or after the driver's end. A
process that has left the group (setsid) stays, and so do its temporary files, as after a program that one runs oneself.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

from cpython.leftovers import remove_after_the_end
from cpython.processes import LifeLine, ending, exit_at_end_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

MOST_WORDS = 4096  # bytes, of what it says on standard error
ENDS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
TRACKERS_WITHIN = 2.0  # seconds that resource trackers have to remove what killed processes have named


# What is around the program's text. It finds modules as if it were where it is started, not in its directory, and
# defines no names that one of the user's may have. The file is opened by name, for a program may close all descriptors.
BEFORE = "__import__('sys').path[:] = [%(there)r if entry == %(here)r else entry for entry in __import__('sys').path]\n"
BEFORE_CALL = """\
    if 'multiprocessing.process' in __import__('sys').modules:
        __import__('sys').modules['multiprocessing.process'].current_process()._config.update(%(names)r)
    __poolbench_started__ = __import__('time').monotonic_ns()
"""
AFTER_CALL = """
    __poolbench_took__ = __import__('time').monotonic_ns() - __poolbench_started__
    with __import__('io').open(%(took)r, 'w') as __poolbench_file__:
        __poolbench_file__.write('%%d\\n' %% __poolbench_took__)
"""


def timed(text: str, took: str, prefix: str, directory: str) -> str:
    """The same program, whose last line calls main(); how many ns that takes is written to the file `took`. Semaphores
    have names that begin with `prefix`, and what else multiprocessing names is in the directory."""
    body, call = text.rstrip("\n").rsplit("\n", 1)
    words = {
        "there": os.getcwd(),
        "here": directory,
        "names": {"semprefix": prefix, "tempdir": directory},
        "took": took,
    }
    return BEFORE % words + body + "\n" + BEFORE_CALL % words + call + AFTER_CALL % words


def group_members(group: int) -> "Dict[int, bool]":
    """Its processes that have not ended, and which of them are resource trackers of multiprocessing."""
    members = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name, "rb") as stat:
                state, _, of_group = stat.read().rpartition(b") ")[2].split()[:3]
            if int(of_group) != group or state in b"ZX":
                continue
            with open("/proc/%s/cmdline" % name, "rb") as command:
                members[int(name)] = b"multiprocessing.resource_tracker" in command.read()
        except (OSError, ValueError):  # it has ended meanwhile
            continue
    return members


def end_group(group: int) -> None:
    """Kills a process group, resource trackers last: they see the end of the others, and remove what those have named
    (shared memory)."""
    until = time.monotonic() + TRACKERS_WITHIN
    while time.monotonic() < until:
        members = group_members(group)
        if not members:
            break
        for pid, is_tracker in members.items():
            if not is_tracker:
                kill(pid)
        time.sleep(0.002)
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Tail:
    """The end of what comes out of a pipe, which is read to its end."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.words = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        while True:
            piece = os.read(self.descriptor, 1 << 16)
            if not piece:
                return
            self.words = (self.words + piece)[-MOST_WORDS:]

    def last_line(self) -> str:
        self.reader.join(1)  # a process that has left the group may hold the pipe
        lines = self.words.decode("utf-8", "replace").split("\n")
        return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")


class Guard:
    """Starts the program, waits for it and ends it."""

    def __init__(self, question: "Dict[str, Any]", prefix: str, answers: int) -> None:
        self.question = question
        self.prefix = prefix
        self.answers = answers  # is told the program's pid, and then how it went
        self.lock = threading.Lock()  # of `child`
        self.child: "Optional[subprocess.Popen[bytes]]" = None
        self.handlers: "Dict[int, Any]" = {}  # what there was for ENDS

    def end(self) -> None:
        with self.lock:
            if self.child is not None:
                end_group(self.child.pid)
                self.child.wait()

    def announce(self) -> None:
        """In the program's process, before it is executed, so that the driver knows of it, whenever this one dies."""
        os.write(self.answers, b"%d\n" % os.getpid())
        for number, handler in self.handlers.items():
            signal.signal(number, signal.SIG_IGN if handler == signal.SIG_IGN else signal.SIG_DFL)

    def look(self) -> "Dict[str, Any]":
        """{"main_ns": n}, or {"failure": one line}."""
        directory, seconds = os.path.realpath(self.question["directory"]), self.question["deadline_ns"] / 1e9
        program, given, took = (os.path.join(directory, name) for name in ("program.py", "input", "took"))
        if os.path.exists(took):  # of a run before
            os.unlink(took)
        said, errors = os.pipe()
        with open(program, "w", encoding="utf-8") as file:
            file.write(timed(self.question["program"], took, self.prefix, directory))
        with open(given, "w", encoding="utf-8", newline="") as file:
            file.write(self.question["input"])
        with self.lock, open(given, "rb") as standard_input:
            child = self.child = subprocess.Popen(
                [sys.executable, program],
                stdin=standard_input,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                preexec_fn=self.announce,
            )
        os.close(errors)
        words = Tail(said)
        ended = threading.Event()

        def wait() -> None:
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # its group is its own until it is waited for
            ended.set()

        threading.Thread(target=wait, daemon=True).start()
        in_time = ended.wait(seconds)
        self.end()
        if not in_time:
            return {"failure": "it did not end within %g s" % seconds}
        if child.returncode == 0 and os.path.exists(took):
            with open(took, encoding="ascii") as file:
                return {"main_ns": int(file.read())}
        failure = "it " + ending(child.returncode)
        if child.returncode == 0:
            failure += " before main() had returned"
        why = words.last_line()
        return {"failure": failure + (": " + why if why else "")}

    def run(self, life_line: LifeLine) -> None:
        os.setpgid(0, 0)  # it outlives the driver's group, to end the program
        # Stopped when its parent dies, it would be sent the first of them.
        self.handlers = {number: signal.signal(number, signal.SIG_IGN) for number in ENDS}
        life_line.hold(self.end)
        try:
            answer = self.look()
        except OSError as error:
            answer = {"failure": "it cannot be started: %s" % error}
        os.write(self.answers, json.dumps(answer).encode() + b"\n")
        os._exit(0)


def run_program(question: "Dict[str, Any]", life_line: LifeLine) -> "Dict[str, Any]":
    """The answer to `program`."""
    prefix = remove_after_the_end("spawn")
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            Guard(question, prefix, writing).run(life_line)
        finally:
            os._exit(70)
    os.close(writing)
    exit_at_end_of(0)
    with os.fdopen(reading, "rb") as answers:
        lines: "List[bytes]" = answers.read().split(b"\n")[:-1]  # what has no end is not all of it
    os.waitpid(pid, 0)
    if lines and lines[-1].startswith(b"{"):
        answer: "Dict[str, Any]" = json.loads(lines[-1])
        return answer
    if lines:
        end_group(int(lines[0]))
    return {"failure": "its guard was killed"}
