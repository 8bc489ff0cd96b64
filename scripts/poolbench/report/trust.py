"""The machine of a run, how noisy it was, and what that means for trust in the numbers."""

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from poolbench.data import text_files
from poolbench.data.quantities import duration, size
from poolbench.data.run_data import RunData
from poolbench.report.cells import Cell, Scenario

WIDE = 0.1  # an interval of more than a tenth of its median


@dataclass
class Trust:
    machine: list[tuple[str, str]]
    noisy: bool
    sentences: list[str]
    scattered: list[Cell]  # the widest intervals first


def look_at(run: RunData, found: list[Scenario], noise: str) -> Trust:
    """`noise` is what the program says of it: what disturbed the run while it measured, or nothing."""
    contexts = _contexts(run)
    cells = [cell for scenario in found for cell in scenario.cells if cell.spread is not None]
    scattered = sorted((cell for cell in cells if (cell.spread or 0) > WIDE), key=lambda cell: -(cell.spread or 0))
    warnings = list(
        dict.fromkeys(line for context in contexts for line in context["environment"].get("warnings") or [])
    )
    sentences = [f"When the run began, {warning}." for warning in warnings]
    if noise:
        sentences.append(noise)
    noisy = bool(warnings or noise)
    if not noisy:
        sentences.append("Nothing says that the machine was busy with other work.")
    if found:
        sentences.append(_meaning(cells, scattered, noisy))
    low = [cell.coverage for cell in cells if cell.coverage is not None and cell.coverage < 0.945]
    if low:
        sentences.append(
            f"Intervals aim at 95 % and cover {100 * min(low):.1f} % where repetitions are fewest "
            f"({min(cell.n for cell in cells)})."
        )
    return Trust(_machine(run, contexts), noisy, sentences, scattered[:10])


def _meaning(cells: list[Cell], scattered: list[Cell], noisy: bool) -> str:
    if not cells:
        return "No cell has a median."
    typical = float(pd.Series([cell.spread for cell in cells]).median())
    text = f"Half of the medians are known to within {100 * typical:.1f} % or better"
    if scattered:
        text += f"; the intervals of {len(scattered)} of {len(cells)} cells are wider than {100 * WIDE:.0f} %"
    text += ". "
    if noisy:
        return text + "Trust the large differences, and measure the small ones again on a quiet machine."
    if scattered:
        return text + "The verdicts take that into account; a small difference between such cells stays undecided."
    return text + "Differences larger than that are what the verdicts build on."


def _contexts(run: RunData) -> list[dict[str, Any]]:
    """Of the runs whose rows count, in the order of their ids; what cannot be read is left out."""
    contexts = []
    for run_id in sorted({*run.rows.run_id, *run.arriving.run_id}):
        try:
            contexts.append(json.loads(text_files.read(run.directory / "context" / f"{run_id}.json")))
        except (OSError, ValueError):
            run.notes.append(f"context/{run_id}.json is not there or cannot be read: what it says is missing here")
    return contexts


def _machine(run: RunData, contexts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(what, value) of the last run."""
    if not contexts:
        return [("machine", run.machine)]
    context = contexts[-1]
    environment = context["environment"]
    commit = environment["commit"]
    lines = [
        ("machine", context["machine_line"]),
        ("cores that the program may use", f"{environment['cores']}, decided by: {environment['cores_decided_by']}"),
        ("memory", size(environment["memory_bytes"]) if environment["memory_bytes"] else "unknown"),
        ("virtual machine", "yes" if environment["virtualisation"] == "guest" else "none is seen"),
        ("frequency governor", environment["governor"] or "the kernel does not tell"),
        ("load average at the start", _decimals(environment["load1"], 2)),
        ("waiting for a CPU at the start", _decimals(environment["cpu_pressure_avg10"], 1, " % of the last 10 s")),
        ("sleeps ended late by", duration(context["calibration"]["sleep_lateness_ns"])),
        ("suite", f"{context['suite']}, seed {context['seed']}, order {context['order']}"),
        ("program", f"poolbench {environment['version']}, commit {commit}, {environment['compiler']}"),
        ("runs", ", ".join(f"{one['run_id']} ({one['started_utc'][:19]} UTC)" for one in contexts)),
    ]
    return [(what, str(value)) for what, value in lines]


def _decimals(value: Any, digits: int, unit: str = "") -> str:
    return f"{value:.{digits}f}{unit}" if isinstance(value, (int, float)) and value >= 0 else "unknown"
