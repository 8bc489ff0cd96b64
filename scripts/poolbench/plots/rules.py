"""Rules of thumb: what each costs against the best number of workers, as a batch and at a rate, by W/C.

A row per rule, a point per W/C with its 95 % interval: how many times as long as with the best number of workers that
was tried. In the grey band a rule holds, beyond the dashed line it fails; a hollow point cannot be told apart. A cross
at the right edge: it misses the bound of the clients' p99, which another number of workers meets.

    scripts/python -m poolbench.plots.rules DIRECTORY [-o OUTPUT]
"""

import sys

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poolbench.data import schema
from poolbench.data.run_data import Absent, RunData
from poolbench.plots import style

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX"
KINDS = {"batch": "a batch: makespan", "rate": "at a rate: p99, where it stays within the bound"}


def draw(run: RunData) -> list[tuple[str, Figure]]:
    rules = run.rules
    if rules.empty:
        raise Absent(
            "the regret of rules of thumb needs derived/rules.csv, which `poolbench validate --rules -o` writes"
        )
    names = list(dict.fromkeys(rules.rule))
    labels = [f"{name}: {rules[rules.rule == name].formula.iloc[0]}" for name in names]
    ratios = sorted(set(rules.wait_per_compute))
    looks = {
        ratio: (COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]) for index, ratio in enumerate(ratios)
    }
    legend = [
        style.handle(f"W/C = {ratio:g}", color=colour, marker=marker) for ratio, (colour, marker) in looks.items()
    ] + [style.handle("misses the bound", marker="X", markersize=6)]
    kinds = [kind for kind in KINDS if kind in set(rules.kind)]
    page = style.Page(
        run.machine,
        "Rules of thumb for the number of workers",
        "How many times as long as with the best number that was tried; 1 is no regret. Grey: holds (up to 5 %). "
        "Beyond the dashed line: fails (more than twice).",
        (4.4, 0.36 * len(names) + 0.7),
        1,
        len(kinds),
        legend,
        sharey=True,
    )
    times = 1 + pd.concat([rules.regret_pct, rules.regret_low_pct, rules.regret_high_pct]).dropna() / 100
    highest = max([2.5, *times])
    for panel, kind in zip(page.panels(), kinds):
        _panel(panel, rules[rules.kind == kind], names, looks, highest)
        panel.set_title(KINDS[kind], loc="left")
    first = page.panels()[0]
    first.set_yticks(range(len(names)), labels)
    first.set_ylim(len(names) - 0.5, -0.5)
    return [("rules", page.figure)]


def _panel(
    panel: Axes, rules: pd.DataFrame, names: list[str], looks: dict[float, tuple[str, str]], highest: float
) -> None:
    style.log_axis(panel.xaxis, [0.97, highest], headroom=2)
    panel.axvspan(panel.get_xlim()[0], 1.05, color=style.LIGHT, zorder=0)
    panel.axvline(2, color=style.GREY, linestyle="--", linewidth=1, zorder=1)
    panel.set_xlabel("times the best")
    edge = panel.get_xlim()[1] / 1.25
    for number, (ratio, (colour, marker)) in enumerate(looks.items()):
        shift = 0.7 * ((number + 0.5) / len(looks) - 0.5)
        for rule in rules[rules.wait_per_compute == ratio].itertuples():
            y = names.index(rule.rule) + shift
            if rule.missed > 0:
                panel.plot([edge], [y], marker="X", color=colour, markersize=5, clip_on=False, zorder=4)
            if pd.isna(rule.regret_pct):
                continue
            x, low, high = (1 + value / 100 for value in (rule.regret_pct, rule.regret_low_pct, rule.regret_high_pct))
            filled = colour if rule.verdict != schema.RULE_OPEN else "white"
            panel.plot([low, high], [y, y], color=colour, linewidth=1, zorder=2)
            panel.plot([x], [y], marker=marker, color=colour, markerfacecolor=filled, linestyle="", zorder=3)
    for row in range(1, len(names)):
        panel.axhline(row - 0.5, color=style.LIGHT, linewidth=0.6, zorder=0)
    panel.grid(axis="y", visible=False)


def main(argv: list[str]) -> int:
    return style.picture_main(__doc__, draw, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
