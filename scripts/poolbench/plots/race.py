"""The race of the pools against their peers: what a task costs, over the number of workers, and what processes take.

race-threads: empty tasks without and with a future, one and four producers; the line goes through the medians of the
rounds, the whisker from the lowest to the highest. Solid lines: only workers run tasks; dashed: the submitter runs
some; dotted with hollow markers: figures of a side run, not of this race. race-processes: a row of ours, CPython's and
loky's for each scenario.

    scripts/python -m poolbench.plots.race DIRECTORY [-o OUTPUT]     (DIRECTORY is what scripts/race left)
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from poolbench.data import quantities, run_data
from poolbench.plots import style
from poolbench.plots.style import Look
from poolbench.race import measurements
from poolbench.race.measurements import Measurements
from poolbench.race.side_run import FIGURES, LABEL

SCENARIOS = (("detached", "detached (post)"), ("future", "with a future"))
LOOKS = {
    "thread_pool": style.Look("#0072B2", "o", "-", ""),
    "process_pool": style.Look("#0072B2", "o", "-", ""),
    "asio": style.Look("#D55E00", "s", "-", ""),
    "mutex_condvar": style.Look("#000000", "^", "-", ""),
    "moodycamel": style.Look("#CC79A7", "v", "-", ""),
    "cpython_thread": style.Look("#999999", "*", "-", ""),
    "tbb_enqueue": style.Look("#009E73", "D", "-", ""),
    "tbb_task_group": style.Look("#009E73", "P", "-", ""),
    "openmp": style.Look("#E69F00", "X", "-", ""),
    "std_async": style.Look("#56B4E9", "d", "-", ""),
    "cpython_fork": style.Look("#D55E00", "s", "-", ""),
    "cpython_spawn": style.Look("#E69F00", "D", "-", ""),
    "loky": style.Look("#009E73", "^", "-", ""),
    "memcpy": style.Look("#000000", "|", "-", ""),
    "BS::thread_pool": style.Look("#E69F00", "o", ":", ""),
    "Taskflow": style.Look("#56B4E9", "s", ":", ""),
    "dispenso": style.Look("#CC79A7", "D", ":", ""),
}
DASHED = (0, (5, 2))
# Scenario and the size that is drawn, in cores; None: whatever there is.
PROCESSES = (
    ("process_pipelined", "pipelined empty task"),
    ("process_map_100", "map, chunksize 100, per item"),
    ("process_round_trip", "round trip"),
    ("process_round_trip_after_1ms", "round trip after 1 ms idle"),
    ("process_echo_1mib", "1 MiB echoed"),
    ("process_start", "a pool of 2 ready"),
)


def look_of(peer: str) -> Look:
    return LOOKS.get(peer) or style.OTHERS[sum(map(ord, peer)) % len(style.OTHERS)]


def draw(measured: Measurements, context: dict[str, Any]) -> list[tuple[str, Figure]]:
    """(name, figure) of each picture that there are measurements for. Raises run_data.Absent if there are none."""
    machine = context["machine_line"]
    figures = [
        (name, figure)
        for name, figure in (
            ("race-threads", _threads(machine, measured, context["cores"])),
            ("race-processes", _processes(machine, measured, context["cores"])),
        )
        if figure
    ]
    if not figures:
        raise run_data.Absent("the race's pictures need the scenarios detached, future or those of processes")
    return figures


# --- threads ----------------------------------------------------------------------------------------------------------


def _threads(machine: str, measured: Measurements, cores: int) -> Figure | None:
    panels = [
        (scenario, title, producers)
        for producers in (1, 4)
        for scenario, title in SCENARIOS
        if measured.of(scenario, producers)
    ]
    if not panels:
        return None
    peers = {entry.peer: measured.executed_by[entry] for scenario, _ in SCENARIOS for entry in measured.of(scenario)}
    side = list(dict.fromkeys((figure.peer, figure.executed_by) for figure in FIGURES))
    legend = [
        _handle(peer, executed_by, marked=executed_by != "thread_per_task")
        for peer, executed_by in sorted(peers.items(), key=_order)
    ]
    legend += [_handle(f"{peer} ({LABEL})", executed_by, look_of(peer), hollow=True) for peer, executed_by in side]
    rounds = max(len(values) for values in measured.values.values())
    page = style.Page(
        machine,
        "What an empty task costs",
        f"Median of {rounds} interleaved round{'s' if rounds > 1 else ''}; whiskers: lowest and highest round. Solid: "
        "only workers run tasks; dashed: the submitter runs some, or a thread per task (level line: no workers). "
        "Dotted, hollow: from a side run on another day.",
        (5.2, 3.6),
        -(-len(panels) // 2),
        min(2, len(panels)),
        legend,
    )
    for panel, (scenario, title, producers) in zip(page.panels(), panels):
        _over_workers(panel, measured, scenario, producers, cores)
        panel.set_title(f"{title}, {producers} producer{'s' if producers > 1 else ''}", **style.TITLE_ABOVE_GUIDES)
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: quantities.duration(value)))
        panel.set_ylabel("time per task")
    for panel in page.panels()[len(panels) :]:
        page.leave_out(panel)
    return page.figure


def _order(item: tuple[str, Any]) -> tuple[int, str]:
    return (list(LOOKS).index(item[0]) if item[0] in LOOKS else len(LOOKS), item[0])


def _line(executed_by: str, look: Look) -> Any:
    return DASHED if executed_by != "workers" else look.line


def _handle(name: str, executed_by: str, look: Look | None = None, hollow: bool = False, marked: bool = True) -> Line2D:
    look = look or look_of(name)
    return style.handle(
        name,
        color=look.colour,
        marker=look.marker if marked else "",
        linestyle=":" if hollow else _line(executed_by, look),
        linewidth=2.4 if name in measurements.OURS else 1.2,
        **({"markerfacecolor": "white"} if hollow else {}),
    )


def _over_workers(panel: Axes, measured: Measurements, scenario: str, producers: int, cores: int) -> None:
    entries = measured.of(scenario, producers)
    sizes = sorted({entry.workers for entry in entries if entry.workers}) or [1]
    drawn = []
    for peer in sorted({entry.peer for entry in entries}, key=lambda name: _order((name, None))):
        mine = sorted((entry for entry in entries if entry.peer == peer), key=lambda entry: entry.workers)
        look, ours = look_of(peer), peer in measurements.OURS
        figures = [measured.figure_of(entry) for entry in mine]
        drawn += [value for figure in figures for value in (figure.low, figure.high)]
        style_of_line = {
            "color": look.colour,
            "linestyle": _line(measured.executed_by[mine[0]], look),
            "linewidth": 2.4 if ours else 1.2,
            "zorder": 5 if ours else 3,
        }
        if mine[0].workers == 0:  # no workers to be over
            panel.plot([sizes[0], sizes[-1]], [figures[0].value] * 2, **style_of_line)
            continue
        places = [entry.workers for entry in mine]
        panel.errorbar(
            places,
            [figure.value for figure in figures],
            marker=look.marker,
            capsize=2,
            elinewidth=0.8,
            yerr=[
                [figure.value - figure.low for figure in figures],
                [figure.high - figure.value for figure in figures],
            ],
            **style_of_line,
        )
    for peer in dict.fromkeys(figure.peer for figure in FIGURES):
        elsewhere = [
            figure
            for figure in FIGURES
            if (figure.peer, figure.scenario, figure.producers) == (peer, scenario, producers)
        ]
        drawn += [value for figure in elsewhere for value in (figure.low, figure.high)]
        panel.plot(
            [figure.workers for figure in elsewhere],
            [(figure.low + figure.high) / 2 for figure in elsewhere],
            ":",
            color=look_of(peer).colour,
            marker=look_of(peer).marker,
            markerfacecolor="white",
            linewidth=1,
            zorder=2,
        )
    style.worker_axis(panel, sizes, cores)
    style.log_axis(panel.yaxis, drawn)


# --- processes --------------------------------------------------------------------------------------------------------


def _processes(machine: str, measured: Measurements, cores: int) -> Figure | None:
    rows = [(scenario, title) for scenario, title in PROCESSES if measured.of(scenario)]
    if not rows:
        return None
    peers = sorted(
        {entry.peer for scenario, _ in rows for entry in measured.of(scenario)}, key=lambda name: _order((name, None))
    )
    page = style.Page(
        machine,
        "What processes take",
        f"Median, lowest and highest round; {cores} workers and one producer. Beside each of "
        "Python's: how many times ours that is.",
        (8.5, 0.7 + 0.62 * len(rows)),
        1,
        1,
        [_handle(peer, "workers") for peer in peers],
    )
    panel = page.panels()[0]
    drawn = []
    for row, (scenario, _) in enumerate(rows):
        entries = [
            entry for entry in measured.of(scenario) if entry.workers in (0, cores) or scenario == "process_start"
        ]
        ours = next((measured.median(entry) for entry in entries if entry.peer in measurements.OURS), None)
        for place, entry in enumerate(sorted(entries, key=measured.median)):
            figure, look = measured.figure_of(entry), look_of(entry.peer)
            height = row + (place - (len(entries) - 1) / 2) * 0.2
            drawn += [figure.low, figure.high]
            panel.plot([figure.low, figure.high], [height] * 2, color=look.colour, linewidth=1.2)
            panel.plot([figure.value], [height], look.marker, color=look.colour, markersize=6, zorder=3)
            text = quantities.duration(figure.value)
            if ours and entry.peer not in measurements.OURS:
                text += f", {figure.value / ours:.3g}×"
            panel.annotate(
                text, (figure.high, height), xytext=(6, 0), textcoords="offset points", fontsize=7, va="center"
            )
    style.log_axis(panel.xaxis, drawn, headroom=12)
    panel.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: quantities.duration(value) if value >= 1 else f"{value:g} ns")
    )
    panel.set_xlabel("time per task, item, trip or start")
    panel.set_yticks(range(len(rows)), [title for _, title in rows])
    panel.yaxis.set_minor_locator(NullLocator())
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.tick_params(axis="y", length=0)
    return page.figure


# --- the command line -------------------------------------------------------------------------------------------------


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="what scripts/race left: holds race.csv")
    parser.add_argument("-o", "--output", type=Path, help="where the pictures go (default: plots/ in the directory)")
    options = parser.parse_args(argv)
    style.apply_defaults()
    try:
        figures = draw(*measurements.load(options.directory))
    except measurements.UnreadableRace as error:
        print(error, file=sys.stderr)
        return 2
    except run_data.Absent as absent:
        print(f"not drawn: {absent}", file=sys.stderr)
        return 1
    for path in style.save(figures, options.output or options.directory / "plots"):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
