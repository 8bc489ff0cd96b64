"""Measures Python's executors on the work of the C++ race: a JSON line per entry, with the median and the spread.

CPython's ThreadPoolExecutor and ProcessPoolExecutor, and loky's (from joblib: Debian's python3-joblib): empty tasks
pipelined, round trips back to back and after 1 ms of idleness, a map with chunksize 100, 1 MiB echoed, the start of a
pool. scripts/race runs it entry by entry, between its other contestants.

Each line: scenario, peer, workers, producers, unit, executed_by, tasks, seconds (of the last repetition), values,
median, low, high; or scenario, peer, workers, producers and error. Exit code: 0, 1 when an entry failed, 2 bad usage.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys

# Worker processes that are spawned import this file again: nothing but the standard library's light part up here.
TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def main(argv: list[str]) -> int:
    from poolbench.race import executors

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "entry", nargs="*", metavar="SCENARIO/PEER/WORKERS", help="what to measure (default: everything)"
    )
    parser.add_argument("--list", action="store_true", help="print the entries and measure nothing")
    parser.add_argument(
        "--cores",
        type=int,
        default=len(os.sched_getaffinity(0)),
        help="pool sizes follow from it (default: this machine's)",
    )
    parser.add_argument(
        "--seconds", type=float, default=0.3, help="about so long each measurement takes (default: 0.3)"
    )
    parser.add_argument("--repetitions", type=int, default=5, help="measurements of each entry (default: 5)")
    parser.add_argument("-o", "--output", help="append the lines to this file (default: stdout)")
    options = parser.parse_args(argv)

    every = {f"{entry.scenario}/{entry.peer}/{entry.workers}": entry for entry in executors.entries(options.cores)}
    if options.list:
        print("\n".join(every))
        return 0
    unknown = [name for name in options.entry if name not in every]
    if unknown or options.repetitions < 1 or not 0 < options.seconds < math.inf or options.cores < 1:
        print(
            f"measure_python: no entry '{unknown[0]}'; --list names them"
            if unknown
            else "measure_python: --repetitions, --seconds and --cores are positive and finite",
            file=sys.stderr,
        )
        return 2

    output = open(options.output, "a", encoding="utf-8") if options.output else sys.stdout
    failed = False
    try:
        for name in options.entry or every:
            line = _line(executors, every[name], executors.Effort(seconds=options.seconds), options.repetitions)
            failed = failed or "error" in line
            print(json.dumps(line), file=output, flush=True)
    finally:
        if output is not sys.stdout:
            output.close()
    return 1 if failed else 0


def _line(executors: ModuleType, entry: Any, effort: Any, repetitions: int) -> dict[str, Any]:
    line = dict(entry._asdict())
    try:
        measured = [executors.measure(entry, effort) for _ in range(repetitions)]
    except Exception as error:  # whatever an executor raises is this entry's result
        return line | {"error": f"{type(error).__name__}: {error}"}
    values = [each.value for each in measured]
    return line | {
        "unit": executors.unit_of(entry.scenario),
        "executed_by": "workers",
        "tasks": measured[-1].tasks,
        "seconds": measured[-1].seconds,
        "values": values,
        "median": executors.lower_median(values),
        "low": min(values),
        "high": max(values),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
