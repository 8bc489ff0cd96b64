"""The page: everything that it shows, put into its templates. Equal input gives equal text."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from poolbench.data import quantities, run_data, schema
from poolbench.plots import style, timeline
from poolbench.report import cells, claims, latency, over_time, pictures, raw_rows, traces, trust, words
from poolbench.report.pictures import Picture

HERE = Path(__file__).parent
SCRIPTS = ("common.js", "explorer.js", "timeline.js", "rows.js")
MOST_PICTURES = 40  # of workloads in a page: each takes half a second to draw, and 25 kB
WORST = 20  # slow-downs beyond it share the darkest colour of the decision table


@dataclass
class Run:
    """One directory as the templates see it. `prefix` sets its anchors apart from those of other runs."""

    prefix: str
    name: str
    title: str
    data: run_data.RunData
    findings: dict[str, Any]
    scenarios: list[cells.Scenario]
    answers: list[words.Answer]
    trust: trust.Trust
    claims: list[claims.Row]
    pictures: dict[str, list[Picture]]  # by scenario
    latency: list[latency.Row]  # of cells whose tasks arrive
    latency_pictures: list[Picture]
    timelines: list[Picture]
    traces: traces.Traces
    rows: raw_rows.RawRows

    @cached_property
    def failures(self) -> list[Any]:
        table = pd.concat([self.data.rows, self.data.arriving])
        return list(table[table.status != schema.STATUS_OK].itertuples())

    @property
    def repetitions(self) -> int:
        return len(self.data.rows) + len(self.data.arriving)

    @cached_property
    def titles(self) -> dict[str, tuple[str, str]]:
        """Of each cell what it is called, and its work."""
        of_batches = {id: (cell.name, cell.scenario) for id, cell in self.names.items()}
        return of_batches | {row.id: (row.name, row.work) for row in self.latency}

    @property
    def undrawn(self) -> int:
        """Workloads that ought to have a picture, and are too many."""
        return len(_compared(self.scenarios)) - len(self.pictures)

    @property
    def drawn(self) -> str:
        """Which traced cells the pictures of the timelines show."""
        cells_traced = len({trace["cell"] for trace in self.traces.listed})
        shown = min(cells_traced, timeline.MAX_PANELS)
        return (
            f"each of {shown} cells" if shown == cells_traced else f"each of the first {shown} of {cells_traced} cells"
        )

    @property
    def executors(self) -> list[tuple[str, list[int]]]:
        """The columns of the decision table: an executor, its numbers of workers."""
        return cells.executors(self.scenarios)

    @cached_property
    def names(self) -> dict[str, cells.Cell]:
        return {cell.id: cell for scenario in self.scenarios for cell in scenario.cells}


def make(findings: dict[str, Any]) -> tuple[str, list[str]]:
    """The page's text, and notes about what is missing in it. Raises run_data.UnreadableRun."""
    runs = [_run(number, found, findings["runs"]) for number, found in enumerate(findings["runs"], 1)]
    comparisons = findings["comparisons"]
    found = [run.scenarios for run in runs]
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        duration=quantities.duration,
        median=words.median_text,
        next=words.next_text,
        ratio=cells.ratio_text,
        interval=cells.interval_text,
        signed=claims.signed,
        shade=_shade,
        slowdown=_slowdown,
    )
    text = environment.get_template("page.html").render(
        title=_title(runs),
        runs=runs,
        comparisons=comparisons,
        side_by_side=over_time.side_by_side(found, comparisons[0]) if len(runs) == 2 else [],
        histories=over_time.histories(found, [run.name for run in runs], comparisons) if len(runs) > 2 else [],
        claims_in_words=words.claims_in_words,
        style=Markup(_asset("assets/uPlot/uPlot.min.css") + _asset("assets/style.css")),
        scripts=[Markup(_asset("assets/uPlot/uPlot.iife.min.js"))]
        + [Markup(_asset(f"assets/{name}")) for name in SCRIPTS],
        data=Markup(_for_script(_data(runs))),
    )
    return text, [f"{run.name}: {note}" for run in runs for note in run.data.notes]


def _run(number: int, found: dict[str, Any], all_found: list[dict[str, Any]]) -> Run:
    directory = Path(found["directory"])
    data = run_data.load(directory)
    prefix = f"r{number}"
    scenarios = cells.scenarios(data)
    arrivals = latency.rows(data)
    name = directory.resolve().name
    same = sum(Path(other["directory"]).resolve().name == name for other in all_found)
    if same > 1:
        name = found["directory"]
    return Run(
        prefix=prefix,
        name=name,
        title=name if len(all_found) == 1 else f"{'ABC'[number - 1] + ': ' if len(all_found) == 2 else ''}{name}",
        data=data,
        findings=found,
        scenarios=scenarios,
        answers=words.answers(scenarios),
        trust=trust.look_at(data, scenarios, found["noise"]),
        claims=claims.rows(found["claims"]),
        pictures={
            scenario.title: pictures.of_scenario(data, scenario.title, f"{prefix}-s{place}-")
            for place, scenario in enumerate(_compared(scenarios)[:MOST_PICTURES])
        },
        latency=arrivals,
        latency_pictures=pictures.latencies(data, f"{prefix}-") if arrivals else [],
        timelines=pictures.timelines(data, f"{prefix}-"),
        traces=traces.of_run(data, scenarios),
        rows=raw_rows.read(
            directory, [cell.id for scenario in scenarios for cell in scenario.cells] + [row.id for row in arrivals]
        ),
    )


def _compared(scenarios: list[cells.Scenario]) -> list[cells.Scenario]:
    """Those with something to see: of one cell the table says all."""
    return [scenario for scenario in scenarios if len(scenario.cells) > 1]


def _title(runs: list[Run]) -> str:
    if len(runs) == 1:
        return f"poolbench: {runs[0].name}"
    return "poolbench: " + (" against ".join(run.name for run in runs) if len(runs) == 2 else f"{len(runs)} runs")


def _data(runs: list[Run]) -> dict[str, Any]:
    """What the page's scripts draw from."""
    backends = style.backends({cell.factors["backend"] for run in runs for cell in run.names.values()})
    names = {colour: name for colour, name in pictures.VARIABLES.items()}
    return {
        "looks": {
            backend: {"colour": names[look.colour.lower()], "marker": look.marker} for backend, look in backends.items()
        },
        "runs": [
            {
                "prefix": run.prefix,
                "scenarios": [
                    {"title": scenario.title, "cells": [_cell(cell) for cell in scenario.cells]}
                    for scenario in run.scenarios
                ],
                "traces": [
                    {name: value for name, value in trace.items() if name != "table"} for trace in run.traces.listed
                ],
                "columns": run.rows.columns,
                "constant": run.rows.constant,
            }
            for run in runs
        ],
    }


def _cell(cell: cells.Cell) -> dict[str, Any]:
    kept = ("id", "name", "factors", "repetitions", "failures", "median", "low", "high", "predicted", "best", "tie")
    everything = asdict(cell)
    return {name: everything[name] for name in kept}


def _shade(cell: cells.Cell) -> int:
    """0 (the best) to 5: how dark the cell's field of the decision table is."""
    ratio = min(cell.ratio or 1, WORST)
    return next(step for step, most in enumerate((1.02, 1.25, 2, 4, 10, WORST + 1)) if ratio <= most)


def _slowdown(cell: cells.Cell) -> str:
    """A tie can have a ratio below 1: its median is larger, but not its repetitions by and large."""
    ratio = cell.ratio or 1
    if ratio < 1 or cell.best:
        return "1×" if cell.wins else "≈ 1×"
    return f"{ratio:.2f}×" if ratio < 9.995 else f"{ratio:.1f}×"


def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _for_script(value: Any) -> str:
    """JSON that ends no script element, whatever names it holds."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
