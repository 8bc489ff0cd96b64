"""Every claim of the tutorial: how far the measurement is from what its formula says, in units of the tolerance.

Zero is the formula's value; within the grey band, the tolerance, a measurement agrees with it. The scale is linear
between -1 and 1 and logarithmic beyond. The whisker is the interval of the median; at the right stand both values.

    scripts/python -m poolbench.plots.claims DIRECTORY [-o OUTPUT]
"""

import sys
import textwrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from poolbench.data.quantities import duration
from poolbench.data.run_data import Absent, RunData
from poolbench.plots import style

ROWS_PER_PAGE = 28
MOST = 100  # tolerances: what is farther away stands at the edge
LOOKS = {  # verdict: colour, marker, words
    "holds": ("#0072B2", "o", "holds"),
    "refuted": ("#D55E00", "X", "refuted"),
    "inconclusive": (style.GREY, "D", "open"),
}


def draw(run: RunData) -> list[tuple[str, Figure]]:
    claims = run.claims[run.claims.measured_ns.notna()]
    if claims.empty:
        raise Absent("the claims need derived/claims.csv with a measured one, as `poolbench validate -o` leaves it")
    figures = []
    for suffix, some in style.pages(list(claims.itertuples()), ROWS_PER_PAGE):
        legend = [
            style.handle(words, marker=marker, color=colour, markersize=6)
            for verdict, (colour, marker, words) in LOOKS.items()
            if verdict in set(claims.verdict)
        ]
        page = style.Page(
            run.machine,
            "The tutorial's claims: its formulas against the measurement",
            "Measured less claimed, in tolerances of the claim; in the grey band they agree. Logarithmic beyond 1. At "
            "the right: claimed, measured.",
            (11, 0.5 + 0.34 * len(some)),
            1,
            1,
            legend,
        )
        _panel(page.panels()[0], some)
        figures.append((f"claims{suffix}", page.figure))
    return figures


def _panel(panel: Axes, claims: list[Any]) -> None:
    panel.set_xscale("symlog", linthresh=1, linscale=1)
    panel.set_xlim(-1.6 * MOST, 1.6 * MOST)
    panel.set_ylim(len(claims) - 0.5, -0.5)
    panel.axvspan(-1, 1, color="#ececec", zorder=0)
    panel.axvline(0, color=style.BLACK, linewidth=0.8)
    for y, claim in enumerate(claims):
        colour, marker, _ = LOOKS.get(claim.verdict, LOOKS["inconclusive"])
        low, middle, high = (
            _in_tolerances(claim, value) for value in (claim.ci_low_ns, claim.measured_ns, claim.ci_high_ns)
        )
        panel.plot((low, high), (y, y), color=colour, linewidth=1.2)
        panel.plot([middle], [y], marker, color=colour, markersize=6)
        panel.annotate(
            f"{_signed(claim.predicted_ns)}, {_signed(claim.measured_ns)}",
            (1, y),
            xycoords=panel.get_yaxis_transform(),
            xytext=(5, 0),
            textcoords="offset points",
            fontsize=7,
            va="center",
        )
    panel.set_yticks(range(len(claims)), ["\n".join(textwrap.wrap(claim.claim, 74)) for claim in claims])
    panel.tick_params(axis="y", labelsize=7, length=0)
    panel.xaxis.set_major_locator(FixedLocator([-MOST, -10, -1, 0, 1, 10, MOST]))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+g}" if value else "0"))
    panel.set_xlabel("measured - claimed (tolerances, logarithmic beyond 1)")


def _signed(ns: float) -> str:
    """A difference may be negative."""
    return ("-" if ns < 0 else "") + (duration(abs(ns)) if ns else "0")


def _in_tolerances(claim: Any, value: float) -> float:
    return float(max(-MOST, min(MOST, (value - claim.predicted_ns) / max(claim.tolerance_ns, 1))))


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
