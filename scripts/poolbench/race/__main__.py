"""Races the pools against their peers and says how each goal fared: race.csv, goals.csv, context.json, report.txt in a
directory.

Every round measures every entry - a scenario, a contestant, a pool size, a number of producers - once, in a process of
its own. The tutorial's formulas are measured by `poolbench run` into formulas/. --show judges and prints a directory
again, nothing is run.

Exit code: 0 (missed goals are a finding, not an error), 1 a program is unusable, 2 bad usage, 3 some measurements
failed (their rows say how), 130 interrupted (what was measured is kept, and --show judges it).
"""

import argparse
import csv
import json
import math
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from poolbench.data import schema
from poolbench.race import goals, measurements, rounds, table
from poolbench.race.executors import Entry

ROOT = rounds.SCRIPTS.parent
SUITE = Path(__file__).resolve().parent / "formulas.toml"
FULL = {"rounds": 5, "seconds": 0.15, "scale": 1.0, "runs": 5, "warmup": 1, "budget": 720}
QUICK = {"rounds": 2, "seconds": 0.02, "scale": 0.1, "runs": 1, "warmup": 0, "budget": 120}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="race", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="the directory, which must not hold a race yet (default: out/race-<UTC time>)"
    )
    parser.add_argument("--show", type=Path, metavar="DIR", help="judge and print this directory again")
    parser.add_argument("--quick", action="store_true", help="a rehearsal of two minutes: its figures say little")
    parser.add_argument(
        "--rounds", type=int, help=f"rounds (default: {FULL['rounds']}, with --quick {QUICK['rounds']})"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        help=f"length of one measurement (default: {FULL['seconds']}, with --quick {QUICK['seconds']})",
    )
    parser.add_argument(
        "--budget",
        type=float,
        help="start no further round that would likely end after so many seconds (default: "
        f"{FULL['budget']}, with --quick {QUICK['budget']})",
    )
    parser.add_argument(
        "--filter",
        default="",
        metavar="REGEX",
        help="only entries with this in SCENARIO/PEER/WORKERS/PRODUCERS; no formulas",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the order (default: 1)")
    parser.add_argument("--no-formulas", action="store_true", help="leave out the tutorial's formulas")
    parser.add_argument("--list", action="store_true", help="print the entries and measure nothing")
    parser.add_argument(
        "--programs",
        type=Path,
        default=ROOT / "build/release/pools/benchmarks",
        metavar="DIR",
        help=f"the directory that holds {' and '.join(rounds.PROGRAMS)}",
    )
    parser.add_argument("--poolbench", type=Path, default=ROOT / "build/release/poolbench", help="poolbench")
    parser.add_argument(
        "--race-python",
        default=os.environ.get("POOLBENCH_RACE_PYTHON") or "/usr/bin/python3",
        help="the Python that is measured, with joblib (default: $POOLBENCH_RACE_PYTHON, else Debian's)",
    )
    options = parser.parse_args(argv)
    try:
        pattern = re.compile(options.filter)
    except re.error as error:
        parser.error(f"--filter '{options.filter}' is no regular expression: {error}")
    effort = {**(QUICK if options.quick else FULL)}
    effort.update(
        {name: value for name in ("rounds", "seconds", "budget") if (value := getattr(options, name)) is not None}
    )
    if effort["rounds"] < 1 or not 0 < effort["seconds"] < math.inf or not effort["budget"] >= 0:  # NaN is neither
        parser.error("--rounds and --seconds are positive and finite, --budget is 0 or more")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what runs is ended too
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        if options.show:
            show(options.show)
            print(options.show)
            return 0
        return run(options, effort, pattern, argv)
    except (measurements.UnreadableRace, rounds.CannotRace) as error:
        print(f"race: {error}", file=sys.stderr)
        return 2 if isinstance(error, measurements.UnreadableRace) else 1
    except KeyboardInterrupt:
        return 130


def run(options: argparse.Namespace, effort: dict[str, Any], pattern: re.Pattern[str], argv: list[str]) -> int:
    programs = [str(options.programs / name) for name in rounds.PROGRAMS]
    cores, decided_by = usable_cores(programs[-1])
    contest = rounds.Contest(programs, options.race_python, cores, effort["seconds"], effort["scale"])
    entries = [entry for entry in contest.entries() if pattern.search("/".join(map(str, entry)))]
    if options.list:
        print("\n".join("/".join(map(str, entry)) for entry in entries))
        return 0
    if not entries:
        print(f"race: nothing is called '{options.filter}'; --list names everything", file=sys.stderr)
        return 2
    directory = options.output or ROOT / f"out/race-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"
    if (directory / "race.csv").exists():
        print(f"race: {directory} holds a race already: choose another directory", file=sys.stderr)
        return 2
    directory.mkdir(parents=True, exist_ok=True)
    context = describe(cores, decided_by, effort, options, argv)
    (directory / "context.json").write_text(json.dumps(context, indent=2) + "\n", encoding="utf-8")

    try:
        failures = measure(contest, entries, effort, options, directory)
    except KeyboardInterrupt:
        if (directory / "race.csv").exists():
            print(f"race: interrupted; what was measured: scripts/race --show {directory}", file=sys.stderr)
        raise
    show(directory)
    print(directory)
    return 3 if failures else 0


def measure(
    contest: rounds.Contest, entries: list[Entry], effort: dict[str, Any], options: argparse.Namespace, directory: Path
) -> int:
    """Returns how many measurements failed."""
    failures = rounds.race(
        contest, entries, effort["rounds"], options.seed, directory / "race.csv", budget=effort["budget"]
    )
    if not options.filter and not options.no_formulas:
        failures += run_formulas(options.poolbench, directory / "formulas", effort)
    return failures


def show(directory: Path) -> None:
    """Judges what race.csv and formulas/ hold: writes goals.csv and report.txt, and prints the report."""
    measured, context = measurements.load(directory)
    verdicts = goals.Goals(measured, context["cores"], formulas(directory / "formulas")).all()
    with open(directory / "goals.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(schema.GOALS)
        writer.writerows(
            [
                ["" if (value := getattr(line, column)) is None else value for column in schema.GOALS]
                for line in verdicts
            ]
        )
    lines = [context["machine_line"], "", *table.report(measured, verdicts)]
    (directory / "report.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


# --- the tutorial's formulas ------------------------------------------------------------------------------------------


def run_formulas(poolbench: Path, directory: Path, effort: dict[str, Any]) -> int:
    """Returns how many of its repetitions failed, or 1 if it did not run at all."""
    code = subprocess.run(
        [poolbench, "run", SUITE, "-o", directory, "-r", str(effort["runs"]), "-w", str(effort["warmup"])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    ).returncode
    if code in (130, -signal.SIGINT):
        raise KeyboardInterrupt
    return 1 if code else 0


def formulas(directory: Path) -> list[goals.Formula]:
    """(name, backend, Figure in ms) of each cell: makespan minus the exact model's. Nothing if it was not run."""
    if not (directory / "results.csv").exists():
        return []
    from poolbench.data import run_data

    run = run_data.load(directory)
    found = []
    for cell in run.cells().itertuples():
        makespans = run.ok[run.ok.cell_id == cell.cell_id].makespan_ns
        if makespans.empty or cell.predicted_ns != cell.predicted_ns:
            continue
        each = [(value - cell.predicted_ns) / 1e6 for value in makespans]
        tasks = "4 equal tasks" if cell.distribution == "equal" else "4 different tasks"
        found.append(
            (
                f"{cell.strategy}, {tasks}",
                cell.backend,
                measurements.Figure(measurements.median(each), min(each), max(each), len(each)),
            )
        )
    return sorted(found, key=lambda line: (line[1] != "thread", line[0]))


# --- the machine ------------------------------------------------------------------------------------------------------


def usable_cores(program: str) -> tuple[int, str]:
    """As process_pool_benchmarks counts them, whose pool sizes they are. Raises CannotRace."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="poolbench-race-") as directory:
        report = Path(directory) / "context.json"
        try:
            subprocess.run(
                [
                    program,
                    "--benchmark_filter=^race/process_echo_1mib/memcpy/",
                    "--race_seconds=0.001",
                    f"--benchmark_out={report}",
                    "--benchmark_out_format=json",
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
            cores, _, decided_by = json.loads(report.read_text(encoding="utf-8"))["context"]["usable_cores"].partition(
                ", by "
            )
        except (OSError, ValueError, KeyError) as error:
            raise rounds.CannotRace(f"{program} is not the program process_pool_benchmarks: {error}") from error
    return int(cores), decided_by


def describe(
    cores: int, decided_by: str, effort: dict[str, Any], options: argparse.Namespace, argv: list[str]
) -> dict[str, Any]:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor() or platform.machine(),
    )
    described = subprocess.run(
        ["git", "-C", ROOT, "describe", "--always", "--dirty", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    versions = subprocess.run(
        [
            options.race_python,
            "-c",
            "import sys; print(sys.version.split()[0])\nimport joblib; print(joblib.__version__)",
        ],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split() + ["", ""]
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    commit = described.stdout.strip() or "unknown"
    system = f"{platform.system()} {platform.release()}"
    return {
        "started_utc": started,
        "argv": shlex.join(["scripts/race", *argv]),
        "cores": cores,
        "cores_decided_by": decided_by,
        "machine_line": f"{cpu}, {cores} cores by {decided_by}, {system}, commit {commit}, {started}",
        "commit": commit,
        "rounds": effort["rounds"],
        "seconds": effort["seconds"],
        "scale": effort["scale"],
        "seed": options.seed,
        "python": versions[0],
        "joblib": versions[1],
        "load1": os.getloadavg()[0],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
