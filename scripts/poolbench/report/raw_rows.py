"""Every row of results.csv as it stands there, warm-ups and rows of other builds included: text, not numbers."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from poolbench.data import text_files
from poolbench.data.run_data import UnreadableRun

MOST_ROWS = 20_000  # in a page: what a browser still shows without delay


@dataclass
class RawRows:
    """`columns` as in the file; those of `constant` have one value in all rows, `varying` are the rest, as shown."""

    columns: list[str]
    constant: dict[str, str]
    varying: list[str]
    groups: list[tuple[str, list[dict[str, str]]]]  # a cell's id, its rows in the file's order
    left_out: int

    @property
    def count(self) -> int:
        return sum(len(rows) for _, rows in self.groups)


KEPT = ("cell_id", "rep", "is_warmup", "status", "makespan_ns", "error")  # come first, even if they are all the same


def read(directory: Path, cells: list[str], most: int = MOST_ROWS) -> RawRows:
    """The rows by cell: first those of `cells`, in that order. Raises UnreadableRun."""
    path = directory / "results.csv"
    try:
        text = text_files.read(path)
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableRun(f"{path}: {error}") from error
    text = text[: text.rfind("\n") + 1]  # a torn last line is no row
    records = list(csv.reader(io.StringIO(text, newline="")))
    columns = records[0]
    rows = [dict(zip(columns, record)) for record in records[1:] if len(record) == len(columns)]
    left_out = max(0, len(rows) - most)
    rows = rows[:most]
    constant = {
        column: rows[0][column]
        for column in columns
        if column not in KEPT and all(row[column] == rows[0][column] for row in rows)
    }
    by_cell: dict[str, list[dict[str, str]]] = {cell: [] for cell in cells}
    for row in rows:
        by_cell.setdefault(row["cell_id"], []).append(row)
    return RawRows(
        columns,
        constant,
        [*KEPT, *(column for column in columns if column not in constant and column not in KEPT)],
        [(cell, group) for cell, group in by_cell.items() if group],
        left_out,
    )
