"""Speed-up and efficiency against pool size: each executor against itself with one worker.

Speed-up is median(1 worker) / median(k workers); efficiency is speed-up / k. The dotted line is the ideal, k workers k
times as fast. Workloads that wait can pass the number of cores, workloads that compute cannot: grey guides stand at
cores and cores*5.

    scripts/python -m poolbench.plots.speedup DIRECTORY [-o OUTPUT]
"""

import sys
import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poolbench.data.run_data import Absent, RunData
from poolbench.plots import style
from poolbench.plots.makespan import add_labels, labels_in_order
from poolbench.plots.style import Look

PAIRS_PER_PAGE = 12


def draw(run: RunData) -> list[tuple[str, Figure]]:
    cells = add_labels(run.cells())
    if run.summary.empty:
        raise Absent("speed-up needs the medians of derived/summary.csv")
    series = ["scenario", "label", "backend"]
    alone = cells[(cells.workers == 1) & cells.median_ns.notna()].drop_duplicates(series).set_index(series).median_ns
    cells["speedup"] = [
        alone.get((cell.scenario, cell.label, cell.backend), float("nan")) / cell.median_ns
        for cell in cells.itertuples()
    ]
    known = cells[cells.speedup.notna()]
    several = known.groupby(series).workers.transform("nunique") > 1
    # A cell that failed altogether has no median; it still has a place beside its series.
    drawn = set(map(tuple, known[several][["scenario", "label"]].values))
    order = [
        (scenario, label)
        for scenario in dict.fromkeys(cells.scenario)
        for label in labels_in_order(cells)
        if (scenario, label) in drawn
    ]
    if not order:
        raise Absent("speed-up needs an executor with 1 worker and with more, on one workload")

    figures = []
    for suffix, some in style.pages(order, PAIRS_PER_PAGE):
        pairs = 1 if len(some) == 1 else 2
        rows = -(-len(some) // pairs)
        legend = style.backend_handles(cells.backend) + [style.handle("ideal", linestyle=":", color=style.BLACK)]
        if cells.failures.any():
            legend.append(style.failed_handle())
        page = style.Page(
            run.machine,
            "Speed-up and efficiency",
            "Median with one worker over median with k workers, and that over k. The same executor, workload and "
            "strategy throughout; higher is better.",
            (2.6, 2.35),
            rows,
            2 * pairs,
            legend,
        )
        panels = page.panels()
        for index, (scenario, label) in enumerate(some):
            chosen = cells[(cells.scenario == scenario) & (cells.label == label)]
            _pair(panels[2 * index], panels[2 * index + 1], chosen, style.backends(cells.backend))
            panels[2 * index].set_title(
                "\n".join(textwrap.wrap(scenario, 44)) + f"\nstrategy {label}", fontsize=7.5, **style.TITLE_ABOVE_GUIDES
            )
        for panel in panels[2 * len(some) :]:
            page.leave_out(panel)
        figures.append((f"speedup{suffix}", page.figure))
    return figures


def _pair(left: Axes, right: Axes, cells: pd.DataFrame, looks: dict[str, Look]) -> None:
    workers = sorted(set(cells.workers))
    for panel in (left, right):
        style.worker_axis(panel, workers, int(cells.cores.iloc[0]))
    failures = cells.failures.any()
    style.log_axis(left.yaxis, [1, *cells.speedup.dropna()], headroom=3 if failures else 1.6)
    left.plot(workers, workers, ":", color=style.BLACK, linewidth=1)
    left.set_ylabel("speed-up (×)")
    right.axhline(100, linestyle=":", color=style.BLACK, linewidth=1)
    right.set_ylim(0, (1.25 if failures else 1) * max(118, 112 * (cells.speedup / cells.workers).max()))
    right.set_ylabel("efficiency (%)")
    present = [name for name in looks if name in set(cells.backend)]
    for index, name in enumerate(present):
        look = looks[name]
        line = cells[cells.backend == name].sort_values("workers")
        shift = style.dodge(index, len(present), 0.04)
        for panel, values in ((left, line.speedup), (right, 100 * line.speedup / line.workers)):
            panel.plot(
                line.workers * shift, values, color=look.colour, linestyle=look.line, marker=look.marker, zorder=3
            )
            for cell in line[line.failures > 0].itertuples():
                style.mark_failed(panel, cell.workers * shift, cell, look, 0.93 - 0.12 * index)


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
