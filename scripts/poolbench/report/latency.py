"""How long clients were there, where tasks arrived: the percentiles of derived/latency.csv as the page shows them."""

import math
from dataclasses import dataclass
from typing import Any

from poolbench.data.quantities import NBSP, duration
from poolbench.data.run_data import RunData
from poolbench.plots.makespan import add_labels
from poolbench.report.cells import name_of

PERCENTILES = ("p50", "p95", "p99", "p999")


@dataclass
class Row:
    id: str
    work: str
    name: str  # "thread, 4 workers, main; poisson:300/s, queue of 5: reject"
    clients: int
    rejected: int
    late: str  # how many were served after the deadline; empty without one
    offered: float  # 1/s
    completed: float  # 1/s
    percentiles: list[str]  # "12 ms [11 ms, 14 ms]", of PERCENTILES; empty without one
    longest: str
    predicted: str  # the model's 99th percentile of the same clients
    finding: str


def rows(run: RunData) -> list[Row]:
    table = run.arriving_cells()
    if table.empty:
        return []
    return [_row(row) for row in add_labels(table).itertuples()]


def _row(row: Any) -> Row:
    name = f"{name_of(row)}; {row.arrivals_spec}"
    if row.queue:
        name += f", queue of {int(row.queue)}: {row.when_full}"
    if row.deadline_ns:
        name += f", deadline {duration(float(row.deadline_ns))}"
    return Row(
        str(row.cell_id),
        str(row.work),
        name,
        int(row.clients),
        int(row.rejected),
        "" if not row.deadline_ns or math.isnan(row.late_by_deadline) else str(int(row.late_by_deadline)),
        float(row.offered_per_s),
        float(row.completed_per_s),
        [_percentile(row, each) for each in PERCENTILES],
        _duration(row.max_ns),
        _duration(row.predicted_p99_ns),
        row.finding if isinstance(row.finding, str) else "",
    )


def _percentile(row: Any, name: str) -> str:
    value = _duration(getattr(row, f"{name}_ns"))
    low, high = (_duration(getattr(row, f"{name}_{end}_ns")) for end in ("low", "high"))
    return f"{value} [{low},{NBSP}{high}]" if value and low and high else value


def _duration(value: Any) -> str:
    return "" if value is None or isinstance(value, str) or math.isnan(value) else duration(float(value))
