"""Process pool against thread pool: the ratio of their medians, workload by workload.

Left of the line the process pool is faster, right of it the thread pool. Each ratio is that of the same workload,
strategy and number of workers. The whisker spans what the two 95 % intervals allow: from lowest over highest to highest
over lowest.

    scripts/python -m poolbench.plots.ratio DIRECTORY [-o OUTPUT]
"""

import sys
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from poolbench.data.run_data import Absent, RunData
from poolbench.plots import style
from poolbench.plots.makespan import add_labels

ROWS_PER_PAGE = 36


def draw(run: RunData) -> list[tuple[str, Figure]]:
    if run.summary.empty:
        raise Absent("the process/thread ratio needs the medians of derived/summary.csv")
    cells = add_labels(run.cells())
    key = ["scenario", "label", "workers"]
    thread = cells[cells.backend == "thread"].set_index(key)
    process = cells[cells.backend == "process"].set_index(key)
    pairs = [
        (name, thread.loc[[name]].iloc[0], process.loc[[name]].iloc[0])
        for name in dict.fromkeys(thread.index)
        if name in process.index
    ]
    if not pairs:
        raise Absent("the process/thread ratio needs a cell run by both pools with as many workers")
    pairs.sort(key=lambda pair: (pair[0][0], pair[1].label_order, pair[0][2]))

    ratios = [
        value
        for _, t, p in pairs
        for value in (p.median_ns / t.median_ns, p.ci_low_ns / t.ci_high_ns, p.ci_high_ns / t.ci_low_ns)
        if value == value
    ]
    low, high = min(ratios + [0.8]) / 1.15, max(ratios + [1.25]) * 1.15
    figures = []
    for suffix, some in style.pages(pairs, ROWS_PER_PAGE):
        legend = [
            style.handle("process pool faster", marker="s", color=style.BACKENDS["process"].colour),
            style.handle("thread pool faster", marker="o", color=style.BACKENDS["thread"].colour),
            style.handle("the intervals allow both", marker="d", color=style.GREY, markerfacecolor="white"),
        ]
        failures = any(t.failures or p.failures for _, t, p in some)
        if failures:
            legend.append(style.failed_handle())
        page = style.Page(
            run.machine,
            "Process pool over thread pool",
            "Ratio of the median makespans, same workload, strategy and workers; below 1 the process pool is "
            "faster. Whiskers: what both 95 % intervals allow.",
            (9.5, 0.5 + 0.235 * len(some)),
            1,
            1,
            legend,
        )
        _rows(page.panels()[0], some, low, high)
        figures.append((f"ratio{suffix}", page.figure))
    return figures


def _rows(panel: Axes, pairs: list[tuple[Any, Any, Any]], low: float, high: float) -> None:
    panel.set_xscale("log", base=2)
    panel.set_xlim(low, high)
    ticks = [
        tick
        for tick in (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 4, 8, 16, 32, 64)
        if low < tick < high
        and (high / low < 4 or tick in (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32, 64))
    ]
    panel.xaxis.set_major_locator(FixedLocator(ticks))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}×"))
    panel.set_xlabel("makespan of the process pool / makespan of the thread pool")
    panel.axvline(1, color=style.BLACK, linewidth=0.8)

    labels = []
    for row, ((scenario, label, workers), thread, process) in enumerate(pairs):
        name = f"{label}, {workers} worker{'s' if workers > 1 else ''}"
        labels.append(name)
        ratio = process.median_ns / thread.median_ns
        lowest, highest = process.ci_low_ns / thread.ci_high_ns, process.ci_high_ns / thread.ci_low_ns
        look = ("d", style.GREY, "white")
        if highest < 1:
            look = ("s", style.BACKENDS["process"].colour, style.BACKENDS["process"].colour)
        elif lowest > 1:
            look = ("o", style.BACKENDS["thread"].colour, style.BACKENDS["thread"].colour)
        panel.plot([lowest, highest], [row, row], color=look[1], linewidth=1.2, zorder=2)
        panel.plot([ratio], [row], look[0], color=look[1], markerfacecolor=look[2], markersize=6, zorder=3)
        failures = [
            f"{backend} {int(cell.failures)}/{int(cell.repetitions)}"
            for backend, cell in (("thread", thread), ("process", process))
            if cell.failures
        ]
        if failures:
            panel.plot(
                [0.99],
                [row],
                transform=panel.get_yaxis_transform(),
                color="white",
                linestyle="",
                clip_on=False,
                **style.FAILED,
            )
            panel.annotate(
                f"failed: {', '.join(failures)}",
                (0.975, row),
                xycoords=panel.get_yaxis_transform(),
                fontsize=7,
                ha="right",
                va="center",
                bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"},
            )
    panel.set_yticks(range(len(labels)), labels)
    panel.set_ylim(len(labels) - 0.4, -0.6)
    panel.tick_params(axis="y", length=0)
    style.name_groups(panel, [scenario for (scenario, _, _), *_ in pairs], 112)


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
