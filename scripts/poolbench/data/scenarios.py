"""What was run, whoever ran it: a label per row, and rows with equal labels are comparable."""

from typing import Any

import pandas as pd

from poolbench.data import quantities, schema
from poolbench.data.quantities import NBSP

NO_BREAK_HYPHEN = "\u2011"


def of(rows: pd.DataFrame, summary: pd.DataFrame | None) -> pd.Series:
    """The label of each row: what derived/summary.csv says of its cell."""
    known = {}
    if summary is not None and "scenario" in summary:
        known = dict(zip(summary.cell_id, summary.scenario))
    if set(rows.cell_id) <= set(known):
        return rows.cell_id.map(known)
    return _from_factors(rows)  # made by an earlier version, or for fewer rows


def _from_factors(rows: pd.DataFrame) -> pd.Series:
    # Of a list whose sum is that of as many tasks as its longest, all are as long: not "at most".
    sums = rows.groupby("cell_id").sum_task_ns.transform("median")
    labels = rows.assign(all_equal=sums >= 0.995 * rows.tasks * rows.task_ns).apply(work, axis=1)
    # Explicit cases with equal scales but different lists of durations have equal factors: tell them apart by rank of
    # their total work.
    everything = [column for column in schema.FACTORS if column != "workers_spec"]
    total = (rows.sum_task_ns + rows.callback_sum_ns).groupby(rows.cell_id).transform("median")
    cells = rows.assign(total=total).drop_duplicates("cell_id")
    rank = cells.groupby(everything, dropna=False).total.rank(method="first")
    many = cells.groupby(everything, dropna=False).cell_id.transform("size") > 1
    suffix = {cell: f", case {int(number)}" for cell, number, several in zip(cells.cell_id, rank, many) if several}
    return labels + rows.cell_id.map(lambda cell: suffix.get(cell, ""))


def work(row: Any, counted: bool = True) -> str:
    """What is done, whoever does it and whenever it comes; not `counted`, however often, too."""
    if row.inputs:
        over = f"{row.tasks}{NBSP}tasks over {row.inputs}" if counted else f"tasks over {row.inputs}"
        parsed = f", then {row.callback_workload}" if row.callback_workload else f" +{NBSP}callback"
        return f"{row.workload}: {over}{parsed if row.strategy != 'none' else ''}"
    listed = row.distribution == "explicit"
    bound = f"≤{NBSP}" if listed and not getattr(row, "all_equal", False) else ""
    count = f"{row.tasks}{NBSP}×{NBSP}" if counted else f"tasks of{NBSP}"
    tasks = f"{count}{bound}{quantities.duration(row.task_ns)}"
    if row.distribution not in ("equal", "explicit"):
        tasks += f" {row.distribution.replace('_', NO_BREAK_HYPHEN)}"
    if row.callback_ns:
        tasks += f" + {bound}{quantities.duration(row.callback_ns)}{NBSP}callback"
    elif row.strategy != "none":
        tasks += f" +{NBSP}callback"
    if row.payload_bytes:
        tasks += f", {quantities.size(row.payload_bytes)}"
    return f"{row.workload}: {tasks}"
