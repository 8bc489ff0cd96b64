"""A program of the user's, run as he would run it: what its main() takes, starting and ending its pool included.

It runs below a guard, in the guard's process group. That is killed when there is an answer, and when the driver ends,
however it does. What multiprocessing names goes too: it is in the directory, or removed after the driver's end.
"""

import json
import os
import signal
import subprocess
import sys

from cpython.leftovers import remove_after_the_end
from cpython.processes import LifeLine, ending, exit_at_end_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

MOST_WORDS = 4096  # bytes, of what it says on standard error


def timed(text: str, descriptor: int, prefix: str) -> str:
    """The same program, whose last line calls main(); how many ns that took goes to the descriptor. Semaphores have
    names that begin with `prefix`."""
    body, call = text.rstrip("\n").rsplit("\n", 1)
    named = "    multiprocessing.process.current_process()._config['semprefix'] = %r" % prefix
    lines = [
        body,
        *([named] if "import multiprocessing" in body.split("\n") else []),
        "    import os as _os, time as _time",
        "    _started = _time.monotonic_ns()",
        call,
        "    _os.write(%d, b'%%d' %% (_time.monotonic_ns() - _started))" % descriptor,
    ]
    return "\n".join(lines) + "\n"


def last_line(path: str) -> str:
    with open(path, "rb") as words:
        words.seek(0, os.SEEK_END)
        words.seek(max(0, words.tell() - MOST_WORDS))
        lines = words.read().decode("utf-8", "replace").split("\n")
    return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")


def look(question: "Dict[str, Any]", prefix: str) -> "Dict[str, Any]":
    """In the guard: {"main_ns": n}, or {"failure": one line}."""
    directory, seconds = question["directory"], question["deadline_ns"] / 1e9
    # Python looks for modules beside the program first: no module of the user's has that name.
    program, given, said = (os.path.join(directory, name) for name in ("_poolbench_program.py", "input", "errors"))
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with open(program, "w", encoding="utf-8") as file:
        file.write(timed(question["program"], writing, prefix))
    with open(given, "w", encoding="utf-8") as file:
        file.write(question["input"])
    # The user's modules are beside a program that he has pasted.
    path = [os.getcwd()] + [entry for entry in (os.environ.get("PYTHONPATH"),) if entry]
    with open(given, "rb") as standard_input, open(said, "wb") as errors:
        child = subprocess.Popen(
            [sys.executable, program],
            stdin=standard_input,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=(writing,),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "TMPDIR": directory},
        )
    try:
        status = child.wait(seconds)
    except subprocess.TimeoutExpired:
        return {"failure": "it did not end within %g s" % seconds}
    try:
        took = os.read(reading, 64)
    except BlockingIOError:
        took = b""
    if status != 0 or not took:
        why = last_line(said)
        return {"failure": "it " + ending(status) + (": " + why if why else "")}
    return {"main_ns": int(took)}


def guard(question: "Dict[str, Any]", prefix: str, writing: int, life_line: LifeLine) -> None:
    os.setpgid(0, 0)
    life_line.hold(kills_group=True)
    try:
        answer = look(question, prefix)
    except OSError as error:
        answer = {"failure": "it cannot be started: %s" % error}
    with os.fdopen(writing, "w", encoding="ascii") as out:
        out.write(json.dumps(answer))
    os._exit(0)


def run_program(question: "Dict[str, Any]", life_line: LifeLine) -> "Dict[str, Any]":
    """The answer to `program`."""
    prefix = remove_after_the_end("spawn")
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            guard(question, prefix, writing, life_line)
        finally:
            os._exit(70)
    os.close(writing)
    exit_at_end_of(0)
    with os.fdopen(reading, encoding="ascii") as answers:
        text = answers.read()
    try:
        os.killpg(pid, signal.SIGKILL)  # the guard has ended and is not reaped: the number is its own still
    except ProcessLookupError:
        pass  # it was killed before it had a group
    os.waitpid(pid, 0)
    answer: "Dict[str, Any]" = json.loads(text) if text else {"failure": "its guard was killed"}
    return answer
