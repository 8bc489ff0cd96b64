"""A run directory as poolbench left it, against the data dictionary and the scripts' schema.

    run_files.py RUN_DIRECTORY DICTIONARY     (needs scripts/ on PYTHONPATH)

Every CSV file's header and every key of the context and cells files is listed in the dictionary
(docs/data_dictionary.md), in the same order, and the dictionary lists nothing else but what files of earlier versions
did not have; poolbench/data/schema.py agrees with both. Exit code: 0, or 1 with a line per difference.
"""

import csv
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from poolbench.data import schema

FILES = {
    "results.csv": ("results.csv", schema.RESULTS),
    "tasks/<run_id>.csv": ("tasks/*.csv", schema.TASKS),
    "sojourns/<run_id>.csv": ("sojourns/*.csv", schema.SOJOURNS),
    "derived/summary.csv": ("derived/summary.csv", schema.SUMMARY),
    "derived/machines.csv": ("derived/machines.csv", schema.MACHINES),
    "derived/model.csv": ("derived/model.csv", schema.MODEL),
    "derived/curve.csv": ("derived/curve.csv", schema.CURVE),
    "derived/service.csv": ("derived/service.csv", schema.SERVICE),
    "derived/latency.csv": ("derived/latency.csv", schema.LATENCY),
    "derived/closed_loop.csv": ("derived/closed_loop.csv", schema.CLOSED_LOOP),
    "derived/rules.csv": ("derived/rules.csv", schema.RULES),
    "derived/rule_cases.csv": ("derived/rule_cases.csv", schema.RULE_CASES),
    "derived/claims.csv": ("derived/claims.csv", schema.CLAIMS),
    "evidence/<run_id>.csv": ("evidence/*.csv", schema.EVIDENCE),
    "verdicts.csv": ("verdicts.csv", schema.VERDICTS),
}
# Left by validate, by poolbench/experiments/verdicts.py, by merge, where tasks arrive, and by recommend.
NOT_OF_A_SWEEP = (
    "evidence/<run_id>.csv",
    "verdicts.csv",
    "derived/machines.csv",
    "sojourns/<run_id>.csv",
    "derived/latency.csv",
    "derived/closed_loop.csv",
    "derived/rules.csv",
    "derived/rule_cases.csv",
    "derived/curve.csv",
    "derived/service.csv",
)
LACKING = {
    "results.csv": schema.RESULTS_LACKING,
    "tasks/<run_id>.csv": ((), schema.TASKS_LATER),
    "derived/summary.csv": ((), schema.SUMMARY_LATER[1:], schema.SUMMARY_LATER),
}
CONTEXT = "context/<run_id>.json"
CELLS = "cells/<run_id>.json"
OF_LOOPS = "loops.<backend>.<threads>."  # only of a run with event loops
OF_HOPS = "hops.<backend>."  # only of a run with workers on other hosts; so are the clocks of these
OF_CLOCKS = "clocks.<backend>[]."
OF_DRIVERS = "drivers.<backend>."  # keys of the context that only a run with backends of other languages has
OF_PARTS = "part."  # only of a part of a sweep
OF_CPYTHON = "python."  # what one of an earlier version has instead


def dictionary(path: Path | str) -> dict[str, tuple[str, ...]]:
    """Section title -> names in the first column of its table, in order."""
    sections = {}
    for section in re.split(r"^## ", Path(path).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0].replace("&lt;", "<").replace("&gt;", ">").strip()
        sections[title] = tuple(re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE))
    return sections


def keys(document: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The keys of a JSON object, those of objects inside it with a dot, in order."""
    for key, value in document.items():
        if isinstance(value, dict):
            yield from keys(value, f"{prefix}{key}.")
        else:
            yield prefix + key


SCHEMA = "poolbench/data/schema.py"


def differences(directory: Path | str, dictionary_path: Path | str) -> Iterator[str]:
    listed = dictionary(dictionary_path)
    for title in sorted(set(listed) ^ {*FILES, CONTEXT, CELLS}):
        yield f"{dictionary_path}: section '{title}' is " + ("of no file" if title in listed else "missing")
    directory = Path(directory)
    for title, (pattern, columns) in FILES.items():
        wanted = {f"{dictionary_path}, {title}": listed.get(title, ()), SCHEMA: columns}
        paths = sorted(directory.glob(pattern))
        if not paths and title not in NOT_OF_A_SWEEP:
            yield f"{directory}: no {pattern}"
        for path in paths:
            yield from of_csv(path, wanted, LACKING.get(title, ((),)))
    paths = sorted(directory.glob("context/*.json"))
    if not paths:
        yield f"{directory}: no context file"
    for path in paths:
        yield from of_context(path, f"{dictionary_path}, {CONTEXT}", listed.get(CONTEXT, ()))
    for path in sorted(directory.glob("cells/*.json")):  # runs of earlier versions have none
        yield from of_cells(path, f"{dictionary_path}, {CELLS}", listed.get(CELLS, ()))


def versions(names: Sequence[str], lacking: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Those of each version that there ever was, by what it lacks."""
    return tuple(tuple(name for name in names if name not in each) for each in lacking)


def of_csv(path: Path, wanted: Mapping[str, Sequence[str]], lacking: Sequence[Sequence[str]]) -> Iterator[str]:
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = tuple(next(reader))
        for number, row in enumerate(reader, 2):
            if len(row) != len(header):
                yield f"{path}: record {number} has {len(row)} fields, the header {len(header)}"
    for other, names in wanted.items():
        if header not in versions(names, lacking):
            yield f"{path}: {compare(header, names)} {other}"


def of_context(path: Path, section: str, listed: Sequence[str]) -> Iterator[str]:
    in_schema = (
        *(key for key in schema.CONTEXT if key not in ("environment", "calibration")),
        *(f"environment.{key}" for key in schema.CONTEXT_ENVIRONMENT),
        *(f"calibration.{key}" for key in schema.CONTEXT_CALIBRATION),
        *(f"{OF_DRIVERS}{key}" for key in schema.CONTEXT_DRIVER),
        *(f"{OF_LOOPS}{key}" for key in schema.CONTEXT_LOOP),
        *(f"{OF_HOPS}{key}" for key in schema.CONTEXT_HOP),
        *(f"{OF_CLOCKS}{key}" for key in schema.CONTEXT_CLOCK),
        *(f"{OF_PARTS}{key}" for key in schema.CONTEXT_PART),
        *(f"{OF_CPYTHON}{key}" for key in schema.CONTEXT_PYTHON),
    )
    document = json.loads(path.read_text(encoding="utf-8"))
    # Each backend's driver has the same keys, unless one has others: then they are in the list twice, and it differs.
    drivers = dict.fromkeys(tuple(driver) for driver in document.pop("drivers", {}).values())
    part = document.pop("part", {})
    loops = dict.fromkeys(tuple(loop) for sizes in document.pop("loops", {}).values() for loop in sizes.values())
    hops = dict.fromkeys(tuple(hop) for hop in document.pop("hops", {}).values())
    clocks = dict.fromkeys(tuple(clock) for of_hosts in document.pop("clocks", {}).values() for clock in of_hosts)
    found = (
        *keys(document),
        *(f"{OF_DRIVERS}{key}" for names in drivers for key in names),
        *(f"{OF_LOOPS}{key}" for names in loops for key in names),
        *(f"{OF_HOPS}{key}" for names in hops for key in names),
        *(f"{OF_CLOCKS}{key}" for names in clocks for key in names),
        *(f"{OF_PARTS}{key}" for key in part),
    )
    prefixes = (OF_DRIVERS, OF_LOOPS, OF_HOPS, OF_CLOCKS, OF_PARTS, OF_CPYTHON)
    absent = tuple(prefix for prefix in prefixes if not any(key.startswith(prefix) for key in found))
    later = {f"environment.{key}" for key in schema.CONTEXT_ENVIRONMENT_LATER} - set(found)
    for other, names in ((section, listed), (SCHEMA, in_schema)):
        names = tuple(name for name in names if not name.startswith(absent) and name not in later)
        if found != names:
            yield f"{path}: {compare(found, names)} {other}"


def of_cells(path: Path, section: str, listed: Sequence[str]) -> Iterator[str]:
    document = json.loads(path.read_text(encoding="utf-8"))
    if tuple(document) != schema.CELLS:
        yield f"{path}: {compare(tuple(document), schema.CELLS)} {SCHEMA}"
    for cell_id, cell in document["cells"].items():
        durations = schema.CELL_DURATIONS if cell.get("distribution") == "explicit" else ()
        optional = (*schema.RESULTS_LATER, *schema.CELL_ARRIVALS, *schema.CELL_PLAN)
        absent = {name for name in optional if name not in cell}
        in_schema = schema.FACTORS + durations + schema.CELL_ARRIVALS + schema.CELL_PLAN
        for other, names in ((section, listed), (SCHEMA, in_schema)):
            names = tuple(name for name in names if durations or name not in schema.CELL_DURATIONS)
            if tuple(cell) != tuple(name for name in names if name not in absent):
                yield f"{path}, cell {cell_id}: {compare(tuple(cell), names)} {other}"


def compare(found: Sequence[str], names: Sequence[str]) -> str:
    extra, missing = [n for n in found if n not in names], [n for n in names if n not in found]
    if not extra and not missing:
        return "the order is not that of"
    return f"has {', '.join(extra) or 'nothing'} more and lacks {', '.join(missing) or 'nothing'} of"


def main(argv: list[str]) -> int:
    if len(argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    found = list(differences(*argv))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
