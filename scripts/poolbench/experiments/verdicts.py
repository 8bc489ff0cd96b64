"""Holds several runs of `poolbench validate` against each other: does a verdict ever flip?

    for i in 1 2 3 4 5; do build/release/poolbench validate -o run$i; done
    scripts/python -m poolbench.experiments.verdicts run1 run2 run3 run4 run5 -o DIRECTORY
    scripts/python -m poolbench.experiments.verdicts --show DIRECTORY

Leaves verdicts.csv (a row per run and claim) and table.md (a row per claim, the measured medians of all runs) in
DIRECTORY. --show prints that table again, from verdicts.csv and the last run's derived/claims.csv in DIRECTORY.

Exit code: 0 if every claim was decided alike in all runs (--show: if there is a table); 1 if one was inconclusive
somewhere, or held once and was refuted once, or is against the model: stderr names it; 2 if a directory holds no
claims.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from poolbench.data.schema import VERDICTS

Row = dict[str, str]


def read_rows(path: Path) -> list[Row]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}; give directories of `poolbench validate -o DIRECTORY`") from error
    if not rows:
        raise SystemExit(f"{path} has no claims")
    return rows


def read(directory: Path) -> dict[str, Row]:
    return {row["id"]: row for row in read_rows(directory / "derived" / "claims.csv")}


def read_again(directory: Path) -> dict[str, list[Row]]:
    """Claim -> a row per run: as verdicts.csv has it, with what only the last run's claims.csv says of the claim."""
    last = read(directory)
    per_claim: dict[str, list[Row]] = {name: [] for name in last}
    for row in read_rows(directory / "verdicts.csv"):
        if row["id"] not in last:
            raise SystemExit(f"{directory}: claims.csv lacks the claim '{row['id']}' of verdicts.csv")
        per_claim[row["id"]].append({**last[row["id"]], **row})
    if empty := [name for name, rows in per_claim.items() if not rows]:
        raise SystemExit(f"{directory}: verdicts.csv lacks the claim '{empty[0]}' of claims.csv")
    return per_claim


def human(nanoseconds: str | int) -> str:
    value = int(nanoseconds)
    if abs(value) < 50_000:
        return "0 ms"
    return f"{value / 1e6:.3g} ms" if abs(value) < 1e9 else f"{value / 1e9:.3g} s"


def measured(rows: list[Row]) -> str:
    values = sorted(int(row["measured_ns"]) for row in rows)
    low, high = human(values[0]), human(values[-1])
    return low if low == high else f"{low} to {high}"


def escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")


def table_row(rows: list[Row]) -> str:
    last = rows[-1]
    verdicts = sorted({row["verdict"] for row in rows})
    verdict = " / ".join(verdicts)
    if verdicts == ["refuted"]:
        verdict = f"**refuted**: {escaped(last['violated'])}"
    return (
        f"| {escaped(last['claim'])} | {escaped(last['case'])} | {human(last['predicted_ns'])} | {measured(rows)} | "
        f"{verdict} |"
    )


def table(per_claim: dict[str, list[Row]]) -> str:
    lines = [
        "| claim | case | claimed | measured | verdict |",
        "|---|---|---|---|---|",
        *map(table_row, per_claim.values()),
    ]
    return "\n".join(lines) + "\n"


def objections(name: str, rows: list[Row]) -> Iterator[str]:
    verdicts = [row["verdict"] for row in rows]
    if "inconclusive" in verdicts:
        yield f"{name} was inconclusive in {verdicts.count('inconclusive')} of {len(rows)} runs"
    if {"holds", "refuted"} <= set(verdicts):
        yield f"{name} flips: {', '.join(verdicts)}"
    against = sum(row["verdict"] not in (row["expected"], "inconclusive") for row in rows)
    if against:
        yield f"{name} is against the model in {against} of {len(rows)} runs"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--show", type=Path, metavar="DIRECTORY")
    options = parser.parse_args(argv)
    if (options.show is None) == (not options.runs) or (options.output is None) == bool(options.runs):
        parser.error("give runs and -o DIRECTORY, or --show DIRECTORY")
    try:
        if options.show:
            print(table(read_again(options.show)), end="")
            return 0
        runs = [read(directory) for directory in options.runs]
    except SystemExit as error:
        parser.error(str(error))
    names = list(runs[0])
    for directory, run in zip(options.runs, runs):
        if list(run) != names:
            parser.error(f"{directory} has other claims than {options.runs[0]}")
    options.output.mkdir(parents=True, exist_ok=True)
    with (options.output / "verdicts.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(VERDICTS)
        for number, run in enumerate(runs, 1):
            writer.writerows([number, *(run[name][column] for column in VERDICTS[1:])] for name in names)
    per_claim = {name: [run[name] for run in runs] for name in names}
    (options.output / "table.md").write_text(table(per_claim), encoding="utf-8")
    found = [objection for name, rows in per_claim.items() for objection in objections(name, rows)]
    for objection in found:
        print(objection, file=sys.stderr)
    counts = [sum(rows[0]["verdict"] == verdict for rows in per_claim.values()) for verdict in ("holds", "refuted")]
    if not found:
        print(f"{len(names)} claims in {len(runs)} runs: {counts[0]} hold and {counts[1]} are refuted in every one")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
