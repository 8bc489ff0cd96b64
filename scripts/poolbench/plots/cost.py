"""What a shorter makespan costs: CPU seconds and memory against makespan, workload by workload.

Every repetition is a point, the number beside a cell's points its worker count. Down and to the left is better: faster
and cheaper. CPU time and memory are those of all processes of the repetition together. Of many workloads those are
drawn whose cells differ most in their makespan.

    scripts/python -m poolbench.plots.cost DIRECTORY [-o OUTPUT]
"""

import math
import sys
import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poolbench.data.run_data import Absent, RunData
from poolbench.plots import style
from poolbench.plots.makespan import add_labels

ROWS_PER_PAGE = 4
MOST_PAGES = 4


def draw(run: RunData) -> list[tuple[str, Figure]]:
    cells = add_labels(run.cells())
    rows = run.ok.assign(cpu_ns=run.ok.cpu_user_ns + run.ok.cpu_sys_ns)
    if rows.empty:
        raise Absent("cost against makespan needs a repetition that succeeded")
    groups, left_out = _that_differ_most([(scenario, some) for scenario, some in cells.groupby("scenario", sort=False)])
    figures = []
    for suffix, some in style.pages(groups, ROWS_PER_PAGE):
        legend = style.backend_handles(run.rows.backend, line=False)
        legend.append(style.handle("label: workers (and strategy)", marker="$10$", markersize=10))
        page = style.Page(
            run.machine,
            "What speed costs",
            "CPU time and peak memory of all processes against makespan, every repetition a point. Down and left is "
            "better." + left_out,
            (4.6, 2.5),
            len(some),
            2,
            legend,
        )
        for (left, right), (scenario, group) in zip(page.axes, some):
            chosen = rows[rows.cell_id.isin(group.cell_id)]
            chosen = chosen.assign(label=chosen.cell_id.map(_labels(group)))
            _panel(left, chosen, "cpu_ns", style.TIME_UNITS, "CPU time", style.backends(run.rows.backend))
            _panel(right, chosen, "rss_peak_bytes", style.MEMORY_UNITS, "peak memory", style.backends(run.rows.backend))
            left.set_title("\n".join(textwrap.wrap(scenario, 60)), loc="left")
            failed = group[group.failures > 0]
            if not failed.empty:
                text = "failed: " + "; ".join(
                    f"{cell.backend} {cell.label}, {cell.workers} worker{'s' if cell.workers > 1 else ''} "
                    f"({int(cell.failures)}/{int(cell.repetitions)})"
                    for cell in failed.itertuples()
                )
                right.set_title("\n".join(textwrap.wrap("✕ " + text, 60)), loc="left", fontsize=7.5)
        figures.append((f"cost{suffix}", page.figure))
    return figures


def _that_differ_most(groups: list[tuple[str, pd.DataFrame]]) -> tuple[list[tuple[str, pd.DataFrame]], str]:
    """Those that are drawn, in their order, and what is said of the others."""
    compared = [group for group in groups if len(group[1]) > 1] or groups
    most = MOST_PAGES * ROWS_PER_PAGE

    def span(group: tuple[str, pd.DataFrame]) -> float:
        medians = group[1].median_ns[group[1].median_ns > 0]
        return float(medians.max() / medians.min()) if len(medians) else 0

    chosen = {scenario for scenario, _ in sorted(compared, key=span, reverse=True)[:most]}
    kept = [group for group in compared if group[0] in chosen]
    return (
        kept,
        "" if len(kept) == len(groups) else f" {len(kept)} of {len(groups)} workloads: where cells differ most.",
    )


def _panel(
    panel: Axes, rows: pd.DataFrame, column: str, units: style.Units, name: str, looks: dict[str, style.Look]
) -> None:
    panel.set_ylabel(name)
    panel.set_xlabel("makespan")
    if rows.empty:
        panel.text(
            0.5, 0.5, "every repetition failed", transform=panel.transAxes, ha="center", va="center", color=style.GREY
        )
        panel.set(xticks=[], yticks=[])
        return
    x_factor, x_unit = style.unit(rows.makespan_ns)
    y_factor, y_unit = style.unit(rows[column], units)
    style.log_axis(panel.xaxis, rows.makespan_ns / x_factor)
    style.log_axis(panel.yaxis, rows[column] / y_factor)
    panel.set_xlabel(f"makespan ({x_unit})")
    panel.set_ylabel(f"{name} ({y_unit})")
    for backend in [name for name in looks if name in set(rows.backend)]:
        look = looks[backend]
        some = rows[rows.backend == backend]
        panel.plot(
            some.makespan_ns / x_factor,
            some[column] / y_factor,
            look.marker,
            color=look.colour,
            alpha=0.5,
            markeredgewidth=0,
            zorder=3,
        )
    _name_groups(panel, rows.assign(x=rows.makespan_ns / x_factor, y=rows[column] / y_factor), looks)


def _labels(cells: pd.DataFrame) -> dict[str, str]:
    """What tells the cells of one workload apart beside the executor: the workers, and the strategy where there are
    several."""
    several = cells.label.nunique() > 1
    return {
        cell.cell_id: f"{cell.label} {cell.workers}" if several else f"{cell.workers}" for cell in cells.itertuples()
    }


def _name_groups(panel: Axes, rows: pd.DataFrame, looks: dict[str, style.Look]) -> None:
    """Each cell's label beside its points, or at the end of a line to them, where it covers neither other points nor
    other labels."""
    points = [(cell_id, *panel.transData.transform((x, y))) for cell_id, x, y in zip(rows.cell_id, rows.x, rows.y)]
    taken: list[tuple[float, float, float, float]] = []
    frame = panel.get_window_extent()
    for (backend, label, cell_id), _ in rows.groupby(["backend", "label", "cell_id"], sort=True):
        own = [(x, y) for owner, x, y in points if owner == cell_id]
        left, right = min(x for x, _ in own), max(x for x, _ in own)
        middle = sorted(y for _, y in own)[len(own) // 2]
        width, height = 5 + 6.2 * len(label), 13
        beside = [
            (right + 7, middle),
            (left - 7 - width, middle),
            ((left + right - width) / 2, middle + 14),
            ((left + right - width) / 2, middle - 14),
        ]
        centre = (left + right) / 2
        away = [
            (
                centre + distance * math.cos(angle) - (width if math.cos(angle) < 0 else 0),
                middle + distance * math.sin(angle),
            )
            for distance in range(22, 200, 11)
            for angle in (k * math.pi / 8 for k in range(16))
        ]
        for x, y in beside + away:
            box = (x, y - height / 2, x + width, y + height / 2)
            covered = any(box[0] - 4 < px < box[2] + 4 and box[1] - 3 < py < box[3] + 3 for owner, px, py in points)
            outside = box[0] < frame.x0 or box[1] < frame.y0 or box[2] > frame.x1 or box[3] > frame.y1
            if (
                covered
                or outside
                or any(
                    box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
                    for other in taken
                )
            ):
                continue
            taken.append(box)
            if (x, y) not in beside:
                end = min(max(centre, x), x + width)
                line = panel.transData.inverted().transform([(centre, middle), (end, y)])
                panel.plot(line[:, 0], line[:, 1], color=looks[backend].colour, linewidth=0.5, alpha=0.6, zorder=2)
            panel.annotate(
                label,
                panel.transData.inverted().transform((x, y)),
                fontsize=7,
                va="center",
                color=looks[backend].colour,
                zorder=4,
            )
            break


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
