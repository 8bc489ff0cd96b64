"""Does the same faults to many pools, and tells what becomes of the tasks, the pool and its processes.

    scripts/python -m poolbench.experiments.crash_table -o results/crash_table
    scripts/python -m poolbench.experiments.crash_table --show results/crash_table

Each fault is done to each pool in a session of its own, under a deadline, three times over. Leaves runs.csv (a row per
run), pools.csv (a row per pool, with its version or what is missing and how to get it) and context.json in the
directory; --show prints the table that follows from them. What is measured is kept as it comes: the same command goes
on where it was interrupted. Debian has python3-joblib (with loky), python3-pebble, python3-billiard and nodejs; of npm:
npm install --prefix out/crash_table piscina tinypool.

Exit code: 0; 1 if a run could not be watched to its end; 2 bad usage; 130 interrupted.
"""

import argparse
import datetime
import json
import os
import platform
import signal
import sys
from pathlib import Path

from poolbench.data.schema import CRASH_POOLS, CRASH_RUNS
from poolbench.experiments.crash_table import contenders, faults, supervisor, table
from poolbench.experiments.crash_table.report import STARTED_WITHOUT_STDIO


def parsed(argv: list[str]) -> argparse.Namespace:
    default = contenders.default_setup()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, metavar="DIRECTORY")
    parser.add_argument("--show", type=Path, metavar="DIRECTORY")
    parser.add_argument("--pool", action="append", help="only this one; may be repeated")
    parser.add_argument("--fault", action="append", help="only this one; may be repeated")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=6, help="runs at a time; most of them wait (default: 6)")
    parser.add_argument("--python", default=default.python, help=f"that is measured (default: {default.python})")
    parser.add_argument("--node", default=default.node, help=f"(default: {default.node})")
    parser.add_argument(
        "--node-modules", type=Path, default=default.node_modules, help=f"(default: {default.node_modules})"
    )
    parser.add_argument(
        "--fault-driver", type=Path, default=default.fault_driver, help=f"(default: {default.fault_driver})"
    )
    options = parser.parse_args(argv)
    if (options.output is None) == (options.show is None):
        parser.error("give -o DIRECTORY, or --show DIRECTORY")
    pools = [contender.name for contender in contenders.CONTENDERS]
    for given, known, what in ((options.pool, pools, "pool"), (options.fault, faults.NAMES, "fault")):
        for name in given or ():
            if name not in known:
                parser.error(f"no {what} '{name}'; there are {', '.join(known)}")
    for name in ("repetitions", "at_once"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} {getattr(options, name)}: give at least 1")
    return options


def probe(options: argparse.Namespace, setup: contenders.Setup) -> tuple[list[table.Row], list[contenders.Contender]]:
    """A row for each pool, and those that are there."""
    rows, there = [], []
    for contender in contenders.CONTENDERS:
        if options.pool and contender.name not in options.pool:
            continue
        try:
            version, missing = contender.version(setup), ""
            there.append(contender)
        except contenders.Missing as why:
            version, missing = "", str(why)
            print(f"crash_table: {contender.title} is left out: {why}", file=sys.stderr)
        status = "missing" if missing else "ready"
        rows.append({"pool": contender.name, "status": status, "version": version, "missing": missing})
    return rows, there


def context(options: argparse.Namespace, argv: list[str]) -> dict[str, object]:
    cpu = contenders.answer("sed", "-n", "s/^model name[^:]*: //p;T;q", "/proc/cpuinfo")
    return {
        "started_utc": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "argv": argv,
        "machine_line": f"{len(os.sched_getaffinity(0))} cores of {cpu or platform.machine()}",
        "kernel": platform.release(),
        "commit": contenders.answer("git", "-C", str(contenders.ROOT), "describe", "--always", "--dirty") or "unknown",
        "repetitions": options.repetitions,
        "at_once": options.at_once,
        "load1": os.getloadavg()[0],
    }


def started(fault: str, command: list[str]) -> list[str]:
    without = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-'] if fault == STARTED_WITHOUT_STDIO else []
    return without + command


def planned(
    options: argparse.Namespace, setup: contenders.Setup, there: list[contenders.Contender]
) -> list[supervisor.Run]:
    """A pool's runs are spread, so that what else happens on the machine meets all alike."""
    return [
        supervisor.Run(contender.name, name, repetition, started(name, [*contender.command(setup), name]))
        for repetition in range(options.repetitions)
        for name in options.fault or faults.NAMES
        for contender in there
    ]


def measure(options: argparse.Namespace, argv: list[str]) -> int:
    setup = contenders.Setup(
        options.python, options.node, options.node_modules.resolve(), options.fault_driver.resolve()
    )
    pools, there = probe(options, setup)
    options.output.mkdir(parents=True, exist_ok=True)
    runs_csv = options.output / "runs.csv"
    rows = table.read(runs_csv, CRASH_RUNS) if runs_csv.exists() else []
    done = {(row["pool"], row["fault"], row["repetition"]) for row in rows}
    runs = [run for run in planned(options, setup, there) if (run.pool, run.fault, str(run.repetition)) not in done]
    table.write(options.output / "pools.csv", CRASH_POOLS, pools)
    text = json.dumps(context(options, argv), indent=2)
    (options.output / "context.json").write_text(text + "\n", encoding="utf-8")
    try:
        for number, (run, seen) in enumerate(supervisor.observe_all(runs, options.at_once), 1):
            row = table.run_row(run.pool, run.fault, run.repetition, seen)
            table.append(runs_csv, CRASH_RUNS, row)
            print(f"{number}/{len(runs)} {run.pool} {run.fault}: {row['verdict']}", file=sys.stderr, flush=True)
    except supervisor.WardenDied as error:
        print(f"crash_table: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("crash_table: interrupted; what was measured is kept", file=sys.stderr)
        return 130
    return 0


def main(argv: list[str]) -> int:
    options = parsed(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.show is None:
            return measure(options, argv)
        print("\n".join(table.lines(options.show)))
        return 0
    except table.Unreadable as error:
        print(f"crash_table: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
