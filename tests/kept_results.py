#!/usr/bin/env python3
"""Checks that what is kept in results/ is small: figures, and of the pictures those that a page shows.

    kept_results.py ROOT

The files of results/ that git tracks (outside of a clone: all of them) have at most 4 MiB together; one report, of at
most 2 MiB, is kept besides. Each picture among them is shown by a page of the tree. `scripts/python scripts/plot.py
results/NAME` draws all of a directory's pictures again; git ignores them.

Exit code: 0 if that is so, 1 with a line for each place where it is not, 2 if ROOT has no results.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import documents

MOST_BYTES = 4 << 20
REPORT, MOST_REPORT_BYTES = Path("results/default/report.html"), 2 << 20
PICTURES = (".png", ".svg")


def kept(root: Path) -> list[Path]:
    """The files of results/."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "results"], capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        paths = [root / name for name in listed.stdout.split("\0") if name]
    else:
        paths = sorted((root / "results").rglob("*"))
    return [path for path in paths if path.is_file()]


def shown(root: Path) -> Iterator[Path]:
    """What the pages of the tree link to."""
    for page in documents.documents(root):
        for _, link in documents.links(page.read_text(encoding="utf-8")):
            if target := documents.target_of(root, page, link):
                yield target[0].resolve()


def problems(root: Path) -> Iterator[str]:
    files = kept(root)
    reports = [path for path in files if path.suffix == ".html"]
    for path in reports:
        if (name := path.relative_to(root)) != REPORT:
            yield f"{name}: `poolbench report` makes it again; {REPORT} is the one that is kept"
        elif (size := path.stat().st_size) > MOST_REPORT_BYTES:
            yield f"{name}: {size:,} bytes; at most {MOST_REPORT_BYTES:,}"
    files = [path for path in files if path not in reports]
    if (size := sum(path.stat().st_size for path in files)) > MOST_BYTES:
        largest = max(files, key=lambda path: path.stat().st_size)
        yield f"results: {size:,} bytes; at most {MOST_BYTES:,}: the largest file is {largest.relative_to(root)}"
    linked = set(shown(root))
    for path in files:
        if path.suffix in PICTURES and path.resolve() not in linked:
            yield f"{path.relative_to(root)}: no page shows this picture, and scripts/plot.py draws it again"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, metavar="ROOT")
    root = parser.parse_args(argv).root.resolve()
    if not kept(root):
        parser.error(f"{root} holds no results")
    found = list(problems(root))
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
