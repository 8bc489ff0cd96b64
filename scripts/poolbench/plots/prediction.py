"""What `poolbench predict --json` says: when each task runs and its callback, or the makespan over what was swept.

    poolbench predict ... --json > prediction.json
    scripts/python -m poolbench.plots.prediction prediction.json [-o OUTPUT]
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poolbench.data.quantities import duration
from poolbench.plots import style

MOST_TASKS = 200  # rows: beyond that the first ones
SWEPT = ("workers", "parsers", "chunksize", "in_flight")


class UnreadablePrediction(Exception):
    """The file is not what `predict --json` prints; the message says why."""


def draw(document: dict[str, Any]) -> list[tuple[str, Figure]]:
    """Raises UnreadablePrediction."""
    try:
        return [("prediction", _sweep(document) if "sweep" in document else _tasks(document))]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UnreadablePrediction(f"not what `poolbench predict --json` prints: {error!r}") from error


def _tasks(document: dict[str, Any]) -> Figure:
    tasks = [task for task in document["tasks"] if not task.get("rejected")]
    shown = tasks[:MOST_TASKS]
    case = " ".join(f"{name}={value}" for name, value in document.get("case", {}).items())
    subtitle = f"{case}. Makespan {duration(document['makespan_ns'])}"
    if document.get("formula"):
        subtitle += f" = {document['formula']}"
    subtitle += "." if len(shown) == len(tasks) else f". The first {len(shown)} of {len(tasks)} tasks."
    legend = [
        style.handle("task", marker="s", color=style.BACKENDS["thread"].colour, markersize=7),
        style.handle("its callback", marker="s", color=style.BACKENDS["process"].colour, markersize=7),
    ]
    page = style.Page(
        "the exact model; nothing was run",
        "Predicted: when each task and its callback run",
        subtitle,
        (8, 0.8 + max(1.4, 0.2 * len(shown))),
        1,
        1,
        legend,
    )
    factor, unit = style.unit([document["makespan_ns"]])
    panel = page.panels()[0]
    for number, task in enumerate(shown, 1):
        _bar(panel, number, task["start_ns"] / factor, task["finish_ns"] / factor, "thread")
        if task.get("callback_start_ns") is not None:
            _bar(panel, number, task["callback_start_ns"] / factor, task["callback_finish_ns"] / factor, "process")
    panel.set_ylim(len(shown) + 0.6, 0.4)
    panel.set_xlim(left=0)
    panel.yaxis.get_major_locator().set_params(integer=True)
    panel.set_xlabel(f"time ({unit})")
    panel.set_ylabel("task, from 1")
    return page.figure


def _bar(panel: Axes, row: int, start: float, finish: float, backend: str) -> None:
    panel.barh(row, finish - start, left=start, height=0.7, color=style.BACKENDS[backend].colour, zorder=3)


def _sweep(document: dict[str, Any]) -> Figure:
    points = document["sweep"]
    swept = max(SWEPT, key=lambda name: len({point.get(name) for point in points}))
    factor, unit = style.unit([point["makespan_ns"] for point in points])
    best = points[document["best"]]
    page = style.Page(
        "the exact model; nothing was run",
        f"Predicted: makespan by {swept}",
        f"The best: {swept} = {best[swept]}, {duration(best['makespan_ns'])}.",
        (6.5, 3),
    )
    panel = page.panels()[0]
    look = style.BACKENDS["thread"]
    panel.plot(
        [point[swept] for point in points],
        [point["makespan_ns"] / factor for point in points],
        look.marker,
        color=look.colour,
        linestyle="-",
    )
    panel.set_ylim(bottom=0)
    panel.set_xlabel(swept)
    panel.set_ylabel(f"makespan ({unit})")
    return page.figure


def main(argv: list[str]) -> int:
    """0, or 2 when the file is none that `predict --json` made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="what `poolbench predict --json` printed")
    parser.add_argument("-o", "--output", type=Path, default=Path(), help="where the picture goes (default: here)")
    options = parser.parse_args(argv)
    style.apply_defaults()
    try:
        figures = draw(json.loads(options.file.read_text(encoding="utf-8")))
    except (OSError, ValueError, UnreadablePrediction) as error:
        print(f"{options.file}: {error}", file=sys.stderr)
        return 2
    for path in style.save(figures, options.output):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
