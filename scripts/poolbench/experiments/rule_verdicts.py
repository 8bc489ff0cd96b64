"""Holds several runs of `poolbench validate --rules` against each other: does a rule's verdict ever flip?

    for i in 1 2 3 4 5; do build/release/poolbench validate --rules -o run$i; done
    scripts/python -m poolbench.experiments.rule_verdicts run1 run2 run3 run4 run5

Prints a Markdown table: a row per rule, kind and W/C, the least and the greatest regret of all runs and the verdicts. A
verdict flips if it is holds, costs or fails in one run and another of these in another; what cannot be told apart in a
run decides nothing there.

Exit code: 0 if none flips; 1 if one does: stderr names it; 2 if a directory holds no rules, or other ones.
"""

import argparse
import csv
import sys
from pathlib import Path

from poolbench.data.schema import RULE_OPEN

Row = dict[str, str]
Key = tuple[str, str, str]
DECIDED = ("holds", "costs", "fails")


def read(directory: Path) -> dict[Key, Row]:
    path = directory / "derived" / "rules.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise SystemExit(
            f"{path}: {error.strerror}; give directories of `poolbench validate --rules -o DIRECTORY`"
        ) from error
    if not rows:
        raise SystemExit(f"{path} has no rules")
    return {(row["rule"], row["kind"], row["wait_per_compute"]): row for row in rows}


def table_row(key: Key, rows: list[Row]) -> str:
    regrets = sorted(float(row["regret_pct"]) for row in rows if row["regret_pct"])
    regret = f"{regrets[0]:.0f} to {regrets[-1]:.0f} %" if regrets else "-"
    missed = max(int(row["missed"]) for row in rows)
    verdicts = sorted({row["verdict"] for row in rows}, key=lambda verdict: (verdict == RULE_OPEN, verdict))
    return f"| {' | '.join(key)} | {regret} | {missed or ''} | {' / '.join(verdicts)} |"


def flips(rows: list[Row]) -> bool:
    return len({row["verdict"] for row in rows} & set(DECIDED)) > 1


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    options = parser.parse_args(argv)
    try:
        runs = [read(directory) for directory in options.runs]
    except SystemExit as error:
        parser.error(str(error))
    keys = list(runs[0])
    for directory, run in zip(options.runs, runs):
        if list(run) != keys:
            parser.error(f"{directory} has other rules or works than {options.runs[0]}")
    per_key = {key: [run[key] for run in runs] for key in keys}
    print("| rule | kind | W/C | regret | missed | verdict |\n|---|---|---|---|---|---|")
    for key, rows in per_key.items():
        print(table_row(key, rows))
    found = {key: rows for key, rows in per_key.items() if flips(rows)}
    for key, rows in found.items():
        print(f"{' '.join(key)} flips: {', '.join(row['verdict'] for row in rows)}", file=sys.stderr)
    if not found:
        print(f"\n{len(keys)} verdicts in {len(runs)} runs: none flips")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
