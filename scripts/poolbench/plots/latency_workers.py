"""Latency against workers: how many are needed so that clients do not wait, at one rate of arrivals.

One panel per work, strategy and arrivals; points and lines as in latency against load. A pool that is too small for
the rate has no steady state: its percentiles grow with how long the run lasts.

    scripts/python -m poolbench.plots.latency_workers DIRECTORY [-o OUTPUT]
"""

import sys

from matplotlib.figure import Figure

from poolbench.data.run_data import Absent, RunData
from poolbench.plots import style
from poolbench.plots.latency import NEVER_TURNED_AWAY, latency_pages, with_several


def draw(run: RunData) -> list[tuple[str, Figure]]:
    cells = run.arriving_cells()
    cells = cells[cells.when_full.isin(NEVER_TURNED_AWAY) & cells.p99_ns.notna()]
    panel_of = ["work", "strategy", "arrivals"]
    cells = with_several(cells, panel_of, "workers")
    if cells.empty:
        raise Absent("latency against workers needs derived/latency.csv of one work and rate at two sizes of a pool")
    return latency_pages(
        run,
        cells,
        panel_of,
        "latency_workers",
        "Latency against workers",
        "Intended arrival to the end of the callback, for the same clients on pools of every size.",
        lambda key: f"{key[0]}\n{key[1]}, {key[2]}",
        "workers",
    )


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
