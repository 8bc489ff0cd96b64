"""Runs a host and sees what it leaves:

    -m poolbench.experiments.crash_table.warden DIRECTORY PATIENCE SETTLE COMMAND...

The host gets a session of its own; whatever it starts stays below the warden, which inherits orphans. It is killed
when it says that it is ready, and when it has said nothing for PATIENCE seconds. What is left SETTLE seconds after its
end is named and killed, and its semaphores are removed. The warden's standard input is a pipe that its supervisor
holds: when that is closed, the supervisor being killed too, the warden does all that and goes.

Prints one line of JSON: `how` the host ended, and the names of what it `left`.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from poolbench.experiments.crash_table.report import GATE, REPORT, read

PR_SET_CHILD_SUBREAPER = 36
TICK = 0.05  # seconds
HOST = "host"  # the file, in the run's directory, with the id of the host's process
SHARED_MEMORY = Path("/dev/shm")


def inherit_orphans() -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def stat(pid: int) -> tuple[str, str, int] | None:
    """(name, state, parent), or None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    name, _, rest = text.partition("(")[2].rpartition(") ")
    state, parent = rest.split()[:2]
    return name, state, int(parent)


def descendants(root: int) -> dict[int, str]:
    """Name by id of all processes below `root` that are no zombies."""
    seen = {int(name): entry for name in os.listdir("/proc") if name.isdigit() and (entry := stat(int(name)))}
    below: dict[int, str] = {}
    todo = [root]
    while todo:
        parent = todo.pop()
        children = [pid for pid, entry in seen.items() if entry[2] == parent]
        todo += children
        below.update({pid: seen[pid][0] for pid in children if seen[pid][1] not in "ZX"})
    return below


def reap(spared: int | None = None) -> None:
    """Reaps every zombie but one."""
    with contextlib.suppress(ChildProcessError):
        while (dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and dead.si_pid != spared:
            os.waitpid(dead.si_pid, 0)


def kill_descendants(root: int) -> None:
    """Again and again, since what is killed may have been starting another one."""
    while below := descendants(root):
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        reap()
        time.sleep(TICK / 10)
    reap()


def remove_semaphores(directory: Path) -> None:
    """Those of the run's host: loky names them after their process, and only it and its tracker, which are dead by now,
    would have removed them."""
    with contextlib.suppress(FileNotFoundError):
        host = (directory / HOST).read_text(encoding="ascii")
        for semaphore in SHARED_MEMORY.glob(f"sem.loky-{host}-*"):
            semaphore.unlink(missing_ok=True)


class SupervisorGone(Exception):
    pass


def supervisor_is_gone(seconds: float) -> bool:
    readable, _, _ = select.select([0], [], [], seconds)
    return bool(readable) and os.read(0, 1) == b""


def pause() -> None:
    if supervisor_is_gone(TICK):
        raise SupervisorGone


def watch(host: "subprocess.Popen[bytes]", directory: Path, patience: float) -> str:
    """How the host ended."""
    said, since = -1, time.monotonic()
    while os.waitid(os.P_PID, host.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        size = (directory / REPORT).stat().st_size if (directory / REPORT).exists() else 0
        if size != said:
            said, since = size, time.monotonic()
            if read(directory).ready:
                host.kill()
                host.wait()
                return "killed"
        elif time.monotonic() - since > patience:
            host.kill()
            host.wait()
            return "overdue"
        reap(host.pid)
        pause()
    code = host.wait()
    return f"exit {code}" if code >= 0 else f"signal {-code}"


def leavings(how: str, directory: Path, settle: float) -> list[str]:
    """Names of what does not end by itself. The tasks of a killed host are let go on: what stays, stays of itself. A
    host that was killed because it hung is blamed for that, not for its workers."""
    if how == "overdue":
        return []
    (directory / GATE).touch()
    until = time.monotonic() + settle
    while (below := descendants(os.getpid())) and time.monotonic() < until:
        reap()
        pause()
    return sorted(below.values())


def main(arguments: list[str]) -> int:
    directory, patience, settle = Path(arguments[0]), float(arguments[1]), float(arguments[2])
    inherit_orphans()
    for each in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:  # what is ignored here is ignored in the host
        signal.signal(each, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with (directory / "output").open("wb") as output:
            host = subprocess.Popen(
                arguments[3:], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        (directory / HOST).write_text(str(host.pid), encoding="ascii")
        how = watch(host, directory, patience)
        left = leavings(how, directory, settle)
    except SupervisorGone:
        return 1
    finally:
        kill_descendants(os.getpid())
        remove_semaphores(directory)
    print(json.dumps({"how": how, "left": left}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
