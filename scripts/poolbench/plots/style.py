"""What every picture shares: colours, markers, units, the page with its footer, and files that are the same each time.

Colours are Okabe and Ito's, which colour-blind people can tell apart; each comes with a marker and a line style of its
own, so that a black-and-white print can be read as well.
"""

import argparse
import inspect
import io
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from PIL import Image
from PIL.PngImagePlugin import PngInfo

matplotlib.use("Agg")
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator  # noqa: E402

from poolbench.data import run_data  # noqa: E402
from poolbench.data.run_data import RunData  # noqa: E402
from poolbench.plots import OF_ARRIVALS  # noqa: E402

Units = Sequence[tuple[float, str]]
AddOptions = Callable[[argparse.ArgumentParser], None]
T = TypeVar("T")

GREY = "#666666"
LIGHT = "#d9d9d9"
BLACK = "#000000"
DPI = 150


@dataclass(frozen=True)
class Look:
    colour: str
    marker: str
    line: Any  # a matplotlib line style
    hatch: str


BACKENDS = {
    "thread": Look("#0072B2", "o", "-", ""),
    "process": Look("#D55E00", "s", (0, (6, 1.5)), "///"),
    "thread_per_task": Look("#009E73", "D", (0, (4, 1, 1, 1)), "\\\\\\"),
    "inline": Look("#000000", "^", (0, (1, 1)), "xxx"),
}
OTHERS = (
    Look("#CC79A7", "v", (0, (5, 1, 1, 1, 1, 1)), "..."),
    Look("#E69F00", "P", (0, (8, 3)), "+++"),
    Look("#56B4E9", "X", (0, (2, 2)), "|||"),
    Look("#999999", "*", (0, (1, 3)), "---"),
)
STRATEGIES = ("none", "worker", "main", "extra", "fused", "sync", "collect", "as_completed", "map")


def backends(names: Iterable[str]) -> dict[str, Look]:
    """The names in a fixed order, each with its look; an executor that is not known here gets the next free one."""
    names = sorted(
        set(names), key=lambda name: (list(BACKENDS).index(name) if name in BACKENDS else len(BACKENDS), name)
    )
    unknown = [name for name in names if name not in BACKENDS]
    return {name: BACKENDS.get(name) or OTHERS[unknown.index(name) % len(OTHERS)] for name in names}


def strategy_order(name: str) -> tuple[int, str]:
    return (STRATEGIES.index(name) if name in STRATEGIES else len(STRATEGIES), name)


def apply_defaults() -> None:
    """The same picture everywhere, whatever the user's matplotlibrc says."""
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(
        {
            "svg.hashsalt": "poolbench",
            "font.family": "DejaVu Sans",
            "font.size": 8.5,
            "axes.titlesize": 8.5,
            "axes.labelsize": 8.5,
            "xtick.labelsize": 8,
            "ytick.labelsize": 8,
            "legend.fontsize": 8.5,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#e6e6e6",
            "grid.linewidth": 0.6,
            "hatch.linewidth": 0.7,
            "lines.linewidth": 1.4,
            "lines.markersize": 4.5,
        }
    )
    if "text.parse_math" in matplotlib.rcParams:  # since matplotlib 3.6
        matplotlib.rcParams["text.parse_math"] = False  # a dollar sign in somebody's command is no formula


class Page:
    """A figure with a title, a line below it, a legend, a grid of panels, and the machine in the footer."""

    TITLE, LINE, LEGEND, FOOTER = 0.34, 0.18, 0.22, 0.3  # inches

    def __init__(
        self,
        machine: str,
        title: str,
        subtitle: str,
        panel: tuple[float, float],
        rows: int = 1,
        columns: int = 1,
        legend: Iterable[Any] = (),
        **subplots: Any,
    ) -> None:
        width = max(columns * panel[0], 6.5)
        handles = list(legend)
        per_row = _legend_columns([handle.get_label() for handle in handles], width)
        legend_rows = -(-len(handles) // per_row)
        lines = textwrap.wrap(subtitle, int(width * 14.5))
        footer = textwrap.wrap(machine, int(width * 17))
        top = self.TITLE + self.LINE * len(lines) + self.LEGEND * legend_rows + 0.12
        bottom = self.FOOTER + 0.13 * (len(footer) - 1)
        height = top + rows * panel[1] + bottom

        self.figure = Figure(figsize=(width, height), layout="constrained")
        self.figure.get_layout_engine().set(
            rect=(0.005, bottom / height, 0.985, (height - top - bottom) / height), w_pad=0.06, h_pad=0.06
        )
        self.axes = self.figure.subplots(rows, columns, squeeze=False, **subplots)
        left = MARGIN / width
        self.figure.text(left, 1 - 0.1 / height, title, fontsize=12, fontweight="bold", va="top")
        self.figure.text(
            left, 1 - self.TITLE / height, "\n".join(lines), fontsize=8.5, color=GREY, va="top", linespacing=1.25
        )
        if handles:
            self.figure.legend(
                handles=handles,
                loc="upper left",
                ncol=min(per_row, len(handles)),
                frameon=False,
                bbox_to_anchor=(left, 1 - (self.TITLE + self.LINE * len(lines)) / height),
                borderaxespad=0.2,
                borderpad=0,
                handlelength=2.6,
                columnspacing=1.4,
            )
        self.figure.text(left, 0.08 / height, "\n".join(footer), fontsize=7, color=GREY, va="bottom")

    def panels(self) -> list[Axes]:
        """The panels row by row."""
        return list(self.axes.flat)

    def leave_out(self, panel: Axes) -> None:
        panel.set_visible(False)


MARGIN = 0.12  # inches


def _legend_columns(labels: list[str], width: float) -> int:
    """As many columns as fit: all in one row if they do, else columns as wide as the longest label."""
    widths = [0.55 + 0.067 * len(label) for label in labels]
    if sum(widths) < width - MARGIN:
        return max(1, len(labels))
    return max(1, int((width - MARGIN) / max(widths)))


def backend_handles(names: Iterable[str], line: bool = True) -> list[Line2D]:
    return [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle=look.line if line else "", label=name)
        for name, look in backends(names).items()
    ]


def handle(label: str, **properties: Any) -> Line2D:
    # A marker such as $10$ is one, whatever a dollar sign is elsewhere.
    with matplotlib.rc_context({"text.parse_math": True} if "text.parse_math" in matplotlib.rcParams else {}):
        return Line2D([], [], label=label, **{"color": GREY, "linestyle": "", **properties})


def repetition_handle() -> Line2D:
    return handle("one repetition", marker="o", alpha=0.45, markeredgewidth=0)


def model_handle() -> Line2D:
    return handle("exact model", linestyle="--", color=BLACK, linewidth=1)


FAILED = {"marker": "X", "markersize": 8, "markeredgecolor": BLACK, "markeredgewidth": 0.9}


def failed_handle() -> Line2D:
    return handle("failed repetitions", color="white", **FAILED)


def mark_failed(panel: Axes, x: float, cell: Any, look: Look, height: float = 0.93) -> None:
    """A cross at the top of the panel, with how many repetitions of the cell failed."""
    panel.plot(
        [x],
        [height],
        transform=panel.get_xaxis_transform(),
        color=look.colour,
        linestyle="",
        zorder=5,
        clip_on=False,
        **FAILED,
    )
    panel.annotate(
        f"{int(cell.failures)}/{int(cell.repetitions)}",
        (x, height),
        xycoords=panel.get_xaxis_transform(),
        xytext=(6, 0),
        textcoords="offset points",
        fontsize=7,
        va="center",
        zorder=6,
        bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )


# --- axes -------------------------------------------------------------------------------------------------------------

TIME_UNITS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns"))
MEMORY_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "bytes"))


def unit(values: Iterable[float], units: Units = TIME_UNITS) -> tuple[float, str]:
    """The largest unit that the smallest positive value is not tiny in: (factor, name)."""
    positive = [value for value in values if value > 0]
    if not positive:
        return units[-1]
    for factor, name in units:
        if max(positive) >= factor and min(positive) >= factor / 20:
            return factor, name
    return units[-1]


def plain(value: float, _position: object = None) -> str:
    return f"{value:,.4g}".replace(",", "\u202f") if abs(value) < 1e6 else f"{value:.3g}"


def worker_axis(panel: Axes, workers: Iterable[int], cores: int, label: bool = True) -> None:
    """A log2 axis of worker counts, with guides at cores and cores*5."""
    workers = sorted(set(int(count) for count in workers))
    panel.set_xscale("log", base=2)
    low, high = min(workers + [cores]), max(workers + [5 * cores])
    panel.set_xlim(low / 1.5, high * 1.5)
    panel.xaxis.set_major_locator(FixedLocator(_thinned(workers)))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(value):d}"))
    panel.grid(axis="x", visible=False)
    for count, name in ((cores, "cores"), (5 * cores, "cores*5")):
        panel.axvline(count, color=LIGHT, linewidth=4, zorder=0)
        panel.annotate(
            name,
            (count, 1),
            xycoords=panel.get_xaxis_transform(),
            xytext=(0, 2),
            textcoords="offset points",
            fontsize=6.5,
            color=GREY,
            ha="center",
            va="bottom",
        )
    if label:
        panel.set_xlabel("workers (log scale)")


def _thinned(workers: list[int]) -> list[int]:
    """The counts whose labels do not touch on a log axis of a small panel."""
    kept: list[int] = []
    for count in workers:
        if not kept or count / kept[-1] >= 1.35 or len(workers) <= 4:
            kept.append(count)
    return kept


TITLE_ABOVE_GUIDES = {"loc": "left", "pad": 13}  # for set_title() over a worker_axis()


def log_axis(axis: Axis, values: Iterable[float], minimum_span: float = 4, headroom: float = 1.6) -> None:
    """A log axis with plain numbers, the more the shorter it is, that shows at least a factor of minimum_span and says
    at its end that it is logarithmic."""
    values = [value for value in values if value > 0]
    low, high = (min(values), max(values)) if values else (0.5, 2)
    middle = (low * high) ** 0.5
    low, high = min(low / 1.3, middle / minimum_span**0.5), max(high * headroom, middle * minimum_span**0.5)
    panel = axis.axes
    if axis.axis_name == "x":
        panel.set_xscale("log")
        panel.set_xlim(low, high)
    else:
        panel.set_yscale("log")
        panel.set_ylim(low, high)
    span = high / low
    axis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 6, 8) if span < 12 else (1, 2, 5) if span < 200 else (1,)))
    _say_logarithmic(panel, axis.axis_name)
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_formatter(NullFormatter())


def _say_logarithmic(panel: Axes, axis_name: str) -> None:
    across = axis_name == "x"
    panel.annotate(
        "log",
        (1, 0) if across else (0, 1),
        xycoords="axes fraction",
        xytext=(-2, 2) if across else (2, -2),
        textcoords="offset points",
        ha="right" if across else "left",
        va="bottom" if across else "top",
        fontsize=6,
        fontstyle="italic",
        color=GREY,
    )


def dodge(index: int, count: int, step: float = 0.09) -> float:
    """A factor that sets series index of count apart from its neighbours on a log2 axis."""
    return 2 ** ((index - (count - 1) / 2) * step * 2)


def name_groups(panel: Axes, names: list[str], offset: float) -> None:
    """Names runs of equal rows left of the row labels, `offset` points from the panel, with a line between the
    groups."""
    start = 0
    for row in range(1, len(names) + 1):
        if row < len(names) and names[row] == names[start]:
            continue
        wrapped = textwrap.fill(names[start], 26 if row - start > 1 else 36)
        panel.annotate(
            wrapped,
            (0, (start + row - 1) / 2),
            xycoords=("axes fraction", "data"),
            xytext=(-offset, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            annotation_clip=False,
        )
        if start > 0:
            panel.axhline(start - 0.5, color=BLACK, linewidth=0.8)
        start = row


# --- files and command lines ------------------------------------------------------------------------------------------


def save(figures: Iterable[tuple[str, Figure]], directory: Path | str) -> list[Path]:
    """Writes each picture as PNG and SVG; nothing in the files depends on when or where. Returns the paths."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, figure in figures:
        freeze_layout(figure)
        paths += [directory / f"{name}.png", directory / f"{name}.svg"]
        save_png(figure, paths[-2])
        figure.savefig(paths[-1], dpi=DPI, metadata={"Date": None, "Creator": "poolbench"})
    return paths


def save_png(figure: Figure, path: Path) -> None:
    """With a palette: lines, dots and text need no more than 256 colours, and the file is a third of the size."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    about = PngInfo()
    about.add_text("Software", "poolbench")
    Image.open(drawn).convert("RGB").quantize(256).save(path, format="png", optimize=True, pnginfo=about)


def freeze_layout(figure: Figure) -> None:
    """Lays the figure out and rounds the places of its panels: the solver's last bits differ from run to run, and the
    ids in an SVG are hashes of them. Without an engine: as long as there is one, each file is drawn twice."""
    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine(None)
    for panel in figure.axes:
        panel.set_position([round(value, 6) for value in panel.get_position(original=True).bounds])


def pages(items: Iterable[T], per_page: int) -> list[tuple[str, list[T]]]:
    """(suffix, items of the page): no suffix if one page is enough, else -1, -2, ..."""
    items = list(items)
    chunks = [items[start : start + per_page] for start in range(0, len(items), per_page)]
    return [("" if len(chunks) == 1 else f"-{number}", chunk) for number, chunk in enumerate(chunks, 1)]


def arguments(doc: str | None, add: AddOptions | None = None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="what `poolbench run` left: holds results.csv")
    parser.add_argument("-o", "--output", type=Path, help="where the pictures go (default: plots/ in the directory)")
    if add:
        add(parser)
    return parser


def require_rows(run: RunData, picture: str) -> None:
    """Raises Absent where all tasks of a run arrive and the picture is of batches."""
    if picture not in OF_ARRIVALS and run.rows.empty:
        raise run_data.Absent("its tasks come over time, and this is a picture of batches")


def picture_main(
    doc: str | None, draw: Callable[..., list[tuple[str, Figure]]], argv: list[str], add: AddOptions | None = None
) -> int:
    """main() of a picture's module: 0 drawn, 1 its data are absent, 2 the directory cannot be read."""
    import sys

    options = arguments(doc, add).parse_args(argv)
    apply_defaults()
    try:
        run = run_data.load(options.directory)
        require_rows(run, Path(inspect.getfile(draw)).stem)
        figures = draw(run, options) if add else draw(run)
    except run_data.Absent as absent:
        print(f"not drawn: {absent}", file=sys.stderr)
        return 1
    except run_data.UnreadableRun as error:
        print(error, file=sys.stderr)
        return 2
    for path in save(figures, options.output or options.directory / "plots"):
        print(path)
    return 0
