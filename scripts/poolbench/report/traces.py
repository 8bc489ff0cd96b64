"""The traced repetitions of a run, small enough to be a part of a page."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from poolbench.data.run_data import RunData
from poolbench.plots.timeline import CALLBACK_LANES
from poolbench.report.cells import Scenario

MOST_TASKS = 40_000  # in a page: about 1.5 MB


@dataclass
class Traces:
    listed: list[dict[str, Any]]  # for the page's script, but "table": that is its lanes for people
    left_out: int


def of_run(run: RunData, found: list[Scenario], most: int = MOST_TASKS) -> Traces:
    """Of each cell the repetition of the median makespan first, then the others, as far as they fit."""
    cells = [cell for scenario in found for cell in scenario.cells]
    groups = {key: group for key, group in run.tasks.groupby(["cell_id", "rep"], sort=False)}
    order: list[tuple[int, int, int]] = []  # rank within its cell, cell, repetition
    for number, cell in enumerate(cells):
        times = sorted((makespan, rep) for rep, makespan in cell.repetitions if (cell.id, rep) in groups)
        middle = (len(times) - 1) // 2
        reps = [rep for _, rep in times]
        order += [
            (rank, number, rep)
            for rank, rep in enumerate(reps[middle : middle + 1] + reps[:middle] + reps[middle + 1 :])
        ]
    listed = []
    tasks = left_out = 0
    for rank, number, rep in sorted(order, key=lambda one: (one[0] > 0, one[1], one[2])):
        group = groups[(cells[number].id, rep)]
        if tasks + len(group) > most:
            left_out += 1
            continue
        tasks += len(group)
        cell = cells[number]
        listed.append((number, rep, _trace(cell.id, cell.name, cell.scenario, cell.label, rep, rank == 0, group)))
    return Traces([trace for *_, trace in sorted(listed, key=lambda one: one[:2])], left_out)


def _trace(
    cell: str, name: str, scenario: str, label: str, rep: int, median: bool, group: pd.DataFrame
) -> dict[str, Any]:
    """`tasks` has 7 numbers per task: lane; ns submitted; from there to the start; from there to the end; lane of the
    callback, -1 for none; ns from the task's end to its start; from there to its end."""
    group = group.sort_values("task")
    workers = sorted(int(worker) for worker in set(group.worker))
    others = sorted({int(worker) for worker in group.callback_worker.dropna()} - set(workers))
    lane = {worker: place for place, worker in enumerate(workers + others)}
    kind = CALLBACK_LANES.get(label.partition("(")[0], "callbacks")
    names = [f"worker {worker}" for worker in workers]
    names += [kind if len(others) == 1 else f"{kind} {place}" for place in range(len(others))]
    numbers: list[int] = []
    for task in group.itertuples():
        submitted, started, finished = int(task.submitted_ns), int(task.started_ns), int(task.finished_ns)
        numbers += [lane[int(task.worker)], submitted, started - submitted, finished - started]
        if pd.notna(task.callback_started_ns):
            called, ended = int(task.callback_started_ns), int(task.callback_finished_ns)
            numbers += [lane[int(task.callback_worker)], called - finished, ended - called]
        else:
            numbers += [-1, 0, 0]
    spent = [(ran, ns) for ran, ns in zip(numbers[0::7], numbers[3::7])]
    called_by = [(ran, ns) for ran, ns in zip(numbers[4::7], numbers[6::7])]
    table = [
        {
            "name": name,
            "tasks": sum(ran == place for ran, _ in spent),
            "callbacks": sum(ran == place for ran, _ in called_by),
            "busy": sum(ns for ran, ns in spent + called_by if ran == place),
        }
        for place, name in enumerate(names)
    ]
    return {
        "table": table,
        "cell": cell,
        "name": name,
        "scenario": scenario,
        "rep": rep,
        "median": median,
        "lanes": names,
        "workers": len(workers),
        "kind": kind,
        "tasks": numbers,
    }
