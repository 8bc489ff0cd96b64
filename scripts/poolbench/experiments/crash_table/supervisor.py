"""Runs contenders under wardens, several at a time, and yields what was seen as each run ends.

Every run has a directory of its own, below one that is removed at the end. A warden whose supervisor is gone kills what
it watches; what a warden leaves that was killed itself is inherited by the supervisor, and killed by it.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from poolbench.experiments.crash_table import report, warden
from poolbench.experiments.crash_table.judge import Observation

PACKAGES = Path(__file__).resolve().parents[3]


class Run(NamedTuple):
    pool: str
    fault: str
    repetition: int
    command: Sequence[str]  # of the host, but for the directory


class WardenDied(Exception):
    pass


def observe(
    run: Run, directory: Path, patience: float = report.WARDEN_PATIENCE, settle: float = report.SETTLE
) -> Observation:
    """Raises WardenDied."""
    directory.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(PACKAGES), "TMPDIR": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}
    limits = (str(patience), str(settle))
    command = [sys.executable, "-m", warden.__name__, str(directory), *limits, *run.command, str(directory)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True, text=True
    ) as process:
        # Not communicate(), which would close the pipe whose closing says that this process is gone.
        assert process.stdout is not None
        said = process.stdout.read()
        if process.wait() != 0:
            raise WardenDied(f"{run.pool}, {run.fault}: the warden ended with {process.returncode}")
    seen = json.loads(said)
    return Observation(report.read(directory), seen["how"], tuple(seen["left"]))


def observe_all(runs: Sequence[Run], at_once: int) -> Iterator[tuple[Run, Observation]]:
    """In the order in which they end."""
    warden.inherit_orphans()
    with tempfile.TemporaryDirectory(prefix="crash-table-", ignore_cleanup_errors=True) as temporary:
        with ThreadPoolExecutor(at_once) as threads:
            tasks = {threads.submit(observe, run, Path(temporary, f"{number}")): run for number, run in enumerate(runs)}
            try:
                for task in as_completed(tasks):
                    yield tasks[task], task.result()
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                end_wardens(Path(temporary))
                raise


def end_wardens(temporary: Path) -> None:
    """What is below a warden that is killed comes here."""
    for pid in warden.descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    warden.kill_descendants(os.getpid())
    for directory in temporary.iterdir():
        warden.remove_semaphores(directory)
