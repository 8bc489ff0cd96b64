"""Runs the race: every round measures every entry once, each in a process of its own, and each row is written when it
is there.

Entries of one scenario, number of workers and number of producers run one after the other in an order drawn from the
seed, anew in every round: what the machine does meanwhile hits them alike, and no contestant finds the machine as a
certain other one left it.
"""

import csv
import itertools
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO

from poolbench.data import schema
from poolbench.race.executors import EXECUTORS, Entry
from poolbench.race.executors import entries as python_entries

# A measurement that takes longer than this, beyond the time that it was given, hangs.
GRACE_SECONDS = 90

PROGRAMS = ("pool_benchmarks", "process_pool_benchmarks")
SCRIPTS = Path(__file__).resolve().parent.parent.parent


class CannotRace(Exception):
    """The programs do not do what they have to before anything can be measured."""


class Contest:
    """Who takes part and how each is measured.

    `programs` are pool_benchmarks and process_pool_benchmarks, `python` an interpreter for measure_python.py; `seconds`
    and `scale` are the effort of a measurement.
    """

    def __init__(self, programs: Sequence[str], python: str, cores: int, seconds: float, scale: float) -> None:
        self.programs, self.python, self.cores, self.seconds, self.scale = programs, python, cores, seconds, scale
        self._program_of: dict[Entry, str] = {}

    def entries(self) -> list[Entry]:
        """Everything that can be measured. Raises CannotRace."""
        for program in self.programs:
            listed = subprocess.run(
                [program, "--benchmark_list_tests", "--benchmark_filter=^race/"],
                capture_output=True,
                text=True,
                check=False,
            )
            found = [entry_of(line) for line in listed.stdout.splitlines() if line.startswith("race/")]
            if listed.returncode != 0 or not found:
                raise CannotRace(f"{program} lists no race: {listed.stderr.strip()}")
            self._program_of.update(dict.fromkeys(found, program))
        return list(self._program_of) + python_entries(self.cores)

    def measure(self, entry: Entry) -> dict[str, Any]:
        """One row of race.csv, but for its place in the race. Never raises for what a contestant does."""
        with tempfile.TemporaryDirectory(prefix="poolbench-race-") as directory:
            output = Path(directory) / "measured.json"
            ours = entry.peer not in EXECUTORS
            command = self._cpp(entry, output) if ours else self._python(entry, output)
            error = run_to_its_end(command, self.seconds * 4 + GRACE_SECONDS)
            try:
                text = output.read_text(encoding="utf-8")
                result = cpp_result(json.loads(text)) if ours else python_result(json.loads(text))
            except (OSError, ValueError, KeyError, IndexError) as unreadable:
                result = {"error": error or f"no readable result: {unreadable!r}"}
        if error and "error" not in result:
            result = {"error": error}
        row = {**entry._asdict(), **result}
        row["status"] = "error" if "error" in result else schema.STATUS_OK
        row["error"] = " ".join(result.get("error", "").split())
        return row

    def _cpp(self, entry: Entry, output: Path) -> list[str]:
        name = f"^race/{entry.scenario}/{entry.peer}/workers:{entry.workers}/producers:{entry.producers}/"
        return [
            self._program_of[entry],
            f"--benchmark_filter={name}",
            f"--benchmark_out={output}",
            "--benchmark_out_format=json",
            f"--race_seconds={self.seconds}",
            f"--race_scale={self.scale}",
        ]

    def _python(self, entry: Entry, output: Path) -> list[str]:
        return [
            self.python,
            "-m",
            "poolbench.race.measure_python",
            f"{entry.scenario}/{entry.peer}/{entry.workers}",
            "--cores",
            str(self.cores),
            "--seconds",
            str(self.seconds),
            "--repetitions",
            "1",
            "--output",
            str(output),
        ]


def entry_of(name: str) -> Entry:
    """The entry that a benchmark's name says: race/SCENARIO/PEER/workers:N/producers:N/..."""
    _, scenario, peer, workers, producers, *_ = name.split("/")
    return Entry(scenario, peer, int(workers.partition(":")[2]), int(producers.partition(":")[2]))


def cpp_result(report: dict[str, Any]) -> dict[str, Any]:
    """What Google Benchmark's JSON says of its only benchmark."""
    measured = report["benchmarks"][0]
    if measured.get("error_occurred"):
        return {"error": measured.get("error_message", "no message")}
    label = json.loads(measured["label"])
    return {
        "executed_by": label["executed_by"],
        "unit": label["unit"],
        "value": measured["value"],
        "tasks": int(measured["tasks"]),
        "producer_share": measured["producer_share"],
        "seconds": measured["real_time"] / 1e3,
    }


def python_result(line: dict[str, Any]) -> dict[str, Any]:
    """What measure_python.py says of one repetition."""
    if "error" in line:
        return {"error": line["error"]}
    return {
        "executed_by": line["executed_by"],
        "unit": line["unit"],
        "value": line["values"][0],
        "tasks": line["tasks"],
        "producer_share": 0,
        "seconds": line["seconds"],
    }


def run_to_its_end(command: list[str], timeout: float) -> str:
    """Runs it in a process group of its own, of which nothing is left when this returns or raises. What went wrong, or
    ""."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(SCRIPTS)},
    )
    try:
        _, said = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        return f"hung: killed after {timeout:g} s"
    finally:
        _end_group(process)
    if process.returncode == 0:
        return ""
    last = said.strip().splitlines()[-1:] or ["without a word"]
    return f"exit code {process.returncode}: {last[0]}"


def _end_group(process: subprocess.Popen[str], seconds: float = 3.0) -> None:
    """Asks every process of the group to end, and kills what has not: loky's resource tracker removes its semaphores
    when asked."""
    deadline = time.monotonic() + seconds
    alive = _signal_group(process.pid, signal.SIGTERM)
    while alive and time.monotonic() < deadline:
        time.sleep(0.005)
        process.poll()
        alive = _signal_group(process.pid, 0)
    _signal_group(process.pid, signal.SIGKILL)
    assert process.stderr
    process.stderr.close()
    process.wait()


def _signal_group(group: int, number: int) -> bool:
    """Whether there is anybody in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


# --- order ------------------------------------------------------------------------------------------------------------


def order_of_a_round(entries: list[Entry], seed: int, number: int) -> list[Entry]:
    """The entries as round `number` measures them: scenario by scenario, the contestants of each size shuffled."""
    draw = random.Random(f"{seed} {number}")
    scenarios = list(dict.fromkeys(entry.scenario for entry in entries))

    def size(entry: Entry) -> tuple[int, int, int]:
        return scenarios.index(entry.scenario), entry.producers, entry.workers

    ordered: list[Entry] = []
    for _, group in itertools.groupby(sorted(entries, key=size), key=size):
        same = list(group)
        draw.shuffle(same)
        ordered += same
    return ordered


def race(
    contest: Contest,
    entries: list[Entry],
    rounds: int,
    seed: int,
    path: Path,
    progress: TextIO = sys.stderr,
    budget: float = math.inf,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Runs the rounds and appends to `path`, which is new. Returns how many measurements failed.

    After the first one no round is started that would likely end later than `budget` seconds after the beginning.
    """
    failures = 0
    with open(path, "x", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, schema.RACE, lineterminator="\n", restval="")
        writer.writeheader()
        counter = itertools.count()
        begin = clock()
        for number in range(rounds):
            if number and (clock() - begin) * (number + 1) / number > budget:
                print(
                    f"race: {number} of {rounds} rounds fit into {budget:.0f} s: "
                    "is the machine busy with something else?",
                    file=progress,
                    flush=True,
                )
                break
            for entry in order_of_a_round(entries, seed, number):
                started = datetime.now(timezone.utc)
                row = contest.measure(entry)
                row.update(
                    round=number, run_order=next(counter), started_utc=started.isoformat(timespec="microseconds")
                )
                writer.writerow(row)
                file.flush()
                if row["status"] != schema.STATUS_OK:
                    failures += 1
                    print(f"race: {'/'.join(map(str, entry))}: {row['error']}", file=progress, flush=True)
            took = clock() - begin
            print(
                f"race: round {number + 1} of {rounds}, {len(entries)} measurements; {took:.0f} s so far, "
                f"about {took / (number + 1) * (rounds - number - 1):.0f} s to go",
                file=progress,
                flush=True,
            )
    return failures
