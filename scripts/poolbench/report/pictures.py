"""Matplotlib's figures as SVG within a page: text stays text, and colours the page's, which follow its dark mode."""

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from html import escape

import matplotlib
from matplotlib.figure import Figure

from poolbench.data.run_data import Absent, RunData
from poolbench.plots import goodput, latency, latency_workers, makespan, style, timeline

# What a colour of the pictures is called in the page; the style sheet has a light and a dark value of each.
VARIABLES = {
    "#000000": "ink",
    "#ffffff": "paper",
    style.GREY.lower(): "muted",
    style.LIGHT.lower(): "guide",
    "#e6e6e6": "line",
    "#cccccc": "line",
    "#0072b2": "blue",
    "#d55e00": "vermilion",
    "#009e73": "green",
    "#cc79a7": "purple",
    "#e69f00": "orange",
    "#56b4e9": "sky",
    "#999999": "grey",
}
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
PLACES = re.compile(r'(?<=\s)(?:d|x|y|x1|x2|y1|y2|points|transform|width|height)="[^"]*"')
LONG = re.compile(r"(-?\d+\.\d{2})\d+")
REFERENCE = re.compile(r'(\bid="|url\(#|xlink:href="#)([^")]+)')


@dataclass
class Picture:
    svg: str
    title: str
    text: str  # what it shows, for who does not see it
    width: int  # CSS pixels that it is drawn for


def of_scenario(run: RunData, scenario: str, prefix: str) -> list[Picture]:
    """Makespan against workers: each repetition, medians, the model; a panel per strategy."""
    part = replace(run, rows=run.rows[run.rows.scenario == scenario], machine="", notes=[])
    text = (
        "Makespan against the number of workers, a panel per strategy, a line per executor through the medians; "
        "a dot is a repetition, the dashed line the exact model. The table below has the numbers."
    )
    return [
        inline(figure, f"{prefix}{name}", f"Makespans of {scenario}", text)
        for name, figure in _drawn(makespan.draw, part)
    ]


def latencies(run: RunData, prefix: str) -> list[Picture]:
    """Where tasks arrive: percentiles against load and against workers, and what is served; where there is data."""
    found = []
    for plot, title, text in (
        (
            latency,
            "Latency against load",
            "Percentiles of the sojourns as more clients come, the model's as dashed lines.",
        ),
        (latency_workers, "Latency against workers", "Percentiles of the sojourns by the number of workers."),
        (goodput, "Goodput", "Clients served a second against clients that came, by what a full queue does."),
    ):
        try:
            figures = _drawn(plot.draw, replace(run, machine="", notes=[]))
        except Absent:
            continue
        found += [
            inline(figure, f"{prefix}{name}", title, f"{text} The table below has the numbers.")
            for name, figure in figures
        ]
    return found


def timelines(run: RunData, prefix: str) -> list[Picture]:
    """Who ran what in traced repetitions; none without traces."""
    try:
        figures = _drawn(timeline.draw, replace(run, machine="", notes=[]))
    except Absent:
        return []
    text = (
        "Lanes of workers over time: solid bars are tasks, hatched ones callbacks, numbered as they were submitted. "
        "The median repetition of each cell."
    )
    return [
        inline(
            figure, f"{prefix}{name}", f"Who ran what, and when{f' (part {part})' if len(figures) > 1 else ''}", text
        )
        for part, (name, figure) in enumerate(figures, 1)
    ]


def _drawn(draw: Callable[[RunData], list[tuple[str, Figure]]], run: RunData) -> list[tuple[str, Figure]]:
    style.apply_defaults()
    matplotlib.rcParams["svg.fonttype"] = "none"
    return draw(run)


def inline(figure: Figure, prefix: str, title: str, text: str) -> Picture:
    """`prefix` sets its ids apart from those of the page's other pictures."""
    style.freeze_layout(figure)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    svg = buffer.getvalue()
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = REFERENCE.sub(lambda match: f"{match[1]}{prefix}-{match[2]}", body)
    body = PLACES.sub(lambda match: LONG.sub(r"\1", match[0]), body)
    body = COLOUR.sub(lambda match: _variable(match[0]), body)
    body = re.sub(r"\n\s*", "\n", body)
    width, height = (float(value) for value in figure.get_size_inches() * 96)
    name = f"{prefix}-title"
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'aria-labelledby="{name}" viewBox="{_view_box(body)}" style="width:{width:.0f}px;max-width:none" '
        f'width="{width:.0f}" height="{height:.0f}"><title id="{name}">{escape(title)}. {escape(text)}</title>'
    )
    return Picture(opening + body[body.index(">") + 1 :].strip(), title, text, round(width))


def _view_box(svg: str) -> str:
    found = re.search(r'viewBox="([^"]+)"', svg)
    if found is None:
        raise ValueError("matplotlib wrote an SVG without a viewBox")
    return found[1]


def _variable(colour: str) -> str:
    name = VARIABLES.get(colour.lower())
    return f"var(--{name})" if name else colour


def over_time(names: list[str], series: Iterable[tuple[str, list[float | None]]], prefix: str, title: str) -> Picture:
    """Medians of cells, run by run: (cell, ns per run, None where it was not measured)."""
    style.apply_defaults()
    matplotlib.rcParams["svg.fonttype"] = "none"
    lines = list(series)
    factor, unit = style.unit([value for _, values in lines for value in values if value])
    looks = list(style.BACKENDS.values()) + list(style.OTHERS)
    legend = [
        style.handle(
            name, color=looks[index % 8].colour, marker=looks[index % 8].marker, linestyle=looks[index % 8].line
        )
        for index, (name, _) in enumerate(lines)
    ]
    page = style.Page(
        "", title, "Median makespan of each cell in the order in which the runs were made.", (8, 3), 1, 1, legend
    )
    panel = page.panels()[0]
    for index, (_, values) in enumerate(lines):
        look = looks[index % 8]
        places = [place for place, value in enumerate(values) if value is not None]
        panel.plot(
            places,
            [(values[place] or 0) / factor for place in places],
            color=look.colour,
            marker=look.marker,
            linestyle=look.line,
        )
    panel.set_xticks(range(len(names)), names)
    panel.set_ylim(0, 1.1 * max([value / factor for _, values in lines for value in values if value] or [1]))
    panel.set_ylabel(f"makespan ({unit})")
    return inline(page.figure, prefix, title, "A line per cell; the table below has the numbers.")
