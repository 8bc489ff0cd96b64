"""Makespan against pool size: a row per workload, a column per strategy, a line per executor.

Every repetition is a dot, the line goes through the medians, the dashed line is the exact model. Both axes are
logarithmic (workers to base 2); grey guides stand at cores and cores*5. A cross at the top marks failed repetitions.

    scripts/python -m poolbench.plots.makespan DIRECTORY [-o OUTPUT]
"""

import sys
import textwrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poolbench.data.run_data import RunData
from poolbench.plots import style
from poolbench.plots.style import Page

ROWS_PER_PAGE = 6
PANELS_PER_PAGE = 20


def strategy_label(cell: Any, cells: pd.DataFrame) -> str:
    """The strategy, with its parsers and chunk size where they vary or matter."""
    label = str(cell.strategy)
    if cell.strategy == "extra":
        label += f"({int(cell.parsers)})"
    if cell.strategy == "map" and (cells[cells.strategy == "map"].chunksize.nunique() > 1 or cell.chunksize > 1):
        label += f"({int(cell.chunksize)})"
    return label


def add_labels(cells: pd.DataFrame) -> pd.DataFrame:
    cells = cells.copy()
    cells["label"] = [strategy_label(cell, cells) for cell in cells.itertuples()]
    cells["label_order"] = [
        (style.strategy_order(cell.strategy), cell.parsers, cell.chunksize) for cell in cells.itertuples()
    ]
    return cells


def labels_in_order(cells: pd.DataFrame) -> list[str]:
    return list(cells.drop_duplicates("label").sort_values("label_order").label)


def draw(run: RunData) -> list[tuple[str, Figure]]:
    cells = _with_several_sizes(add_labels(run.cells()))
    scenarios = list(dict.fromkeys(cells.scenario))
    labels = labels_in_order(cells)
    panels = cells.groupby(["scenario", "label"], sort=False).ngroups

    figures = []
    if len(labels) > 1 and panels >= 0.6 * len(scenarios) * len(labels):
        for suffix, rows in style.pages(scenarios, ROWS_PER_PAGE):
            page = _page(run, cells, (min(3.4, max(1.75, 12 / len(labels))), 2.3), len(rows), len(labels))
            _grid(page, run, cells, rows, labels)
            figures.append((f"makespan{suffix}", page.figure))
        return figures

    # Few workloads have more than one strategy: a full grid would be mostly empty, so the panels follow one another.
    order = [
        (scenario, label)
        for scenario in scenarios
        for label in labels
        if not cells[(cells.scenario == scenario) & (cells.label == label)].empty
    ]
    for suffix, some in style.pages(order, PANELS_PER_PAGE):
        columns = min(3 if len(some) in (5, 6, 9) else 4, len(some))
        page = _page(run, cells, (2.9, 2.35), -(-len(some) // columns), columns)
        panels = page.panels()
        for panel, (scenario, label) in zip(panels, some):
            _panel(
                panel,
                run,
                cells[(cells.scenario == scenario) & (cells.label == label)],
                cells,
                cells[cells.scenario == scenario],
                first=True,
            )
            panel.set_title(
                "\n".join(textwrap.wrap(scenario, 44)) + f"\nstrategy {label}", fontsize=7.5, **style.TITLE_ABOVE_GUIDES
            )
        for panel in panels[len(some) :]:
            page.leave_out(panel)
        figures.append((f"makespan{suffix}", page.figure))
    return figures


def _with_several_sizes(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of strategies that were run with several pool sizes; of a run that has none, all."""
    several = cells.groupby(["scenario", "label"]).workers.transform("nunique") > 1
    kept = cells[several] if several.any() else cells
    kept.attrs["left_out"] = len(cells) - len(kept)
    return kept


def _grid(page: Page, run: RunData, cells: pd.DataFrame, scenarios: list[str], labels: list[str]) -> None:
    """Workloads down, strategies across; the outermost panels that there are carry the names."""
    named: set[str] = set()
    for row, scenario in enumerate(scenarios):
        for column, label in enumerate(labels):
            panel = page.axes[row][column]
            some = cells[(cells.scenario == scenario) & (cells.label == label)]
            if some.empty:
                page.leave_out(panel)
                continue
            _panel(panel, run, some, cells, cells[cells.scenario == scenario], first=scenario not in named)
            if scenario not in named:
                panel.set_ylabel("\n".join(textwrap.wrap(scenario, 30)) + f"\n{panel.get_ylabel()}")
            if label not in named:
                panel.set_title(label, fontweight="bold", **style.TITLE_ABOVE_GUIDES)
            named.update((scenario, label))


def _page(run: RunData, cells: pd.DataFrame, panel: tuple[float, float], rows: int, columns: int) -> Page:
    legend = style.backend_handles(cells.backend) + [style.repetition_handle(), style.model_handle()]
    if cells.failures.any():
        legend.append(style.failed_handle())
    return style.Page(
        run.machine,
        "Makespan against pool size",
        "First submit to the end of the last task or callback. Lines go through the medians; lower is better."
        + (
            " Strategies run with one pool size only are in the pictures callbacks and decision."
            if cells.attrs["left_out"]
            else ""
        ),
        panel,
        rows,
        columns,
        legend,
    )


def _panel(panel: Axes, run: RunData, some: pd.DataFrame, every: pd.DataFrame, row: pd.DataFrame, first: bool) -> None:
    """One workload and strategy. The time axis is that of its whole row, so that strategies can be compared."""
    looks = style.backends(every.backend)
    row_times = run.ok[run.ok.cell_id.isin(row.cell_id)].makespan_ns
    factor, unit = style.unit(list(row_times) + list(row.predicted_ns.dropna()))
    style.log_axis(
        panel.yaxis,
        [value / factor for value in list(row_times) + list(row.predicted_ns.dropna())],
        headroom=3 if row.failures.any() else 1.6,
    )
    style.worker_axis(panel, some.workers, int(some.cores.iloc[0]))
    if row_times.empty and row.predicted_ns.isna().all():
        panel.set_ylabel("makespan")
        panel.text(0.5, 0.4, "no repetition succeeded", transform=panel.transAxes, ha="center", color=style.GREY)
        panel.set_yticks([])
    elif first:
        panel.set_ylabel(f"makespan ({unit})")
    else:
        panel.tick_params(labelleft=False)

    present = [name for name in looks if name in set(some.backend)]
    for index, name in enumerate(present):
        look = looks[name]
        shift = style.dodge(index, len(present), 0.05)
        line = some[some.backend == name].sort_values("workers")
        dots = run.ok[run.ok.cell_id.isin(line.cell_id)]
        panel.plot(
            dots.workers * shift,
            dots.makespan_ns / factor,
            look.marker,
            color=look.colour,
            alpha=0.45,
            markeredgewidth=0,
            zorder=3,
        )
        panel.plot(line.workers * shift, line.median_ns / factor, color=look.colour, linestyle=look.line, zorder=4)
        lone = line[line.median_ns.notna()]
        if len(lone) == 1:  # a line through one point shows nothing
            panel.plot(lone.workers * shift, lone.median_ns / factor, "_", color=look.colour, markersize=14, zorder=4)
        modelled = line[line.predicted_ns.notna()]
        panel.plot(
            modelled.workers * shift,
            modelled.predicted_ns / factor,
            color=style.BLACK,
            linestyle="--",
            linewidth=1,
            marker="_" if len(modelled) == 1 else None,
            markersize=20,
            zorder=5,
        )
        for cell in line[line.failures > 0].itertuples():
            style.mark_failed(panel, cell.workers * shift, cell, look, 0.93 - 0.12 * index)


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
