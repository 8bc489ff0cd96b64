"""Who should run the callback: the strategies side by side, the number of parsers on the x axis.

A panel per workload and number of workers. Left of the grey line the strategies that have no parsers, right of it
`extra` with 1, 2, 4, ... parser processes. Every repetition is a dot, the bar is the median, the dashed bar the exact
model.

    scripts/python -m poolbench.plots.callbacks DIRECTORY [-o OUTPUT]
"""

import sys
import textwrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poolbench.data.run_data import Absent, RunData
from poolbench.plots import style
from poolbench.plots.makespan import add_labels
from poolbench.plots.style import Look

PANELS_PER_PAGE = 8


def draw(run: RunData) -> list[tuple[str, Figure]]:
    cells = add_labels(run.cells())
    cells = cells[cells.strategy != "none"]
    groups = [
        (scenario, workers, some)
        for (scenario, workers), some in cells.groupby(["scenario", "workers"])
        if some.label.nunique() > 1
    ]
    if not groups:
        raise Absent("the comparison of callback strategies needs a workload run with several of them")

    figures = []
    for suffix, some in style.pages(groups, PANELS_PER_PAGE):
        legend = style.backend_handles(cells.backend, line=False) + [
            style.handle("median", linestyle="-", color=style.BLACK, linewidth=2.2),
            style.model_handle(),
        ]
        if cells.failures.any():
            legend.append(style.failed_handle())
        columns = 1 if len(some) == 1 else 2
        page = style.Page(
            run.machine,
            "Callback strategies compared",
            "Makespan with its callbacks, by who runs them; every repetition is a dot, lower is better.",
            (max(4.6 if columns == 2 else 6.5, 0.55 + 0.36 * max(group.label.nunique() for *_, group in some)), 2.7),
            -(-len(some) // columns),
            columns,
            legend,
        )
        panels = page.panels()
        for panel, (scenario, workers, group) in zip(panels, some):
            _panel(panel, run, group, style.backends(run.rows.backend))
            panel.set_title(
                "\n".join(textwrap.wrap(f"{scenario}; {workers} worker{'s' if workers > 1 else ''}", 62)), loc="left"
            )
        for panel in panels[len(some) :]:
            page.leave_out(panel)
        figures.append((f"callbacks{suffix}", page.figure))
    return figures


def _panel(panel: Axes, run: RunData, cells: pd.DataFrame, looks: dict[str, Look]) -> None:
    order = list(cells.sort_values("label_order").drop_duplicates("label").itertuples())
    others = [cell.label for cell in order if cell.strategy != "extra"]
    extra = [cell for cell in order if cell.strategy == "extra"]
    places = {label: x for x, label in enumerate(others)}
    gap = 0.4 if others and extra else 0
    places.update({cell.label: len(others) + gap + x for x, cell in enumerate(extra)})

    dots = run.ok[run.ok.cell_id.isin(cells.cell_id)]
    values = [*dots.makespan_ns, *cells.predicted_ns.dropna()]
    factor, unit = style.unit(values)
    top = max(values, default=factor) / factor
    width = 0.8 / cells.backend.nunique()
    for label in places:
        present = [name for name in looks if name in set(cells[cells.label == label].backend)]
        for index, name in enumerate(present):
            x = places[label] + (index - (len(present) - 1) / 2) * width
            for cell in cells[(cells.label == label) & (cells.backend == name)].itertuples():
                _cell(
                    panel,
                    x,
                    width,
                    cell,
                    dots[dots.cell_id == cell.cell_id].makespan_ns / factor,
                    factor,
                    looks[name],
                    index,
                )
    panel.set_ylim(0, 1.18 * top if not cells.failures.any() else 1.35 * top)
    panel.set_ylabel(f"makespan ({unit})")
    panel.set_xticks(list(places.values()), others + [f"{int(cell.parsers)}" for cell in extra])
    for tick, label in zip(panel.get_xticklabels(), others + [None] * len(extra)):
        if label and len(others) > 3:
            tick.set(rotation=35, ha="right", rotation_mode="anchor")
    panel.set_xlim(-0.6, max(places.values(), default=0) + 0.6)
    panel.grid(axis="x", visible=False)
    if extra:
        panel.axvspan(len(others) + gap - 0.55, max(places.values()) + 0.6, color="#f3f3f3", zorder=0)
        middle = (places[extra[0].label] + places[extra[-1].label]) / 2
        panel.annotate(
            "extra,\nby parsers",
            (middle, 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -16),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
        )
    panel.set_xlabel("strategy")


def _cell(
    panel: Axes, x: float, width: float, cell: Any, times: pd.Series, factor: float, look: Look, index: int
) -> None:
    panel.plot([x] * len(times), times, look.marker, color=look.colour, alpha=0.45, markeredgewidth=0, zorder=3)
    panel.plot(
        (x - 0.38 * width, x + 0.38 * width), [cell.median_ns / factor] * 2, color=look.colour, linewidth=2.2, zorder=4
    )
    panel.plot(
        (x - 0.48 * width, x + 0.48 * width),
        [cell.predicted_ns / factor] * 2,
        color=style.BLACK,
        linestyle=(0, (2, 1)),
        linewidth=1.1,
        zorder=5,
    )
    if cell.failures:
        style.mark_failed(panel, x, cell, look, 0.93 - 0.12 * index)


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
