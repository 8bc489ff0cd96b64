"""The same work closed and open: what clients meet who wait for their answer, and clients who come on their own.

One panel per pool and work. In a closed loop each of as many clients as workers asks again when it has its answer;
under arrivals they come whether or not the pool keeps up. Filled points are the 99th percentile, hollow ones the
median, with their 95 % intervals; the dashes are the exact model's. The factor is to the closed loop's p99.

    scripts/python -m poolbench.plots.closed_open DIRECTORY [-o OUTPUT]
"""

import sys
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poolbench.data.run_data import Absent, RunData
from poolbench.plots import panels, style
from poolbench.plots.latency import NEVER_TURNED_AWAY, PERCENTILES, points, predicted
from poolbench.plots.style import Look

PANELS_PER_PAGE = 9
PANEL_OF = ["work", "strategy", "backend", "workers"]


def draw(run: RunData) -> list[tuple[str, Figure]]:
    closed, opened = run.closed_cells(), run.arriving_cells()
    opened = opened[opened.when_full.isin(NEVER_TURNED_AWAY) & opened.p99_ns.notna()]
    known = set(_keys(opened))
    keys = [key for key in dict.fromkeys(_keys(closed)) if key in known]
    if not keys:
        raise Absent(
            "closed and open needs a traced batch and arrivals on the same pool: `poolbench run closed_open --trace`"
        )
    looks = style.backends(key[2] for key in keys)
    legend = [
        style.handle("99th percentile", marker="o"),
        style.handle("median", marker="o", markerfacecolor="white"),
        style.handle("exact model", marker="_", color=style.BLACK, markersize=14),
    ]

    def draw_one(panel: Axes, key: tuple[Any, ...]) -> None:
        _panel(panel, _of(closed, key), _of(opened, key), looks[key[2]])
        panels.set_title(panel, [*panels.wrapped(str(key[0])), f"{key[2]}, {key[3]} workers, {key[1]}"], loc="left")

    return panels.pages(
        "closed_open",
        run.machine,
        (
            "The same pool, closed and open",
            "Clients that wait for their answer before they ask again, and clients that come on their own.",
        ),
        keys,
        PANELS_PER_PAGE,
        (3.4, 3.0),
        legend,
        draw_one,
    )


def _keys(cells: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(key) for key in cells[PANEL_OF].values]


def _of(cells: pd.DataFrame, key: tuple[Any, ...]) -> pd.DataFrame:
    return cells[(cells[PANEL_OF] == list(key)).all(axis=1)]


def _panel(panel: Axes, closed: pd.DataFrame, opened: pd.DataFrame, look: Look) -> None:
    loop = closed.iloc[0]
    opened = opened.sort_values("offered_per_s").reset_index(drop=True)
    names = [f"closed,\n{loop.workers} clients"]
    names += [
        f"open{', ' + row.when_full if row.queue else ''},\n{style.plain(row.offered_per_s)}/s"
        for row in opened.itertuples()
    ]
    rows = []
    for percentile, filled in PERCENTILES:
        rows.append((0, loop, percentile, loop[f"predicted_{percentile}_ns"], filled))
        expected = predicted(opened, percentile)
        rows += [(place + 1, row, percentile, expected[place], filled) for place, row in opened.iterrows()]
    factor, unit = style.unit([row[f"{percentile}_ns"] for _, row, percentile, _, _ in rows])
    heights = []
    for place, row, percentile, model, filled in rows:
        value, low, high = (row[f"{percentile}{end}_ns"] / factor for end in ("", "_low", "_high"))
        x, y, down, up = (pd.Series([part]) for part in (place, value, low, high))
        points(panel, x, y, down, up, look, filled)
        heights += [low, high]
        if pd.notna(model):
            panel.plot([place], [model / factor], "_", color=style.BLACK, markersize=14, zorder=2)
            heights.append(model / factor)
        if filled and place > 0:
            panel.annotate(
                f"×{style.plain(round(row.p99_ns / loop.p99_ns, 1))}",
                (place, high),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                fontsize=7.5,
            )
    style.log_axis(panel.yaxis, heights, headroom=2.2)
    panel.set_ylabel(f"how long each client is there ({unit})")
    panel.set_xlim(-0.6, len(names) - 0.4)
    panel.set_xticks(range(len(names)), names, fontsize=7)
    panel.grid(axis="x", visible=False)


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
