"""The cells of a run as the page shows them: named, in scenarios, with what derived/ says of each."""

import math
from dataclasses import dataclass
from typing import Any

from poolbench.data.quantities import NBSP, duration
from poolbench.data.run_data import RunData
from poolbench.plots.makespan import add_labels, labels_in_order
from poolbench.plots.style import backends

FEW = 4  # repetitions: with fewer no test can tell two cells apart
FACTORS = ("workers", "backend", "strategy", "parsers", "chunksize", "in_flight")  # that cells of a scenario differ in


@dataclass
class Cell:
    """Numbers that derived/ does not have are None."""

    id: str
    name: str  # "process, 4 workers (cores*2), extra(2)"
    scenario: str
    label: str  # the strategy, with its parsers and chunks
    factors: dict[str, Any]
    repetitions: list[tuple[int, int]]  # (rep, makespan in ns) of those that ended well
    planned: int
    failures: int
    n: int
    median: float | None
    low: float | None
    high: float | None
    coverage: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    best: bool
    tie: bool
    predicted: float | None
    expected: float | None
    residual: float | None  # %
    expected_residual: float | None  # %
    basis: str

    @property
    def spread(self) -> float | None:
        """Width of the median's interval, as a share of the median."""
        if self.median and self.low is not None and self.high is not None:
            return (self.high - self.low) / self.median
        return None

    @property
    def wins(self) -> bool:
        return self.best or self.tie


@dataclass
class Scenario:
    title: str
    cells: list[Cell]
    labels: list[str]  # strategies, in order

    @property
    def ranked(self) -> list[Cell]:
        """Fastest first; what has no median is not among them."""
        return sorted((cell for cell in self.cells if cell.median is not None), key=lambda cell: cell.median or 0)

    @property
    def few(self) -> bool:
        """Whether there are too few repetitions to call anything best."""
        return any(cell.n < FEW for cell in self.ranked)


def scenarios(run: RunData) -> list[Scenario]:
    table = add_labels(run.cells())
    more = run.summary.drop_duplicates("cell_id", keep="last").set_index("cell_id")
    good = run.ok.groupby("cell_id")[["rep", "makespan_ns"]]
    measured = {
        cell: list(zip(group.rep.astype(int), group.makespan_ns.astype(int))) for cell, group in good
    }  # in the order of the rows
    found: dict[str, Scenario] = {}
    labels = labels_in_order(table)
    for row in table.itertuples():
        extra = more.loc[row.cell_id] if row.cell_id in more.index else {}
        cell = Cell(
            id=str(row.cell_id),
            name=name_of(row),
            scenario=str(row.scenario),
            label=str(row.label),
            factors={factor: _plain(getattr(row, factor)) for factor in FACTORS} | {"strategy": str(row.label)},
            repetitions=[(int(rep), int(ns)) for rep, ns in measured.get(row.cell_id, [])],
            planned=int(row.repetitions),
            failures=int(row.failures),
            n=len(measured.get(row.cell_id, [])),
            median=_number(row.median_ns),
            low=_number(row.ci_low_ns),
            high=_number(row.ci_high_ns),
            coverage=_number(extra.get("ci_coverage")),
            ratio=_number(row.ratio),
            ratio_low=_number(extra.get("ratio_low")),
            ratio_high=_number(extra.get("ratio_high")),
            best=row.best == 1,
            tie=row.ties == 1,
            predicted=_number(row.predicted_ns),
            expected=_number(row.expected_ns),
            residual=_number(row.residual_pct),
            expected_residual=_number(row.expected_residual_pct),
            basis=row.basis if isinstance(row.basis, str) else "",
        )
        scenario = found.setdefault(cell.scenario, Scenario(cell.scenario, [], []))
        scenario.cells.append(cell)
    for scenario in found.values():
        scenario.labels = [label for label in labels if any(cell.label == label for cell in scenario.cells)]
    return list(found.values())


def name_of(row: Any) -> str:
    """What tells the cell from the others of its scenario."""
    workers = f"{int(row.workers)}{NBSP}worker{'' if row.workers == 1 else 's'}"
    if str(row.workers_spec) != str(int(row.workers)):
        workers += f" ({row.workers_spec})"
    if row.in_flight:
        workers += f", {int(row.in_flight)}{NBSP}in flight"
    return f"{row.backend}, {workers}" + (f", {row.label}" if row.strategy != "none" else "")


def executors(found: list[Scenario]) -> list[tuple[str, list[int]]]:
    """Each executor with the numbers of workers that it was run with."""
    workers: dict[str, set[int]] = {}
    for scenario in found:
        for cell in scenario.cells:
            workers.setdefault(cell.factors["backend"], set()).add(cell.factors["workers"])
    return [(backend, sorted(workers[backend])) for backend in backends(workers)]


def ratio_text(cell: Cell) -> str:
    """ "1.80× [1.73, 1.92]"; empty without a ratio."""
    if cell.ratio is None:
        return ""
    digits = 2 if (cell.ratio_high or cell.ratio) < 9.995 else 1
    text = f"{cell.ratio:.{digits}f}×"
    if cell.ratio_low is not None and cell.ratio_high is not None:
        text += f"{NBSP}[{cell.ratio_low:.{digits}f},{NBSP}{cell.ratio_high:.{digits}f}]"
    return text


def interval_text(cell: Cell) -> str:
    """ "[101 ms, 105 ms]"; empty without an interval."""
    if cell.low is None or cell.high is None:
        return ""
    return f"[{duration(cell.low)}, {duration(cell.high)}]"


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, str) or math.isnan(value):
        return None
    return float(value)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else int(value)
