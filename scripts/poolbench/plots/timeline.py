"""Who ran which task and callback, and when: a Gantt chart of traced repetitions, from tasks/<run_id>.csv.

A lane per worker, then one per thread or process that ran callbacks only. Solid bars are tasks, hatched bars callbacks,
numbered in the order of submission. Of each traced cell the repetition with the median makespan is drawn.

    scripts/python -m poolbench.plots.timeline DIRECTORY [-o OUTPUT] [--cell CELL_ID]... [--rep N]
"""

import argparse
import sys
import textwrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from poolbench.data.quantities import NBSP
from poolbench.data.run_data import Absent, RunData
from poolbench.plots import style, timeline_options
from poolbench.plots.makespan import strategy_label
from poolbench.plots.style import Look

PANELS_PER_PAGE = 8
MAX_PANELS = 16
MAX_LANES = 40
MAX_TASKS = 500  # more bars than that are a grey wall, and take minutes
# What a lane that ran callbacks only is.
CALLBACK_LANES = {
    "main": "callback thread",
    "extra": "parser",
    "sync": "caller",
    "collect": "caller",
    "as_completed": "caller",
    "map": "caller",
}


def draw(run: RunData, options: argparse.Namespace | None = None) -> list[tuple[str, Figure]]:
    if run.tasks.empty:
        raise Absent("the timeline needs a traced run (tasks/<run_id>.csv)")
    cells = run.cells()
    wanted = list(getattr(options, "cell", None) or [])
    traced = cells[cells.cell_id.isin(set(run.tasks.cell_id))]
    unknown = [cell for cell in wanted if cell not in set(traced.cell_id)]
    if unknown:
        raise Absent(f"no trace of the cell {', '.join(unknown)}")
    if wanted:
        traced = traced[traced.cell_id.isin(wanted)]
    elif (traced.tasks > MAX_TASKS).any():
        run.notes.append(
            f"timeline: cells of more than {MAX_TASKS} tasks are left out; plot.py DIRECTORY --cell CELL_ID draws them"
        )
        traced = traced[traced.tasks <= MAX_TASKS]
    if traced.empty:
        raise Absent(f"the timeline needs traces of this build's cells of at most {MAX_TASKS} tasks")
    # Executors that do the same side by side.
    traced = traced.iloc[sorted(range(len(traced)), key=lambda row: _order(traced.iloc[row]))]
    if len(traced) > MAX_PANELS:
        run.notes.append(
            f"timeline: {MAX_PANELS} of {len(traced)} traced cells drawn; plot.py DIRECTORY --cell ID chooses others"
        )
        traced = traced.iloc[:MAX_PANELS]
    charts = [(cell, *_repetition(run, cell, getattr(options, "rep", None))) for cell in traced.itertuples()]
    figures = []
    for suffix, some in style.pages(charts, PANELS_PER_PAGE):
        columns = 1 if len(some) == 1 else 2
        rows = -(-len(some) // columns)
        lanes = [
            max(_lane_count(chart[2]) for chart in some[row * columns : (row + 1) * columns]) for row in range(rows)
        ]
        looks = style.backends(run.rows.backend)
        legend = [
            Patch(facecolor=look.colour, edgecolor="white", label=f"task ({name})")
            for name, look in looks.items()
            if name in {chart[0].backend for chart in some}
        ]
        if any(chart[2].callback_worker.notna().any() for chart in some):
            legend.append(Patch(facecolor="white", edgecolor=style.BLACK, hatch="////", label="callback"))
        heights = [0.85 + 0.2 * count for count in lanes]
        page = style.Page(
            run.machine,
            "Who ran what, and when",
            "Traced repetitions, the median one of each cell, from the first submit. Numbers are tasks in the order of "
            "submission.",
            (5.6 if columns == 2 else 8, sum(heights) / rows),
            rows,
            columns,
            legend,
            gridspec_kw={"height_ratios": heights},
        )
        panels = page.panels()
        for index, (panel, (cell, rep, tasks)) in enumerate(zip(panels, some)):
            row = index // columns
            end = max(
                _end(chart[2])
                for chart in some[row * columns : (row + 1) * columns]
                if chart[0].scenario == cell.scenario
            )
            _chart(panel, cell, rep, tasks, looks[cell.backend], cells, lanes[row], end)
        for panel in panels[len(some) :]:
            page.leave_out(panel)
        figures.append((f"timeline{suffix}", page.figure))
    return figures


def _order(cell: Any) -> tuple[Any, ...]:
    return (
        cell.scenario,
        style.strategy_order(cell.strategy),
        cell.chunksize,
        cell.parsers,
        cell.workers,
        list(style.BACKENDS).index(cell.backend) if cell.backend in style.BACKENDS else 99,
    )


def _repetition(run: RunData, cell: Any, rep: int | None) -> tuple[int, pd.DataFrame]:
    tasks = run.tasks[run.tasks.cell_id == cell.cell_id]
    if rep is None:
        times = run.ok[(run.ok.cell_id == cell.cell_id) & run.ok.rep.isin(tasks.rep)].sort_values(
            ["makespan_ns", "rep"]
        )
        rep = times.rep.iloc[(len(times) - 1) // 2] if len(times) else tasks.rep.iloc[0]
    chosen = tasks[tasks.rep == rep]
    if chosen.empty:
        raise Absent(f"no trace of repetition {rep} of the cell {cell.cell_id}; there are {sorted(set(tasks.rep))}")
    return rep, chosen


def _lanes(tasks: pd.DataFrame) -> tuple[list[int], list[int]]:
    workers = sorted(set(tasks.worker))
    return workers, sorted(set(tasks.callback_worker.dropna()) - set(workers))


def _lane_count(tasks: pd.DataFrame) -> int:
    return min(MAX_LANES, sum(map(len, _lanes(tasks))))


def _end(tasks: pd.DataFrame) -> float:
    called = tasks.callback_finished_ns.dropna()
    return float(max(tasks.finished_ns.max(), called.max() if len(called) else 0))


def _chart(
    panel: Axes, cell: Any, rep: int, tasks: pd.DataFrame, look: Look, cells: pd.DataFrame, height: int, end: float
) -> None:
    """One repetition, on an axis of `height` lanes and `end` ns: those of its neighbour, so that the two can be
    compared."""
    workers, others = _lanes(tasks)
    lanes = (workers + others)[:MAX_LANES]
    place = {lane: y for y, lane in enumerate(lanes)}
    factor, unit = style.unit([end])
    end /= factor

    for task in tasks.itertuples():
        if task.worker in place:
            _bar(
                panel,
                place[task.worker],
                task.started_ns / factor,
                task.finished_ns / factor,
                task.task,
                end,
                look.colour,
                None,
            )
        if task.callback_worker in place:
            _bar(
                panel,
                place[task.callback_worker],
                task.callback_started_ns / factor,
                task.callback_finished_ns / factor,
                task.task,
                end,
                look.colour,
                "////",
            )
    if others:
        panel.axhline(len(workers) - 0.5, color=style.GREY, linewidth=0.8)

    kind = CALLBACK_LANES.get(cell.strategy, "callbacks")
    names = [f"worker {int(worker)}" for worker in workers]
    names += [f"{kind} {number}" if len(others) > 1 else kind for number in range(len(others))]
    panel.set_yticks(range(len(lanes)), names[:MAX_LANES])
    panel.set_ylim(max(height, len(lanes)) - 0.4, -0.6)
    panel.set_xlim(0, end * 1.01)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="y", visible=False)
    panel.set_xlabel(f"time since the first submit ({unit})")
    label = strategy_label(cell, cells)
    workers_text = f"{cell.workers} worker{'s' if cell.workers > 1 else ''}"
    title = f"{cell.scenario}; {cell.backend}, {workers_text}, {label}; repetition{NBSP}{rep}"
    hidden = sum(map(len, (workers, others))) - len(lanes)
    panel.set_title(
        "\n".join(textwrap.wrap(title + (f" ({hidden} lanes not shown)" if hidden else ""), 74)), loc="left"
    )


def _bar(
    panel: Axes, lane: int, start: float, finish: float, number: int, end: float, colour: str, hatch: str | None
) -> None:
    panel.barh(
        lane,
        finish - start,
        left=start,
        height=0.78,
        color=colour if hatch is None else "white",
        edgecolor="white" if hatch is None else colour,
        hatch=hatch,
        linewidth=0.5 if hatch is None else 0.9,
        zorder=3,
    )
    if finish - start > 0.022 * end * len(str(number)):
        panel.text(
            (start + finish) / 2,
            lane,
            str(number),
            ha="center",
            va="center_baseline",
            fontsize=7,
            zorder=4,
            color="white" if hatch is None else style.BLACK,
            bbox=None if hatch is None else {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none"},
        )


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv, timeline_options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
