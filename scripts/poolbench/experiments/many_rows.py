"""Writes a run directory of many rows: how long does reading one take, and how much memory?

    scripts/python -m poolbench.experiments.many_rows results/default /tmp/many --rows 1000000
    /usr/bin/time -v poolbench show /tmp/many

The measured rows of a real run are repeated with numbers of their own and makespans that scatter by up to --scatter
percent, until there are --rows of them; everything else of the directory is copied. The same arguments give the same
directory.
"""

import argparse
import csv
import random
import shutil
import sys
from pathlib import Path


def write(source: Path, destination: Path, count: int, scatter: float, seed: int) -> None:
    generator = random.Random(seed)
    shutil.copytree(source, destination, ignore=shutil.ignore_patterns("results.csv", "plots", "tasks"))
    with open(source / "results.csv", newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or ()
        rows = [row for row in reader if row["is_warmup"] == "0"]
    runs: dict[str, int] = {}  # repetitions written so far, by cell
    with open(destination / "results.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for index in range(count):
            row = dict(rows[index % len(rows)])
            row["rep"] = runs[row["cell_id"]] = runs.get(row["cell_id"], -1) + 1
            row["run_order"] = index
            row["makespan_ns"] = round(int(row["makespan_ns"]) * (1 + generator.uniform(-scatter, scatter) / 100))
            writer.writerow(row)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the directory of a run")
    parser.add_argument("destination", type=Path, help="a directory that does not exist")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--scatter", type=float, default=2, help="percent")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    write(options.source, options.destination, options.rows, options.scatter, options.seed)


if __name__ == "__main__":
    main(sys.argv[1:])
