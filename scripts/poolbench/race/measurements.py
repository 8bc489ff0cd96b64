"""race.csv, read: the values of each entry by round, their medians, and ratios of two entries with their spread."""

import csv
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolbench.data import schema, text_files
from poolbench.race.executors import Entry

OURS = ("thread_pool", "process_pool")


class UnreadableRace(Exception):
    """The file is no race.csv; the message says why."""


def median(values: Iterable[float]) -> float:
    """The mean of the two middle ones of an even number. NaN of none."""
    values = sorted(values)
    if not values:
        return math.nan
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


@dataclass(frozen=True)
class Figure:
    """A number of several rounds: that of the medians, and the lowest and highest of one round."""

    value: float
    low: float
    high: float
    rounds: int


class Measurements:
    """The rows of a race. `errors` are those of the rows that are not ok, by entry, the last of each."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self.values: dict[Entry, dict[int, float]] = {}  # by round
        self.units: dict[Entry, str] = {}
        self.executed_by: dict[Entry, str] = {}
        self.producer_share: dict[Entry, list[float]] = {}
        self.errors: dict[Entry, str] = {}
        for row in rows:
            entry = Entry(row["scenario"], row["peer"], int(row["workers"]), int(row["producers"]))
            if row["status"] != schema.STATUS_OK:
                self.errors[entry] = row["error"]
                continue
            self.values.setdefault(entry, {})[int(row["round"])] = float(row["value"])
            self.units[entry] = row["unit"]
            self.executed_by[entry] = row["executed_by"]
            self.producer_share.setdefault(entry, []).append(float(row["producer_share"]))

    def of(self, scenario: str, producers: int | None = None) -> list[Entry]:
        """The measured entries of a scenario."""
        return [entry for entry in self.values if entry.scenario == scenario and producers in (None, entry.producers)]

    def median(self, entry: Entry) -> float:
        """NaN if it was not measured."""
        return median(self.values.get(entry, {}).values())

    def figure(self, entry: Entry) -> Figure | None:
        """None if it was not measured."""
        return self.figure_of(entry) if entry in self.values else None

    def figure_of(self, entry: Entry) -> Figure:
        """REQUIRES: it was measured."""
        values = self.values[entry].values()
        return Figure(median(values), min(values), max(values), len(values))

    def ratio(self, over: Entry, under: Entry, factor: float = 1.0) -> Figure | None:
        """That of the medians, times the factor; its spread is that of the ratios within a round. None if there is
        none."""
        above, below = self.values.get(over, {}), self.values.get(under, {})
        both = [number for number in above if number in below]
        if not both or self.median(under) <= 0 or any(below[number] <= 0 for number in both):
            return None
        each = [factor * above[number] / below[number] for number in both]
        return Figure(factor * self.median(over) / self.median(under), min(each), max(each), len(both))

    def best(self, scenario: str, workers: int, producers: int, executed_by: str | None = None) -> Entry | None:
        """The entry with the lowest median among the peers, as many workers or none to choose; None if there is
        none."""
        peers = [
            entry
            for entry in self.of(scenario, producers)
            if entry.peer not in OURS
            and (entry.workers == workers or entry.workers == 0)
            and executed_by in (None, self.executed_by[entry])
        ]
        return min(peers, key=self.median) if peers else None


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a race.csv. A last line that was torn is no row. Raises UnreadableRace."""
    try:
        content = text_files.read(path)
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableRace(f"{path}: {error}") from error
    lines = content[: content.rfind("\n") + 1].splitlines()
    reader = csv.DictReader(lines)
    missing = [column for column in schema.RACE if column not in (reader.fieldnames or ())]
    if missing:
        raise UnreadableRace(
            f"{path}: no column {', '.join(missing)}; it was not written by this version of scripts/race"
        )
    rows = list(reader)
    if not rows:
        raise UnreadableRace(f"{path} holds no measurement")
    return rows


def load(directory: Path | str) -> tuple[Measurements, dict[str, Any]]:
    """The measurements and the context of a race. Raises UnreadableRace."""
    directory = Path(directory)
    try:
        context = json.loads(text_files.read(directory / "context.json"))
        context = {**context, "cores": int(context["cores"]), "machine_line": str(context["machine_line"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableRace(f"{directory}/context.json: {error!r}; is {directory} the directory of a race?") from error
    return Measurements(read(directory / "race.csv")), context
