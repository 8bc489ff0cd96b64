"""A race that nobody ran: rows as scripts/race writes them, in which every goal is met unless a test says otherwise."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poolbench.data import schema

CORES = 2
MACHINE_LINE = "synthetic machine, 2 cores, commit 1234567"
SIZES = (1, 2, 4, 10)
WHO = {
    "thread_pool": "workers",
    "process_pool": "workers",
    "asio": "workers",
    "moodycamel": "workers",
    "openmp": "helping",
    "std_async": "thread_per_task",
    "cpython_fork": "workers",
    "cpython_spawn": "workers",
    "loky": "workers",
    "memcpy": "caller",
}

# (scenario, peer, unit): value; the same for every size unless it is a dictionary.
VALUES = {
    ("detached", "thread_pool", "ns/task"): 30.0,
    ("detached", "asio", "ns/task"): {1: 200.0, 2: 300.0, 4: 400.0, 10: 800.0},
    ("detached", "moodycamel", "ns/task"): {1: 120.0, 2: 110.0, 4: 250.0, 10: 550.0},
    ("detached", "openmp", "ns/task"): 40.0,
    ("detached", "std_async", "ns/task"): {0: 15000.0},
    ("future", "thread_pool", "ns/task"): 90.0,
    ("future", "asio", "ns/task"): 500.0,
    ("future", "openmp", "ns/task"): 200.0,
    ("round_trip", "thread_pool", "ns"): 10000.0,
    ("round_trip", "asio", "ns"): 29000.0,
    ("round_trip_after_1ms", "thread_pool", "ns"): 5500.0,
    ("round_trip_after_1ms", "asio", "ns"): 5600.0,
    ("idle_cpu", "thread_pool", "ns/s"): {2: 0.0, 10: 0.0},
    ("sleep", "thread_pool", "ratio"): {2: 1.03, 10: 1.03},
    ("sleep", "asio", "ratio"): {2: 1.08, 10: 1.08},
    ("cpu", "thread_pool", "efficiency"): {2: 0.99, 10: 0.97},
    ("callback_on_worker", "thread_pool", "ns/task"): 20.0,
    ("process_callback", "process_pool", "ns/task"): {2: 90.0},
    ("process_pipelined", "process_pool", "ns/task"): {2: 250.0, 20: 255.0},
    ("process_pipelined", "cpython_fork", "ns/task"): {2: 54000.0},
    ("process_pipelined", "loky", "ns/task"): {2: 78000.0},
    ("process_map_100", "process_pool", "ns/task"): {2: 20.0},
    ("process_map_100", "cpython_fork", "ns/task"): {2: 930.0},
    ("process_map_100", "loky", "ns/task"): {2: 2300.0},
    ("process_round_trip", "process_pool", "ns"): {2: 2500.0},
    ("process_round_trip", "cpython_fork", "ns"): {2: 135000.0},
    ("process_round_trip_after_1ms", "process_pool", "ns"): {2: 5800.0},
    ("process_round_trip_after_1ms", "cpython_fork", "ns"): {2: 224000.0},
    ("process_echo_1mib", "process_pool", "ns/task"): {2: 48000.0},
    ("process_echo_1mib", "cpython_fork", "ns/task"): {2: 1680000.0},
    ("process_echo_1mib", "memcpy", "ns/task"): {0: 19000.0},
    ("process_start", "process_pool", "ns"): {2: 5e6},
    ("process_start", "cpython_fork", "ns"): {2: 21e6},
    ("process_start", "cpython_spawn", "ns"): {2: 61e6},
    ("process_start", "loky", "ns"): {2: 363e6},
    ("process_idle_cpu", "process_pool", "ns/s"): {2: 0.0, 20: 0.0},
    ("memory_detached", "thread_pool", "bytes/task"): {2: 48.0},
    ("memory_future", "thread_pool", "bytes/task"): {2: 144.0},
    ("clients_memory", "thread_pool", "bytes/task"): {10: 50.0},
    ("clients_memory", "std_async", "bytes/task"): {0: 8700.0},
}
WITH_PRODUCERS = ("detached", "future")


def rows(changed: Any = (), factors: Sequence[float] = (1.0,)) -> list[dict[str, Any]]:
    """The rows of as many rounds as there are factors, which every value is multiplied with. `changed` maps (scenario,
    peer), or (scenario, peer, workers), to another value, None to no row."""
    changed = dict(changed)
    made = []
    for number, factor in enumerate(factors):
        for (scenario, peer, unit), values in VALUES.items():
            for workers, value in (values if isinstance(values, dict) else dict.fromkeys(SIZES, values)).items():
                value = changed.get((scenario, peer, workers), changed.get((scenario, peer), value))
                if value is None:
                    continue
                for producers in (1, 4) if scenario in WITH_PRODUCERS else (1,):
                    made.append(row(number, scenario, peer, workers, producers, unit, value * factor))
    return made


def row(number: int, scenario: str, peer: str, workers: int, producers: int, unit: str, value: float) -> dict[str, Any]:
    return dict(
        zip(
            schema.RACE,
            (
                number,
                0,
                "2026-01-01T00:00:00+00:00",
                scenario,
                peer,
                WHO[peer],
                workers,
                producers,
                unit,
                value,
                1000,
                0.4 if WHO[peer] == "helping" else 0,
                0.1,
                schema.STATUS_OK,
                "",
            ),
            strict=True,
        )
    )


def write(directory: Path, written: list[dict[str, Any]]) -> Path:
    """race.csv and context.json. Returns the directory."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "race.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, schema.RACE, lineterminator="\n")
        writer.writeheader()
        writer.writerows(written)
    context = dict.fromkeys(schema.RACE_CONTEXT, "") | {"cores": CORES, "machine_line": MACHINE_LINE}
    (directory / "context.json").write_text(json.dumps(context), encoding="utf-8")
    return directory
