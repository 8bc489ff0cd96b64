"""What a recommendation rests on: the curve that was predicted, what of it was run, the knee, and the choice.

A panel per strategy, a line per pool: the time of all tasks by the model against the number of workers. Points are
medians of what was run, with their 95 % intervals; the ringed one is recommended. The dotted lines are the knees of
threads and of processes, from which on more workers find no core, or no lock, free.

    scripts/python -m poolbench.plots.curve DIRECTORY [-o OUTPUT]     (DIRECTORY: of `recommend -o`)
"""

import json
import sys
import textwrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poolbench.data import run_data, schema, text_files
from poolbench.data.run_data import Absent, RunData
from poolbench.plots import style


def draw(run: RunData) -> list[tuple[str, Figure]]:
    curve = run_data.curve(run.directory)
    if curve is None or curve.empty:
        raise Absent("the curve is what `poolbench recommend -o` leaves (derived/curve.csv)")
    answer = _answer(run)
    factor, unit = style.unit([*curve.predicted_ns, *curve.median_ns.dropna()])
    strategies = sorted(set(curve.strategy), key=style.strategy_order)
    columns = min(2, len(strategies))
    legend = [
        *style.backend_handles(curve.backend, line=False),
        style.handle("predicted", linestyle="-"),
        style.handle("run: median, 95 % interval", marker="o"),
        style.handle("recommended", marker="o", markersize=11, markerfacecolor="none", markeredgecolor=style.BLACK),
        style.handle("knee", linestyle=":"),
    ]
    title = "\n".join(textwrap.wrap(str(answer.get("work", "")), 70)[:2])
    page = style.Page(
        run.machine,
        "What to use, and why",
        f"{title}: {curve.tasks.iloc[0]} tasks, the time of all of them on so many workers.",
        (3.6, 2.9),
        -(-len(strategies) // columns),
        columns,
        legend,
    )
    panels = page.panels()
    for panel, strategy in zip(panels, strategies):
        _panel(panel, curve, strategy, answer, factor)
        panel.set_ylabel(f"time of all tasks ({unit})")
        if len(strategies) > 1:
            panel.set_title(f"callbacks: {strategy}", **style.TITLE_ABOVE_GUIDES)
    for panel in panels[len(strategies) :]:
        page.leave_out(panel)
    return [("curve", page.figure)]


def _answer(run: RunData) -> dict[str, Any]:
    try:
        answer = json.loads(text_files.read(run.directory / "recommendation.json"))
    except (OSError, ValueError) as error:
        raise Absent(f"the curve needs recommendation.json: {error}") from error
    if not isinstance(answer, dict) or not set(schema.RECOMMENDATION_USED) <= set(answer):
        raise Absent(f"recommendation.json lacks one of {', '.join(schema.RECOMMENDATION_USED)}")
    return answer


def _panel(panel: Axes, curve: pd.DataFrame, strategy: str, answer: dict[str, Any], factor: float) -> None:
    points = curve[curve.strategy == strategy]
    times = [value / factor for value in [*curve.predicted_ns, *curve.upper_ns.dropna()]]
    style.worker_axis(panel, curve.workers, int(answer["cores"]))
    style.log_axis(panel.yaxis, times)
    for name, look in style.backends(curve.backend).items():
        line = points[points.backend == name].sort_values(["hosts", "workers"])
        for _, some in line.groupby("hosts"):
            panel.plot(some.workers, some.predicted_ns / factor, color=look.colour, linestyle=look.line, zorder=2)
        was_run = line[line.runs > 0]
        panel.errorbar(
            was_run.workers,
            was_run.median_ns / factor,
            yerr=[
                (was_run.median_ns - was_run.lower_ns) / factor,
                (was_run.upper_ns - was_run.median_ns) / factor,
            ],
            color=look.colour,
            marker=look.marker,
            linestyle="",
            zorder=3,
        )
        knee = answer.get(name, {}).get("knee") if name in schema.POOLS_WITH_A_KNEE else None
        if knee and knee <= 1.5 * points.workers.max():
            panel.axvline(knee, color=look.colour, linestyle=":", zorder=1)
    for chosen in points[points.chosen == 1].itertuples():
        height = chosen.median_ns if chosen.runs > 0 else chosen.predicted_ns
        panel.plot(
            [chosen.workers],
            [height / factor],
            marker="o",
            markersize=11,
            markerfacecolor="none",
            markeredgecolor=style.BLACK,
            linestyle="",
            zorder=4,
        )


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
