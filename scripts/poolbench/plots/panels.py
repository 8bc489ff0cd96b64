"""Pages of panels, at most three beside each other: the same layout for every picture with a panel per pool or work."""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from poolbench.plots import style


def pages(
    name: str,
    machine: str,
    titles: tuple[str, str],
    keys: Sequence[Any],
    most: int,
    size: tuple[float, float],
    legend: Iterable[Artist],
    draw: Callable[[Axes, Any], None],
) -> list[tuple[str, Figure]]:
    """`draw` draws the panel of a key; at most `most` of that size are on a page, which has title and subtitle."""
    figures = []
    for suffix, some in style.pages(keys, most):
        columns = min(3, len(some))
        page = style.Page(machine, *titles, size, -(-len(some) // columns), columns, legend)
        panels = page.panels()
        for panel, key in zip(panels, some):
            draw(panel, key)
        for panel in panels[len(some) :]:
            page.leave_out(panel)
        figures.append((f"{name}{suffix}", page.figure))
    return figures


def wrapped(line: str) -> list[str]:
    """Broken where it is too long for a panel's title."""
    return textwrap.wrap(line, 44)


def set_title(panel: Axes, lines: Iterable[str], **properties: Any) -> None:
    panel.set_title("\n".join(lines), fontsize=7.5, **properties)
