"""Goodput against offered load: how many clients are served, in time, when more come than can be.

One panel per work, strategy, backend and number of workers; a line per what becomes of a client that finds the queue
full. Of cells with a deadline only those count who were served within it. The dotted line is all of them served.

    scripts/python -m poolbench.plots.goodput DIRECTORY [-o OUTPUT]
"""

import sys
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poolbench.data.run_data import Absent, RunData
from poolbench.plots import panels, style
from poolbench.plots.latency import with_several

PANELS_PER_PAGE = 12
# What becomes of it: the colour and marker, and the words.
WAYS = {
    "none": ("#000000", "o", "no bound"),
    "block": ("#0072b2", "s", "block"),
    "reject": ("#d55e00", "^", "reject"),
    "caller_runs": ("#009e73", "D", "caller_runs"),
}


def draw(run: RunData) -> list[tuple[str, Figure]]:
    panel_of = ["work", "strategy", "backend", "workers"]
    cells = with_several(run.arriving_cells(), panel_of, "offered_per_s")
    if cells.empty:
        raise Absent("goodput needs derived/latency.csv of one pool at two rates of arrivals")
    legend = [
        style.handle(words, color=colour, marker=marker, linestyle="-")
        for way, (colour, marker, words) in WAYS.items()
        if way in set(cells.when_full)
    ] + [style.handle("all are served", linestyle=":", color=style.BLACK)]

    def draw_one(panel: Axes, key: tuple[Any, ...]) -> None:
        _panel(panel, cells[(cells[panel_of] == list(key)).all(axis=1)])
        panels.set_title(panel, [*panels.wrapped(str(key[0])), f"{key[2]}, {key[3]} workers, {key[1]}"], loc="left")

    return panels.pages(
        "goodput",
        run.machine,
        (
            "Goodput against offered load",
            "Clients served a second, within the deadline if there is one, over clients that came a second; medians.",
        ),
        list(dict.fromkeys(map(tuple, cells[panel_of].values))),
        PANELS_PER_PAGE,
        (3.0, 2.7),
        legend,
        draw_one,
    )


def in_time_per_s(cells: pd.DataFrame) -> pd.Series:
    """Clients served a second who were there no longer than the deadline; without one all that were served."""
    late = cells.late_by_deadline.fillna(0) / (cells.arrived - cells.rejected).clip(lower=1)
    return cells.completed_per_s * (1 - late)


def _panel(panel: Axes, cells: pd.DataFrame) -> None:
    most = 1.08 * cells.offered_per_s.max()
    panel.plot([0, most], [0, most], ":", color=style.BLACK, linewidth=1)
    for way, (colour, marker, _) in WAYS.items():
        # Queues of several bounds are lines of their own, and so are deadlines.
        for _, line in cells[cells.when_full == way].sort_values("offered_per_s").groupby(["queue", "deadline_ns"]):
            # A client who blocks fares as without a bound: that line is the broad one below.
            broad = {"linewidth": 3, "markersize": 9} if way == "none" else {}
            panel.plot(line.offered_per_s, in_time_per_s(line), color=colour, marker=marker, zorder=3, **broad)
    panel.set_xlim(0, most)
    panel.set_ylim(0, most)
    panel.set_xlabel("clients per second, offered")
    panel.set_ylabel("clients per second, served")


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
