"""What tasks, arguments, results and initializers do to a worker of a Python pool. Workers import it, so that
everything here is pickled by its name."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

MARGIN = 64 << 20  # bytes of address space that a task may have beyond what its worker has
LARGE = 256 << 20
DEPTH = 100_000
ANSWER = 49


# --- what every task of a scene does ---


def mark(directory: str, name: str) -> None:
    """A file with this worker's process id."""
    path = Path(directory, f"{name}.tmp")
    path.write_text(str(os.getpid()), encoding="utf-8")
    path.rename(Path(directory, name))


def await_file(directory: str, name: str) -> None:
    while not Path(directory, name).exists():
        time.sleep(0.005)


def square(number: int) -> int:
    return number * number


def meet(directory: str, number: int, workers: int) -> int:
    """Returns when as many of these run as there are workers."""
    mark(directory, f"met-{number}")
    for other in range(workers):
        await_file(directory, f"met-{other}")
    return number * number


def stand(directory: str, number: int) -> int:
    mark(directory, f"standing-{number}")
    await_file(directory, "gate")
    return number * number


# --- deaths ---


def killed(directory: str) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def segfault(directory: str) -> Any:
    ctypes.string_at(0)


def aborts(directory: str) -> NoReturn:
    os.abort()


def exits(directory: str) -> NoReturn:
    sys.exit(3)


def exits_at_once(directory: str) -> NoReturn:
    os._exit(3)


def recursion(directory: str) -> Any:
    return recursion(directory)


def out_of_memory(directory: str) -> Any:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MARGIN, hard))
    return [bytes(1 << 20) for _ in range(4 * MARGIN >> 20)]


def kill_when(has_happened: Callable[[], bool]) -> None:
    """Kills this process once that is so."""

    def watch() -> None:
        while not has_happened():
            pass
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def killed_mid_result(directory: str) -> bytes:
    system_call = Path(f"/proc/self/task/{threading.get_native_id()}/syscall")

    def is_writing_much() -> bool:
        fields = system_call.read_text(encoding="utf-8").split()  # "number arguments...", or "running"
        return len(fields) > 3 and int(fields[3], 16) > LARGE // 2

    kill_when(is_writing_much)
    return bytes(LARGE)


def killed_after_result(directory: str) -> int:
    def written() -> int:
        return int(Path("/proc/self/io").read_text(encoding="utf-8").partition("wchar: ")[2].split()[0])

    mark(directory, "dying")
    before = written()
    kill_when(lambda: written() > before)
    return ANSWER


# --- tasks that do not end, or not as they should ---


def stopped(directory: str) -> Any:
    os.kill(os.getpid(), signal.SIGSTOP)


def endless(directory: str) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(0.01)


def forks(directory: str) -> int:
    os.fork()
    return ANSWER


def closes_descriptors(directory: str) -> int:
    os.closerange(3, 1024)
    return ANSWER


def closes_standard(directory: str) -> int:
    os.closerange(0, 3)
    print("into nothing")
    return ANSWER


def never_ending_thread(directory: str) -> int:
    threading.Thread(target=threading.Event().wait).start()
    return ANSWER


# --- what travels ---


class Unencodable:
    """As many an object is by accident: it holds a lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


def refuse() -> NoReturn:
    raise RuntimeError("this cannot be decoded")


class Undecodable:
    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return refuse, ()


def die() -> NoReturn:
    os._exit(3)


class Deadly:
    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return die, ()


class TwoArguments(Exception):
    """As many a program has it: pickle calls it again with what it gave to its base, which is one argument."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def takes(directory: str, argument: object) -> int:
    return ANSWER


def unencodable_result(directory: str) -> object:
    return Unencodable()


def undecodable_result(directory: str) -> object:
    return Undecodable()


def unencodable_exception(directory: str) -> NoReturn:
    raise RuntimeError(Unencodable())


def undecodable_exception(directory: str) -> NoReturn:
    raise TwoArguments("one", "two")


def large_result(directory: str) -> bytes:
    return bytes(LARGE)


def nested_result(directory: str) -> list[Any]:
    nested: list[Any] = []
    for _ in range(DEPTH):
        nested = [nested]
    return nested


ARGUMENTS = {
    "unencodable_argument": Unencodable,
    "undecodable_argument": Undecodable,
    "killed_by_argument": Deadly,
}


# --- child processes ---


def start_child(in_session: bool = False) -> None:
    null = subprocess.DEVNULL
    subprocess.Popen(["sleep", "1000"], stdin=null, stdout=null, stderr=null, start_new_session=in_session)


def grandchild(directory: str) -> int:
    start_child()
    return ANSWER


def grandchild_in_session(directory: str) -> int:
    start_child(in_session=True)
    return ANSWER


def killed_with_grandchild(directory: str) -> Any:
    start_child()
    os.kill(os.getpid(), signal.SIGKILL)


# --- initializers ---


def initializer_raises() -> NoReturn:
    raise RuntimeError("this initializer raises")


def initializer_dies() -> NoReturn:
    os._exit(3)


def initializer_hangs() -> None:
    threading.Event().wait()


INITIALIZERS = {act.__name__: act for act in (initializer_raises, initializer_dies, initializer_hangs)}
