"""Several runs together: two side by side, of more each cell over time."""

from dataclasses import dataclass
from typing import Any

from poolbench.data.quantities import duration
from poolbench.report import pictures
from poolbench.report.cells import Cell, Scenario
from poolbench.report.pictures import Picture

MOST_LINES = 12  # in one picture


@dataclass
class Step:
    """A cell in one of the runs, and what `compare` says against the run before."""

    run: int
    cell: Cell | None
    verdict: str  # empty where it was not compared
    ratio: str


@dataclass
class History:
    scenario: str
    cells: list[tuple[str, list[Step]]]  # a cell's name, a step per run
    pictures: list[Picture]


def histories(runs: list[list[Scenario]], names: list[str], comparisons: list[dict[str, Any]]) -> list[History]:
    """By cell_id: a hash of all that a cell does."""
    of_run = [{cell.id: cell for scenario in found for cell in scenario.cells} for found in runs]
    verdicts = [{cell["cell_id"]: cell for cell in comparison.get("cells", [])} for comparison in comparisons]
    by_scenario: dict[str, dict[str, str]] = {}
    for cells in of_run:
        for cell in cells.values():
            by_scenario.setdefault(cell.scenario, {}).setdefault(cell.id, cell.name)
    found = []
    for number, (scenario, named) in enumerate(by_scenario.items()):
        lines = [
            (name, [_step(run, cells.get(cell), verdicts) for run, cells in enumerate(of_run)])
            for cell, name in named.items()
        ]
        drawn = [
            pictures.over_time(
                names,
                [(name, [step.cell.median if step.cell else None for step in steps]) for name, steps in some],
                f"t{number}-{start}",
                scenario,
            )
            for start, some in (
                (start, lines[start : start + MOST_LINES]) for start in range(0, len(lines), MOST_LINES)
            )
        ]
        found.append(History(scenario, lines, drawn))
    return found


def _step(run: int, cell: Cell | None, verdicts: list[dict[str, Any]]) -> Step:
    compared = verdicts[run - 1].get(cell.id) if cell is not None and run > 0 else None
    if compared is None:
        return Step(run, cell, "", "")
    return Step(run, cell, compared["verdict"], compared_ratio(compared))


def compared_ratio(compared: dict[str, Any]) -> str:
    return f"{compared['ratio']:.2f}× [{compared['ratio_low']:.2f}, {compared['ratio_high']:.2f}]"


@dataclass
class Compared:
    """A line of two runs side by side."""

    verdict: str
    ratio: str
    p: str
    a: str
    b: str
    cell: str  # its id
    name: str
    scenario: str
    in_a: bool  # under the same id


def side_by_side(runs: list[list[Scenario]], comparison: dict[str, Any]) -> list[Compared]:
    """The largest change first, as `compare` has it."""
    a, b = ({cell.id: cell for scenario in found for cell in scenario.cells} for found in runs)
    lines = []
    for compared in comparison.get("cells", []):
        cell = b.get(compared["cell_id"])
        lines.append(
            Compared(
                compared["verdict"],
                compared_ratio(compared),
                f"{compared['p_holm']:.2g}",
                duration(compared["a_median_ns"]),
                duration(compared["b_median_ns"]),
                compared["cell_id"],
                cell.name if cell else compared["backend"],
                cell.scenario if cell else compared["workload"],
                compared["cell_id"] in a,
            )
        )
    return lines
