"""Writes run directories with made-up numbers, for the tests of the plots and for looking at the pictures.

    scripts/python -m tests.synthetic_run OUTPUT [KIND]     (KIND: one of KINDS, default: default)

The makespans come from a small list-scheduling model with noise from a fixed seed: plausible, quick, and the same each
time. Only the form of the files is under test here, never the numbers.
"""

import csv
import heapq
import json
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from poolbench.data import schema

CORES = 2
MS = 1_000_000
Cell = dict[str, Any]  # its factors, and how many repetitions fail
Medians = tuple[str, dict[str, Any], list[int], int]  # cell_id, its factors, its sorted makespans, the predicted one

RUN_ID = "20260102T030405.000006Z-7"
MACHINE_ID, BUILD_ID = "00000000000000aa", "00000000000000bb"
MACHINE_LINE = "Synthetic CPU @ 2.00GHz, 2 of 2 cores, Linux 6.1.0, g++ 12.2 Release"


def cell(
    backend: str = "thread",
    workers: int = 2,
    workload: str = "sleep",
    strategy: str = "none",
    parsers: int = 0,
    tasks: int = 20,
    task_ms: float = 10.0,
    callback_ms: float = 0.0,
    failures: int = 0,
    **others: Any,
) -> Cell:
    """The factors of a cell; `failures` of its repetitions fail."""
    factors = {
        "backend": backend,
        "workers": workers,
        "workers_spec": str(workers),
        "cores": CORES,
        "workload": workload,
        "strategy": strategy,
        "parsers": parsers,
        "tasks": tasks,
        "distribution": "equal",
        "task_ns": int(task_ms * MS),
        "callback_ns": int(callback_ms * MS),
        "payload_bytes": 0,
        "chunksize": 1,
        "start_method": "exec" if backend == "process" else "none",
        "seed": 18446744073709551557,
    }
    factors.update(others)
    return {"factors": factors, "failures": failures}


def arriving_cells() -> list[Cell]:
    """For each picture of arrivals: two pools at three rates, three sizes at one, three full queues at two."""
    cells = [
        cell(backend, 2, workload="sleep", tasks=40, **arrivals(rate))
        for backend in ("thread", "process")
        for rate in (60, 120, 180)
    ]
    cells += [cell("thread", workers, workload="sleep", tasks=40, **arrivals(120)) for workers in (1, 4)]
    cells += [
        cell("thread", 2, workload="sleep", tasks=40, **arrivals(rate), queue=5, when_full=way)
        for rate in (120, 400)
        for way in ("block", "reject", "caller_runs")
    ]
    return cells


def arrivals(per_s: int) -> dict[str, Any]:
    return {"arrivals": f"poisson:{per_s}/s", "arrivals_spec": f"poisson:{per_s}/s"}


def default_cells() -> list[Cell]:
    cells = []
    for workload in ("sleep", "tcp_echo", "spin", "gil_spin", "file_io"):
        for backend in ("thread", "process"):
            for workers in (1, 2, 10):
                failed = {("tcp_echo", "process", 10): 2, ("file_io", "thread", 10): 5}.get(
                    (workload, backend, workers), 0
                )
                cells.append(cell(backend, workers, workload, failures=failed))
    for backend in ("thread", "process"):
        for strategy in ("worker", "main", "fused", "sync", "collect", "as_completed", "map"):
            for workers in (4,):
                cells.append(
                    cell(backend, workers, "http_page", strategy, tasks=16, callback_ms=4, payload_bytes=16384)
                )
        for parsers in (1, 2, 4):
            for workers in (4,):
                cells.append(
                    cell(
                        backend,
                        workers,
                        "http_page",
                        "extra",
                        parsers,
                        tasks=16,
                        callback_ms=4,
                        payload_bytes=16384,
                        failures=1 if (backend, parsers, workers) == ("thread", 4, 4) else 0,
                    )
                )
    return cells + arriving_cells()


def tutorial_cells() -> list[Cell]:
    cells = []
    for scale in (1, 10):
        for backend in ("thread", "process"):
            for distribution in ("linear", "equal"):
                cells.append(
                    cell(
                        backend,
                        4,
                        "sleep",
                        "worker" if backend == "thread" else "main",
                        tasks=4,
                        task_ms=(1000 if distribution == "linear" else 5000) / scale,
                        callback_ms=1000 / scale,
                        distribution=distribution,
                    )
                )
        cells.append(cell("process", 4, "sleep", "extra", 4, tasks=4, task_ms=5000 / scale, callback_ms=1000 / scale))
    return cells


def many_cells() -> list[Cell]:
    """More than fits anywhere: eight worker counts, four backends, a name that the scripts do not know."""
    cells = []
    for workload in ("sleep", "mixed"):
        for strategy in ("none", "worker", "main", "sync"):
            for backend in ("thread", "process", "thread_per_task", "inline", "a_backend_of_tomorrow"):
                for workers in (1, 2, 3, 4, 6, 8, 10, 16, 32):
                    if (backend == "inline") != (workers == 1 and backend == "inline"):
                        continue
                    if backend == "thread_per_task" and workers != 32:
                        continue
                    cells.append(
                        cell(
                            backend,
                            workers,
                            workload,
                            strategy,
                            tasks=32,
                            callback_ms=0 if strategy == "none" else 3,
                            distribution="heavy_tailed",
                        )
                    )
    return cells


KINDS: dict[str, Callable[[], list[Cell]]] = {
    "default": default_cells,
    "tutorial": tutorial_cells,
    "many": many_cells,
    "single": lambda: [cell()],
    "failed": lambda: [cell(failures=5), cell("process", failures=5)],
}


def schedule(factors: dict[str, Any], noise: Callable[[], float]) -> list[list[Any]]:
    """Per task (worker, started, finished, callback worker, callback started, finished), ns from the first submit."""
    count, workers, strategy = factors["tasks"], factors["workers"], factors["strategy"]
    if factors["distribution"] == "equal":
        scale = [1] * count
    else:
        scale = [i + 1 if factors["distribution"] == "linear" else 1 + 3 * (i % 5 == 0) for i in range(count)]
    busy = factors["workload"] in ("spin", "gil_spin")
    lock = factors["workload"] == "gil_spin" and factors["backend"] == "thread"
    slow = max(1, min(workers, count) / (1 if lock else CORES)) if busy else 1
    callback = factors["callback_ns"]
    inside = strategy in ("worker", "fused", "sync")
    free: list[tuple[int, int]] = [(0, worker) for worker in range(1 if strategy == "sync" else workers)]
    rows: list[list[Any]] = []
    for i in range(count):
        ready, worker = heapq.heappop(free)
        finish = ready + int(factors["task_ns"] * scale[i] * slow * noise())
        called: Any = int(callback * noise()) if strategy != "none" else None
        rows.append(
            [worker, ready, finish, worker, finish, finish + called]
            if inside
            else [worker, ready, finish] + [called] * 3
        )
        heapq.heappush(free, (finish + (called if inside else 0), worker))
    if not inside and strategy != "none":
        servers = [(0, workers + server) for server in range(max(1, factors["parsers"]))]
        order = range(count) if strategy in ("collect", "map") else sorted(range(count), key=lambda i: (rows[i][2], i))
        for i in order:
            ready, server = heapq.heappop(servers)
            start = max(ready, rows[i][2])
            rows[i][3:] = [server, start, start + rows[i][3]]
            heapq.heappush(servers, (rows[i][5], server))
    return rows


def makespan(rows: list[list[Any]]) -> int:
    return max(row[5] if row[5] is not None else row[2] for row in rows)


def write(
    directory: Path | str,
    cells: list[Cell],
    repetitions: int = 5,
    derived: bool = True,
    traced: Sequence[int] = (),
    context: bool = True,
) -> Path:
    """Writes the run directory; `traced` are the indices of the cells whose tasks are traced."""
    directory = Path(directory)
    (directory / "context").mkdir(parents=True, exist_ok=True)
    (directory / "tasks").mkdir(exist_ok=True)
    (directory / "derived").mkdir(exist_ok=True)
    random_numbers = random.Random(7)

    def noise() -> float:
        return 1 + abs(random_numbers.gauss(0, 0.02))

    results: list[list[Any]] = []
    tasks: list[list[Any]] = []
    medians: list[Medians] = []
    for number, each in enumerate(cells):
        cell_id = f"{number:016x}"
        factors, good = each["factors"], []
        for rep in range(-1, repetitions):
            warmup = rep < 0
            failed = not warmup and rep < each["failures"]
            rows = schedule(factors, noise)
            row: dict[str, Any] = dict.fromkeys(schema.RESULTS, 0)
            row.update(schema.RESULTS_LATER)
            row.update(factors)
            row.update(
                schema_version=schema.SCHEMA_VERSION,
                run_id=RUN_ID,
                machine_id=MACHINE_ID,
                build_id=BUILD_ID,
                cell_id=cell_id,
                rep=max(rep, 0),
                is_warmup=int(warmup),
                run_order=len(results),
                started_utc="2026-01-02T03:04:05.000006Z",
                status="crash" if failed else schema.STATUS_OK,
                error='worker 3 died, "signal 11"' if failed else "",
                load1=0.25,
            )
            if not failed:
                span = makespan(rows)
                row.update(
                    makespan_ns=span,
                    sum_task_ns=sum(r[2] - r[1] for r in rows),
                    longest_task_ns=factors["task_ns"],
                    cpu_user_ns=int(span * (1 if "spin" in factors["workload"] else 0.03) * noise()) + 2 * MS,
                    cpu_sys_ns=int(MS * noise() * (5 if factors["backend"] == "process" else 1)),
                    rss_peak_bytes=int(
                        (6 + (5 if factors["backend"] == "process" else 0.1) * factors["workers"]) * 2**20 * noise()
                    ),
                )
                if not warmup:
                    good.append(span)
                    if number in traced:
                        tasks += [
                            [
                                cell_id,
                                rep,
                                i,
                                r[0],
                                100 + r[0],
                                100 + r[0],
                                0,
                                r[1],
                                r[2],
                                *("" if v is None else v for v in (r[4], r[5], r[3])),
                                *(("", "") if r[3] is None else (1, 1)),
                                f"{i:016x}",
                                "",
                            ]
                            for i, r in enumerate(rows)
                        ]
            results.append([row[column] for column in schema.RESULTS])
        medians.append((cell_id, factors, sorted(good), makespan(schedule(factors, lambda: 1))))

    _write_csv(directory / "results.csv", schema.RESULTS, results)
    if tasks:
        _write_csv(directory / "tasks" / f"{RUN_ID}.csv", schema.TASKS, tasks)
    if context:
        document: dict[str, Any] = dict.fromkeys(schema.CONTEXT, "")
        document.update(
            run_id=RUN_ID,
            machine_line=MACHINE_LINE,
            environment=dict.fromkeys(schema.CONTEXT_ENVIRONMENT, ""),
            calibration=dict.fromkeys(schema.CONTEXT_CALIBRATION, 1.0),
        )
        (directory / "context" / f"{RUN_ID}.json").write_text(json.dumps(document), encoding="utf-8")
    if derived:
        _write_derived(directory / "derived", medians)
    return directory


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def main(argv: list[str]) -> int:
    output, kind = argv[0], argv[1] if len(argv) > 1 else "default"
    cells = KINDS[kind]()
    traced = [index for index, each in enumerate(cells) if each["factors"]["workload"] in ("http_page", "sleep")][:40]
    print(write(output, cells, traced=traced))
    return 0


def _scenario(cell_id: str, factors: dict[str, Any]) -> str:
    """A title as the program's, with everything in it that tells scenarios apart."""
    title = f"{factors['workload']}: {factors['tasks']} tasks of {factors['task_ns'] / MS:g}ms"
    if factors["distribution"] != "equal":
        title += f" ({factors['distribution']})"
    if factors["strategy"] == "none":
        title += ", no callbacks"
    elif factors["callback_ns"]:
        title += f", callbacks of {factors['callback_ns'] / MS:g}ms"
    if factors["payload_bytes"]:
        title += f", {factors['payload_bytes']} bytes"
    return title + (f", case {int(cell_id, 16)}" if factors["distribution"] == "explicit" else "")


def _claim(verdict: str) -> list[Any]:
    """One of which 240 ms are claimed, with a tolerance of 10 ms."""
    row: dict[str, Any] = dict.fromkeys(schema.CLAIMS, "")
    measured = {"holds": 241 * MS, "refuted": 360 * MS}.get(verdict, 0 * MS)
    row.update(
        id=f"it_{verdict}",
        verdict=verdict,
        claim=f"a claim that {verdict}",
        predicted_ns=240 * MS,
        tolerance_ns=10 * MS,
    )
    row.update(measured_ns=measured, ci_low_ns=measured - MS, ci_high_ns=measured + MS)
    return [row[column] for column in schema.CLAIMS]


def _write_derived(directory: Path, medians: list[Medians]) -> None:
    summary, model, latency, closed_loop = [], [], [], []
    opened = {
        (f["backend"], f["workers"]) for _, f, _, _ in medians if f.get("arrivals", schema.CLOSED) != schema.CLOSED
    }
    best: dict[tuple[Any, ...], int] = {}
    for _, factors, good, _ in medians:
        if good:
            key = (factors["workload"], factors["callback_ns"], factors["task_ns"], factors["distribution"])
            best[key] = min(best.get(key, good[len(good) // 2]), good[len(good) // 2])
    for cell_id, factors, good, predicted in medians:
        key = (factors["workload"], factors["callback_ns"], factors["task_ns"], factors["distribution"])
        row: dict[str, Any] = dict.fromkeys(schema.SUMMARY, "")
        row.update(cell_id=cell_id, n=len(good), scenario=_scenario(cell_id, factors), disturbed=0)
        if good:
            median = good[(len(good) - 1) // 2]
            row.update(
                median_ns=median,
                ci_low_ns=good[0],
                ci_high_ns=good[-1],
                best=int(median == best[key]),
                ties=int(best[key] < median < 1.01 * best[key]),
                failed=0,
                ci_coverage=0.9375,
                **dict.fromkeys(("ratio", "ratio_low", "ratio_high"), median / best[key]),
            )
            line: dict[str, Any] = dict.fromkeys(schema.MODEL, "")
            line.update(
                cell_id=cell_id,
                strategy=factors["strategy"],
                predicted_ns=predicted,
                formula="simulate",
                in_domain=1,
                basis="measured at 1 worker" if factors["workload"] == "file_io" else schema.BASIS_REQUESTED,
                residual_pct=100 * (median / predicted - 1),
            )
            model.append([line[column] for column in schema.MODEL])
        summary.append([row[column] for column in schema.SUMMARY])
        if factors.get("arrivals", schema.CLOSED) != schema.CLOSED:
            latency.append(_latency(cell_id, factors))
        elif (factors["workload"], factors["strategy"]) == ("sleep", "none"):
            if (factors["backend"], factors["workers"]) in opened:
                times = [int(factors["task_ns"] * share) for share in (1.01, 1, 1.02, 1.03, 1.02, 1.05, 1.06, 1, 1)]
                closed_loop.append([cell_id, 100, *times])
    _write_csv(directory / "rules.csv", schema.RULES, _rules())
    if closed_loop:
        _write_csv(directory / "closed_loop.csv", schema.CLOSED_LOOP, closed_loop)
    _write_csv(directory / "summary.csv", schema.SUMMARY, summary)
    _write_csv(directory / "model.csv", schema.MODEL, model)
    _write_csv(
        directory / "claims.csv", schema.CLAIMS, [_claim(verdict) for verdict in ("holds", "refuted", "inconclusive")]
    )
    if latency:
        _write_csv(directory / "latency.csv", schema.LATENCY, latency)


def _rules() -> list[list[Any]]:
    """One that costs more the longer tasks wait and misses the clients' bound, and one that cannot be told apart."""
    rows: list[list[Any]] = []
    for kind in ("batch", "rate"):
        for ratio in (0.01, 4, 39):
            missed = int(kind == "rate" and ratio == 39)
            regret: list[Any] = [""] * 3 if missed else [20 * ratio, 18 * ratio, 22 * ratio]
            verdict = "fails" if missed or ratio > 5 else "costs"
            rows.append(["processes", "cores", "a book", kind, ratio, 4 - 4 * missed, 4 * missed, 0, *regret, verdict])
            rows.append(["anyio", "40", "a page", kind, ratio, 4, 0, 0, 3, -1, 7, schema.RULE_OPEN])
    return rows


def _latency(cell_id: str, factors: dict[str, Any]) -> list[Any]:
    """Something like a hockey stick."""
    offered = int(factors["arrivals"].split(":")[1].removesuffix("/s"))
    capacity = 1e9 * factors["workers"] / factors["task_ns"]
    crowd = 1 / max(0.05, 1 - offered / capacity)
    row: dict[str, Any] = dict.fromkeys(schema.LATENCY, "")
    for number, name in enumerate(("p50", "p95", "p99", "p999")):
        value = int(factors["task_ns"] * (1 + number * crowd))
        row.update({f"{name}_ns": value, f"{name}_low_ns": int(0.9 * value), f"{name}_high_ns": int(1.2 * value)})
        row[f"predicted_{name}_ns"] = int(0.95 * value)
    row.update(
        cell_id=cell_id,
        clients=180,
        arrived=200,
        rejected=0,
        late_by_deadline=50 if factors.get("deadline_ns") else 0,
        max_ns=row["p999_ns"],
        offered_per_s=offered,
        completed_per_s=min(offered, capacity),
        queue_max=3,
        release_lag_p99_ns=60_000,
        little_pct=0.1,
    )
    return [row[column] for column in schema.LATENCY]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
