"""What the race says, as text: what each contestant takes, and how each goal fared."""

from collections.abc import Container, Sequence

from poolbench.race import side_run
from poolbench.race.executors import Entry
from poolbench.race.goals import MET, MISSED, NOT_MEASURED, Verdict
from poolbench.race.measurements import Measurements
from poolbench.race.side_run import FIGURES, LABEL

WHO = {
    "workers": "workers only",
    "helping": "the submitter helps",
    "thread_per_task": "a thread per task",
    "caller": "no pool",
}
# The value's unit: (what it is divided by, what is written).
UNITS = {
    "ns/task": ((1e6, "ms"), (1e4, "us"), (1, "ns")),
    "ns": ((1e6, "ms"), (1e4, "us"), (1, "ns")),
    "ns/s": ((1, "ns/s"),),
}
DIVISORS = {"ms": 1e6, "us": 1e3, "ns": 1, "ns/s": 1}


def number(value: float | None) -> str:
    """Three digits, or more before the point."""
    if value is None or value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"


def scale_of(value: float, unit: str) -> str:
    """The unit that suits the value, which is in `unit`; that one itself if there is no choice."""
    scales = UNITS.get(unit, ((0, unit),))
    return next((name for least, name in scales if abs(value) >= least), scales[-1][1])


def quantity(value: float | None, unit: str) -> str:
    """With a unit that suits it."""
    if value is None or value != value:
        return "-"
    if unit in UNITS:
        name = scale_of(value, unit)
        return f"{number(value / DIVISORS[name])} {name}"
    return number(value) if unit in ("ratio", "efficiency", "") else f"{number(value)} {unit.partition('/')[0]}"


def aligned(rows: list[list[str]], right: Container[int] = ()) -> list[str]:
    """Lines of columns as wide as their longest text; the columns in `right` end together."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]


def costs(measurements: Measurements, scenario: str, producers: int = 1) -> list[str]:
    """A scenario's table: a line per contestant, a column per pool size; the cheapest contestant at the largest size
    first. Empty if it was not measured."""
    entries = measurements.of(scenario, producers)
    if not entries:
        return []
    side = [figure for figure in FIGURES if figure.scenario == scenario and figure.producers == producers]
    sizes = sorted({entry.workers for entry in entries if entry.workers})
    peers: dict[str, dict[int, Entry]] = {}
    for entry in entries:
        peers.setdefault(entry.peer, {})[entry.workers] = entry
    unit = measurements.units[entries[0]]

    def order(peer: str) -> float:
        return measurements.median(peers[peer][max(peers[peer])])

    head = [
        "",
        "who ran the tasks",
        *([f"{size} worker{'s' if size != 1 else ''}" for size in sizes] or ["no workers"]),
    ]
    lines = [head]
    for peer in sorted(peers, key=order):
        mine = peers[peer]
        executed_by = measurements.executed_by[next(iter(mine.values()))]
        shares = [share for entry in mine.values() for share in measurements.producer_share[entry]]
        who = WHO.get(executed_by, executed_by)
        if max(shares) > 0:
            who += f" (ran {100 * min(shares):.0f}-{100 * max(shares):.0f} %)"
        # Who has no workers is in the first column.
        cells = [
            _cell(measurements, mine.get(size) or (mine.get(0) if column == 0 else None), unit)
            for column, size in enumerate(sizes or [0])
        ]
        lines.append([peer, who, *cells])
    for peer in dict.fromkeys(figure.peer for figure in side):
        elsewhere = {figure.workers: figure for figure in side if figure.peer == peer}
        who = WHO[next(iter(elsewhere.values())).executed_by]
        lines.append([f"{peer} ({LABEL})", who, *[_side(elsewhere.get(size)) for size in sizes]])
    return aligned(lines, right=range(2, len(head)))


def _cell(measurements: Measurements, entry: Entry | None, unit: str) -> str:
    figure = measurements.figure(entry) if entry else None
    if figure is None:
        return ""
    divisor = DIVISORS.get(scale_of(figure.value, unit), 1)
    return f"{quantity(figure.value, unit)} [{number(figure.low / divisor)}..{number(figure.high / divisor)}]"


def _side(figure: side_run.Figure | None) -> str:
    if figure is None:
        return ""
    return f"{figure.low:g} ns" if figure.low == figure.high else f"{figure.low:g}-{figure.high:g} ns"


def goals(verdicts: Sequence[Verdict]) -> list[str]:
    """The ratio table: a line per goal."""
    lines = [["", "workers", "producers", "ours", "against", "takes", "goal", "measured", "spread", "verdict"]]
    group = None
    for line in verdicts:
        if line.group != group:
            group = line.group
            lines.append([group, *[""] * 9])
        lines.append(
            [
                f"  {line.goal}",
                str(line.workers),
                str(line.producers),
                quantity(line.value, line.unit),
                line.against,
                quantity(line.against_value, line.unit),
                f"{line.bound} {number(line.limit)}",
                number(line.figure),
                f"{number(line.low)} .. {number(line.high)}" if line.figure is not None else "",
                line.verdict,
            ]
        )
    return aligned(lines, right=(1, 2, 3, 5, 7))


def summary(verdicts: Sequence[Verdict]) -> str:
    """One line: how many goals are met, and which are not."""
    counted = {
        verdict: [line for line in verdicts if line.verdict == verdict] for verdict in (MET, MISSED, NOT_MEASURED)
    }
    return f"{len(counted[MET])} goals met, {len(counted[MISSED])} missed, {len(counted[NOT_MEASURED])} not measured"


def report(measurements: Measurements, verdicts: Sequence[Verdict]) -> list[str]:
    """Everything, as lines."""
    lines = []
    scenarios = dict.fromkeys(entry.scenario for entry in measurements.values)
    for scenario in scenarios:
        for producers in sorted({entry.producers for entry in measurements.of(scenario)}):
            lines += [
                f"{scenario}, {producers} producer{'s' if producers > 1 else ''}: median [lowest .. highest round]",
                *[f"  {line}" for line in costs(measurements, scenario, producers)],
                "",
            ]
    for entry, error in measurements.errors.items():
        lines.append(f"failed: {'/'.join(map(str, entry))}: {error}")
    if measurements.errors:
        lines.append("")
    return [*lines, *goals(verdicts), "", summary(verdicts)]
