"""Predicted against measured: how far the exact model carries on this machine.

Left: the median of every cell over the model's prediction; on the line the model is right. Right: the residual,
measured over predicted minus one, strategy by strategy, with the 5 % band in grey. Where the run's calibration knows
how late the machine ends a sleep, the model's waits are as much longer. Hollow points: the service time was not asked
for but measured with one worker.

    scripts/python -m poolbench.plots.model_fit DIRECTORY [-o OUTPUT]
"""

import sys

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from poolbench.data import schema
from poolbench.data.run_data import Absent, RunData
from poolbench.plots import style
from poolbench.plots.style import Look

BAND = 5  # per cent


def draw(run: RunData) -> list[tuple[str, Figure]]:
    cells = run.cells()
    cells = cells[cells.predicted_ns.notna() & cells.median_ns.notna() & (cells.predicted_ns > 0)]
    if cells.empty:
        raise Absent("predicted against measured needs derived/model.csv and derived/summary.csv")
    late = cells.expected_ns.notna()
    cells = cells.assign(
        predicted_ns=cells.expected_ns.where(late, cells.predicted_ns),
        residual_pct=cells.expected_residual_pct.where(late, cells.residual_pct),
    )
    looks = style.backends(run.rows.backend)
    names = [name for name in looks if name in set(cells.backend)]
    legend = style.backend_handles(names, line=False)
    if (cells.basis != schema.BASIS_REQUESTED).any():
        legend.append(style.handle("hollow: service time measured at 1 worker", marker="o", markerfacecolor="white"))
    legend.append(style.handle("predicted = measured", linestyle="--", color=style.BLACK, linewidth=1))
    failed = run.cells().failures.gt(0).sum()
    page = style.Page(
        run.machine,
        "Predicted against measured",
        f"Medians of {len(cells)} cells against the exact model"
        + (", every wait longer by how late a sleep ends here" if late.any() else "")
        + f"; the band on the right is ±{BAND} %."
        + (f" {failed} cells with failed repetitions: their medians are of what succeeded." if failed else ""),
        (5, 4.2),
        1,
        2,
        legend,
    )
    _scatter(page.axes[0][0], cells, looks, names)
    _residuals(page.axes[0][1], cells, looks, names)
    return [("model_fit", page.figure)]


def _points(panel: Axes, x: pd.Series, y: pd.Series, cells: pd.DataFrame, look: Look, size: float = 5) -> None:
    for inside in (True, False):
        chosen = (cells.basis == schema.BASIS_REQUESTED) == inside
        panel.plot(
            x[chosen],
            y[chosen],
            look.marker,
            color=look.colour,
            linestyle="",
            alpha=0.8,
            markerfacecolor=look.colour if inside else "white",
            markersize=size,
            zorder=3,
        )


def _scatter(panel: Axes, cells: pd.DataFrame, looks: dict[str, Look], names: list[str]) -> None:
    factor, unit = style.unit([*cells.predicted_ns, *cells.median_ns])
    both = [*(cells.predicted_ns / factor), *(cells.median_ns / factor)]
    style.log_axis(panel.xaxis, both)
    style.log_axis(panel.yaxis, both)
    panel.set_xlim(panel.get_ylim())
    panel.set_box_aspect(1)
    panel.axline((1, 1), (2, 2), color=style.BLACK, linestyle="--", linewidth=1)
    # Points of two executors often coincide: the later ones are larger and lie below.
    for index, name in reversed(list(enumerate(names))):
        some = cells[cells.backend == name]
        _points(panel, some.predicted_ns / factor, some.median_ns / factor, some, looks[name], 4 + 2.5 * index)
    panel.set_xlabel(f"predicted makespan ({unit})")
    panel.set_ylabel(f"measured makespan, median ({unit})")


def _residuals(panel: Axes, cells: pd.DataFrame, looks: dict[str, Look], names: list[str]) -> None:
    strategies = sorted(set(cells.strategy), key=style.strategy_order)
    panel.axhspan(-BAND, BAND, color="#efefef", zorder=0)
    panel.axhline(0, color=style.BLACK, linestyle="--", linewidth=1)
    for index, name in enumerate(names):
        some = cells[cells.backend == name].sort_values(["strategy", "predicted_ns"])
        place = some.strategy.map(strategies.index)
        # Side by side in the order of predicted time, so that points do not hide one another.
        count = some.groupby("strategy").cell_id.transform("size")
        spread = (some.groupby("strategy").cumcount() - (count - 1) / 2) / count.clip(lower=1) * 0.28
        _points(
            panel,
            place + (index - (len(names) - 1) / 2) * 0.8 / max(1, len(names)) + spread,
            some.residual_pct,
            some,
            looks[name],
        )
    panel.set_xticks(
        range(len(strategies)),
        strategies,
        rotation=30 if len(strategies) > 4 else 0,
        ha="right" if len(strategies) > 4 else "center",
    )
    panel.set_xlim(-0.6, len(strategies) - 0.4)
    panel.grid(axis="x", visible=False)
    for boundary in range(1, len(strategies)):
        panel.axvline(boundary - 0.5, color=style.LIGHT, linewidth=0.8)
    worst = cells.residual_pct.abs().max()
    if worst > 60:
        panel.set_yscale("symlog", linthresh=10, linscale=1)
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.set_ylim(min(-1.5 * BAND, 1.15 * cells.residual_pct.min()), max(1.5 * BAND, 1.15 * cells.residual_pct.max()))
    panel.set_ylabel("residual: measured / predicted − 1 (%)")
    panel.set_xlabel("strategy")


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
