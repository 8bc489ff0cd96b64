"""Which executor, how many workers, which strategy: the slow-down of every choice against the best for its workload.

A row per workload and strategy, a column per executor and number of workers; 1.00× is the fastest median of the
workload; the others are derived/summary.csv's ratio, an estimate over all pairs of repetitions, which can differ from
that of the medians. A black frame marks the best and all that tie with it statistically; a struck-out field failed; an
empty one was not run. Workloads of one cell, where nothing is to be decided, are left out as long as there are others;
where the choice matters most comes first.

    scripts/python -m poolbench.plots.decision DIRECTORY [-o OUTPUT]
"""

import sys
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from poolbench.data.quantities import duration
from poolbench.data.run_data import Absent, RunData
from poolbench.plots import style
from poolbench.plots.makespan import add_labels, labels_in_order
from poolbench.plots.style import Page

ROWS_PER_PAGE = 28
COLUMNS_PER_PAGE = 16
MINIMUM_FOR_SCALE = 5  # rows: below that the scale has no room, and the numbers are in the fields
ENOUGH = 4  # repetitions: with fewer nothing is called best or a tie
WORST = 20  # slow-downs beyond it share the darkest colour


def draw(run: RunData) -> list[tuple[str, Figure]]:
    if run.summary.empty:
        raise Absent("the decision map needs derived/summary.csv")
    cells = add_labels(run.cells())
    several = cells.groupby("scenario").cell_id.transform("size") > 1
    cells = cells[several] if several.any() else cells
    columns = sorted(
        set(zip(cells.backend, cells.workers)),
        key=lambda column: (list(style.backends(cells.backend)).index(column[0]), column[1]),
    )
    worst = cells.groupby("scenario", sort=False).ratio.max().sort_values(ascending=False, kind="stable")
    rows = [
        (scenario, label)
        for scenario in worst.index
        for label in labels_in_order(cells)
        if not cells[(cells.scenario == scenario) & (cells.label == label)].empty
    ]

    figures = []
    parts = [
        (some, columns[start : start + COLUMNS_PER_PAGE])
        for start in range(0, len(columns), COLUMNS_PER_PAGE)
        for _, some in style.pages(rows, ROWS_PER_PAGE)
    ]
    for suffix, [(some, across)] in style.pages(parts, 1):
        legend = [
            Patch(
                facecolor="white",
                edgecolor=style.BLACK,
                linewidth=2,
                label="best of its workload, and ties with it (from 4 repetitions on)",
            )
        ]
        if cells.failures.any():
            legend.append(Patch(facecolor="white", edgecolor=style.BLACK, hatch="xxxx", linewidth=0.5, label="failed"))
        width = 2.9 + 0.72 * len(across)
        page = style.Page(
            run.machine,
            "Which pool, how many workers, which strategy",
            "Makespan over that of the best for the workload, estimated over all pairs of their repetitions as in the "
            "verdict; "
            "light is fast. Below it the median itself.",
            (max(width, 6.5), 0.75 + 0.4 * len(some)),
            1,
            1,
            legend,
        )
        _map(page, page.panels()[0], cells, some, across)
        figures.append((f"decision{suffix}", page.figure))
    return figures


def _map(
    page: Page, panel: Axes, cells: pd.DataFrame, rows: list[tuple[str, str]], columns: list[tuple[str, int]]
) -> None:
    colours = matplotlib.colormaps["cividis_r"]
    norm = LogNorm(1, WORST)
    field = {(cell.scenario, cell.label, cell.backend, cell.workers): cell for cell in cells.itertuples()}
    panel.grid(visible=False)
    frames: list[Rectangle] = []
    for y, (scenario, label) in enumerate(rows):
        for x, column in enumerate(columns):
            cell = field.get((scenario, label, *column))
            if cell is not None:
                _field(panel, x, y, cell, colours, norm, frames)
    for frame in frames:  # above every neighbour
        panel.add_patch(frame)

    panel.set_xlim(-0.5, len(columns) - 0.5)
    panel.set_ylim(len(rows) - 0.5, -0.5)
    panel.set_xticks(range(len(columns)), [str(workers) for _, workers in columns])
    panel.set_xlabel("workers")
    panel.set_yticks(range(len(rows)), [label for _, label in rows])
    panel.tick_params(length=0)
    for spine in panel.spines.values():
        spine.set_visible(False)

    # Executors above their columns, workloads left of their rows.
    for backend in dict.fromkeys(backend for backend, _ in columns):
        places = [x for x, column in enumerate(columns) if column[0] == backend]
        fits = len(backend) < 8 * len(places)
        panel.annotate(
            backend,
            (places[0] - 0.5, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3 if fits else 14, 4),
            textcoords="offset points",
            fontweight="bold",
            rotation=0 if fits else 60,
            rotation_mode="anchor",
        )
        if places[0] > 0:
            panel.axvline(places[0] - 0.5, color=style.BLACK, linewidth=0.8)
    style.name_groups(panel, [scenario for scenario, _ in rows], 66)

    if len(rows) < MINIMUM_FOR_SCALE:
        return
    bar = page.figure.colorbar(
        matplotlib.cm.ScalarMappable(norm, colours), ax=panel, pad=0.015, aspect=30, fraction=0.05
    )
    bar.set_label("slow-down against the best (×)")
    bar.ax.yaxis.set_major_locator(FixedLocator([1, 1.5, 2, 3, 5, 10, 20]))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" + ("+" if value == WORST else "")))


def _field(panel: Axes, x: int, y: int, cell: Any, colours: Any, norm: Any, frames: list[Rectangle]) -> None:
    if not cell.ratio == cell.ratio:  # no median: nothing of the cell succeeded
        failed = cell.failures == cell.repetitions
        panel.add_patch(
            Rectangle(
                (x - 0.5, y - 0.5),
                1,
                1,
                facecolor="white",
                edgecolor=style.GREY,
                linewidth=0.3,
                hatch="xxxx" if failed else None,
            )
        )
        panel.text(
            x,
            y,
            "failed" if failed else "no median",
            ha="center",
            va="center",
            fontsize=7.5,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
        )
        return
    colour = colours(norm(min(cell.ratio, WORST)))
    panel.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.8))
    dark = 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2] < 0.5
    # Of all pairs of repetitions the other may be the faster one although its median is not the lowest.
    text = "≤ 1×" if cell.ratio < 1 else f"{cell.ratio:.2f}×" if cell.ratio < 10 else f"{cell.ratio:.3g}×"
    small = duration(cell.median_ns) if not cell.failures else f"{int(cell.failures)}/{int(cell.repetitions)} failed"
    enough = cell.n >= ENOUGH
    best = cell.best == 1 and enough
    panel.text(
        x,
        y - 0.13,
        text,
        ha="center",
        va="center",
        color="white" if dark else style.BLACK,
        fontweight="bold" if best else "normal",
    )
    panel.text(
        x,
        y + 0.25,
        small,
        ha="center",
        va="center",
        fontsize=6.5,
        color="white" if dark else style.BLACK,
        fontstyle="italic" if cell.failures else "normal",
    )
    if best or (cell.tied and enough):
        frames.append(Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, fill=False, edgecolor=style.BLACK, linewidth=2))


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
