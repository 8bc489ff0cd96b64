"""Latency against load: how long clients wait as more of them come.

One panel per work, strategy and number of workers. Filled points are the 99th percentile of the sojourns over all
repetitions, hollow ones the median, with their 95 % intervals; the dashed lines are the exact model's for the same
clients. Where a pool comes near what it can serve both bend upwards: the hockey stick. Pools whose full queue rejects,
or has the caller run a task, are not in it.

    scripts/python -m poolbench.plots.latency DIRECTORY [-o OUTPUT]
"""

import sys
from collections.abc import Iterable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poolbench.data.run_data import Absent, RunData
from poolbench.plots import panels, style
from poolbench.plots.style import Look

PANELS_PER_PAGE = 12
NEVER_TURNED_AWAY = ("none", "block")
PERCENTILES = (("p99", True), ("p50", False))  # and whether its points are filled


def draw(run: RunData) -> list[tuple[str, Figure]]:
    cells = run.arriving_cells()
    cells = cells[cells.when_full.isin(NEVER_TURNED_AWAY) & cells.p99_ns.notna()]
    panel_of = ["work", "strategy", "workers"]
    cells = with_several(cells, panel_of, "offered_per_s")
    if cells.empty:
        raise Absent("latency against load needs derived/latency.csv of one work at two rates of arrivals")
    return latency_pages(
        run,
        cells,
        panel_of,
        "latency",
        "Latency against load",
        "Intended arrival to the end of the callback; up to the right is a system that clients wait for.",
        lambda key: f"{key[0]}\n{key[1]}, {key[2]} workers",
    )


def with_several(cells: pd.DataFrame, panel_of: list[str], axis: str) -> pd.DataFrame:
    """The cells of panels that have several values on the axis."""
    if cells.empty:
        return cells
    return cells[cells.groupby(panel_of)[axis].transform("nunique") > 1]


def latency_pages(
    run: RunData,
    cells: pd.DataFrame,
    panel_of: list[str],
    name: str,
    title: str,
    line: str,
    panel_title: Any,
    axis: str = "offered_per_s",
) -> list[tuple[str, Figure]]:
    """Percentiles over an axis, a panel per value of `panel_of`."""
    looks = style.backends(cells.backend)
    legend = style.backend_handles(cells.backend, line=False)
    legend += [
        style.handle("99th percentile", marker="o"),
        style.handle("median", marker="o", markerfacecolor="white"),
        style.model_handle(),
    ]
    if (cells.deadline_ns > 0).any():
        legend.append(style.handle("deadline", color=style.BLACK, linestyle=":"))

    def draw_one(panel: Axes, key: tuple[Any, ...]) -> None:
        _panel(panel, cells[(cells[panel_of] == list(key)).all(axis=1)], looks, axis)
        lines = [part for text in panel_title(key).split("\n") for part in panels.wrapped(text)]
        panels.set_title(panel, lines, **style.TITLE_ABOVE_GUIDES)

    keys = list(dict.fromkeys(map(tuple, cells[panel_of].values)))
    return panels.pages(name, run.machine, (title, line), keys, PANELS_PER_PAGE, (3.0, 2.7), legend, draw_one)


def predicted(cells: pd.DataFrame, percentile: str) -> pd.Series:
    """Of this machine, whose sleeps end late, where that is known."""
    expected = cells[f"expected_{percentile}_ns"]
    return expected.where(expected.notna(), cells[f"predicted_{percentile}_ns"])


def _panel(panel: Axes, cells: pd.DataFrame, looks: dict[str, Look], axis: str) -> None:
    values = [value for percentile, _ in PERCENTILES for value in _all_values(cells, percentile)]
    deadlines = [deadline for deadline in sorted(set(cells.deadline_ns)) if deadline > 0]
    values += deadlines
    factor, unit = style.unit(values)
    if axis == "workers":
        style.worker_axis(panel, cells.workers, int(cells.cores.iloc[0]))
    else:
        panel.set_xlim(0, 1.08 * cells[axis].max())
        panel.set_xlabel("clients per second, offered")
    style.log_axis(panel.yaxis, [value / factor for value in values])
    panel.set_ylabel(f"sojourn ({unit})")
    for deadline in deadlines:
        panel.axhline(deadline / factor, color=style.BLACK, linestyle=":", linewidth=1)
    for name in (name for name in looks if name in set(cells.backend)):
        _line(panel, cells[cells.backend == name].sort_values(axis), looks[name], axis, factor)


def _all_values(cells: pd.DataFrame, percentile: str) -> Iterable[float]:
    for column in (f"{percentile}_low_ns", f"{percentile}_high_ns"):
        yield from cells[column].dropna()
    yield from predicted(cells, percentile).dropna()


def _line(panel: Axes, cells: pd.DataFrame, look: Look, axis: str, factor: float) -> None:
    for percentile, filled in PERCENTILES:
        y, low, high = (cells[f"{percentile}{end}_ns"] / factor for end in ("", "_low", "_high"))
        points(panel, cells[axis], y, low, high, look, filled)
        line = predicted(cells, percentile) / factor
        panel.plot(cells[axis], line, color=look.colour, linestyle="--", linewidth=1, zorder=2)


def points(panel: Axes, x: pd.Series, y: pd.Series, low: pd.Series, high: pd.Series, look: Look, filled: bool) -> None:
    """Percentiles with their intervals."""
    panel.errorbar(
        x,
        y,
        yerr=[y - low, high - y],
        color=look.colour,
        marker=look.marker,
        markerfacecolor=look.colour if filled else "white",
        linestyle="",
        elinewidth=1,
        capsize=2,
        zorder=3,
    )


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
