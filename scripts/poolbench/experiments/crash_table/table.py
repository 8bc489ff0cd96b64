"""What was seen, as files and as a table: runs.csv and pools.csv (docs/data_dictionary.md), and Markdown from them."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from poolbench.data.schema import CRASH_POOLS, CRASH_RUNS
from poolbench.experiments.crash_table import contenders, faults, judge

Row = dict[str, str]

TITLES = {contender.name: contender.title for contender in contenders.CONTENDERS}


class Unreadable(Exception):
    pass


def run_row(pool: str, fault: str, repetition: int, seen: judge.Observation) -> Row:
    judgement = judge.judge(seen)
    ends = [[task.end for task in seen.report.of(role)] for role in ("faulty", "beside", "later")]
    counts = {
        f"{role}_{end}": str(every.count(end))
        for role, every in zip(("task", "beside", "later"), ends)
        for end in ("right", "wrong", "failed", "lost")
    }
    return {
        "pool": pool,
        "fault": fault,
        "repetition": str(repetition),
        "verdict": judgement.words(),
        **counts,
        "ended": seen.how,
        "left": " ".join(seen.left),
        "what": judgement.what,
    }


def write(path: Path, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def append(path: Path, columns: tuple[str, ...], row: Row) -> None:
    """In one write, so that what is there is whole whenever this process is killed."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    if not path.exists():
        writer.writeheader()
    writer.writerow(row)
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())


def read(path: Path, columns: tuple[str, ...]) -> list[Row]:
    """Raises Unreadable."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if lacking := [column for column in columns if column not in (reader.fieldnames or ())]:
        raise Unreadable(f"{path} has no column '{lacking[0]}'; it has {', '.join(reader.fieldnames or ()) or 'none'}")
    return rows


def cell(rows: list[Row]) -> str:
    """All verdicts of a pool and fault; how often each was seen, where they differ."""
    counts = Counter(row["verdict"] for row in rows)
    if not counts:
        return ""
    if len(counts) == 1:
        return next(iter(counts))
    return "; ".join(f"{verdict} ({count} of {len(rows)})" for verdict, count in counts.most_common())


def shown(verdict: str) -> str:
    """What survives stands out."""
    plain = verdict in (judge.SURVIVED, judge.TASK_FAILED, judge.NOTHING_LEFT, judge.INAPPLICABLE, "")
    return verdict if plain else f"**{verdict}**"


def lines(directory: Path) -> Iterator[str]:
    pools = read(directory / "pools.csv", CRASH_POOLS)
    runs = read(directory / "runs.csv", CRASH_RUNS)
    there = [pool for pool in pools if pool["status"] == "ready"]
    by_cell: dict[tuple[str, str], list[Row]] = {}
    for row in runs:
        by_cell.setdefault((row["fault"], row["pool"]), []).append(row)
    yield "| fault | " + " | ".join(TITLES.get(pool["pool"], pool["pool"]) for pool in there) + " |"
    yield "|---" * (len(there) + 1) + "|"
    for fault in faults.FAULTS:
        cells = [shown(cell(by_cell.get((fault.name, pool["pool"]), []))) for pool in there]
        if any(cells):
            yield f"| {fault.title} (`{fault.name}`) | " + " | ".join(cells) + " |"
    yield ""
    yield "| pool | version |"
    yield "|---|---|"
    for pool in pools:
        yield f"| {TITLES.get(pool['pool'], pool['pool'])} | {pool['version'] or 'not measured: ' + pool['missing']} |"
    yield from remarks(runs)


def remarks(runs: list[Row]) -> Iterator[str]:
    """Why a fault is not one somewhere."""
    reasons: dict[str, dict[str, None]] = {}
    for row in runs:
        if row["verdict"] == judge.INAPPLICABLE:
            reasons.setdefault(row["what"], {})[row["fault"]] = None
    if reasons:
        yield ""
        yield "There is no such fault (-) where:"
        yield ""
    for why, names in reasons.items():
        yield f"* {why}: {', '.join(f'`{name}`' for name in names)}"
