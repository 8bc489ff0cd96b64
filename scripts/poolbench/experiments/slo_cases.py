"""Puts `poolbench recommend --rate --slo` to the proof: does its size keep the bound, and one fewer not?

    scripts/python -m poolbench.experiments.slo_cases POOLBENCH -o DIRECTORY [--budget 60s] [--seconds 30] [NAME...]

Asks for six kinds of work, then runs the recommended size, and one worker fewer than the stated minimum, for 30 seconds
each under clients that recommend has not seen (another seed). Leaves one JSON document per kind and table.md in
DIRECTORY. The workloads of the catalogue run as cells of a suite. The command is curl, which fetches from a server in
this process that answers after 40 ms; its fresh runs are made by a pool of threads of this interpreter, which knows
nothing of poolbench. NAMEs run only these. Exit code 1: fewer than five of six do as they were said to.

For a quiet machine. With two cores the rates below want 2 to 10 workers.
"""

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolbench.data import run_data, schema
from poolbench.experiments.recommend_cases import file_of, parse_cases, start_server

COMMAND = "command"
FRESH_SEED = 4711  # of the fresh runs; recommend has 1 and the few after it


@dataclass(frozen=True)
class Case:
    rate: int  # clients a second
    bound_ms: int  # of p99
    workload: str = ""  # of the catalogue; empty: the command
    task: str = ""


CASES: dict[str, Case] = {
    "sleep": Case(320, 100, "sleep", "20ms"),
    "mixed 4": Case(180, 100, "mixed:4", "20ms"),
    "mixed 39": Case(210, 150, "mixed:39", "40ms"),
    "spin": Case(130, 150, "spin", "10ms"),
    COMMAND: Case(45, 250),
    "http": Case(170, 150, "http_page", "30ms"),
}


@dataclass(frozen=True)
class Verified:
    """A size in a fresh run."""

    backend: str
    workers: int
    p99_ms: float  # infinite: it did not end
    keeps: bool


def suite_of(case: Case, choice: dict[str, Any], workers: int, seconds: int) -> str:
    return f"""name = "slo"
runs = 1
warmup = 0
timeout = "{10 * seconds}s"
seed = {FRESH_SEED}

[[grid]]
workload = "{case.workload}"
backend = "{choice["backend"]}"
workers = {workers}
strategy = "{choice["strategy"]}"
task = "{case.task}"
arrivals = "poisson:{case.rate}/s"
duration = "{seconds}s"
"""


def p99_of_suite(program: Path, suite: str, directory: Path) -> float:
    """Milliseconds, of the one cell of the suite."""
    file = directory / "suite.toml"
    file.write_text(suite)
    out = directory / "out"
    subprocess.run([program, "run", file, "-o", out, "--fresh"], stdout=subprocess.DEVNULL, check=False)
    rows = run_data.load(out).arriving
    good = rows[rows.status == schema.STATUS_OK]
    return float(good.sojourn_p99_ns.iloc[0]) / 1e6 if len(good) else math.inf


def p99_of_threads(call: Callable[[int], object], rate: float, seconds: float, workers: int) -> float:
    """Milliseconds; clients come at times drawn beforehand, and the first tenth of them does not count."""
    generator = random.Random(FRESH_SEED)
    arrivals: list[float] = []
    at = 0.0
    while (at := at + generator.expovariate(rate)) < seconds:
        arrivals.append(at)
    ends = [math.inf] * len(arrivals)

    def serve(client: int) -> None:
        call(client)
        ends[client] = time.monotonic()

    with ThreadPoolExecutor(workers) as pool:
        futures: list[Future[None]] = []
        start = time.monotonic()
        for client, arrival in enumerate(arrivals):
            time.sleep(max(0.0, start + arrival - time.monotonic()))
            futures.append(pool.submit(serve, client))
        for future in futures:
            future.result()
    return (
        nearest_rank([end - start - arrival for end, arrival in zip(ends, arrivals)][len(arrivals) // 10 :], 0.99) * 1e3
    )


def nearest_rank(values: list[float], q: float) -> float:
    return sorted(values)[max(0, math.ceil(q * len(values) - 1e-9) - 1)]


def run_fresh(program: Path, case: Case, found: dict[str, Any], workers: int, seconds: int, port: int) -> Verified:
    choice = found["choice"]
    if case.workload:
        with tempfile.TemporaryDirectory() as directory:
            p99 = p99_of_suite(program, suite_of(case, choice, workers, seconds), Path(directory))
    else:

        def fetch(client: int) -> object:
            return subprocess.run(command_for(port, str(client % 60 + 1)), stdout=subprocess.DEVNULL, check=True)

        p99 = p99_of_threads(fetch, case.rate, seconds, workers)
    return Verified(choice["backend"], workers, p99, p99 <= case.bound_ms)


def command_for(port: int, page: str) -> list[str]:
    return ["curl", "--silent", "--fail", f"http://127.0.0.1:{port}/{page}"]


def flags_of(case: Case, port: int) -> list[str]:
    asked = ["--rate", f"{case.rate}/s", "--slo", f"p99={case.bound_ms}ms"]
    if case.workload:
        return ["--workload", case.workload, "--task", case.task, *asked]
    return ["--range", "1..60", *asked, "--", *command_for(port, "{}")]


def as_it_said(size: Verified, fewer: Verified | None) -> bool:
    """One worker is the least there is: then there is nothing that could be too small."""
    return size.keeps and (fewer is None or not fewer.keeps)


def shown(size: Verified | None) -> str:
    if size is None:
        return "none"
    p99 = "does not end" if math.isinf(size.p99_ms) else f"{size.p99_ms:.3g} ms"
    return f"{size.backend} x {size.workers}: {p99}"


def row(name: str, document: dict[str, Any]) -> str:
    case, found = CASES[name], document["found"]
    bound = f"{case.rate}/s, p99 <= {case.bound_ms} ms"
    if not found["kept"]:
        return f"| {name} | {bound} | nothing | | | no |"
    size = Verified(**document["size"])
    fewer = Verified(**document["fewer"]) if document["fewer"] else None
    holds = f"{found['holds_up_to_per_s']:.4g}/s, {found['binds']}"
    verdict = "yes" if as_it_said(size, fewer) else "no"
    return f"| {name} | {bound} | {shown(size)} | {shown(fewer)} | {holds} | {verdict} |"


def table(documents: dict[str, dict[str, Any]]) -> str:
    lines = ["| work | asked | its size, fresh | one fewer than its minimum | holds up to, binds | as said |"]
    lines.append("|---|---|---|---|---|---|")
    lines += [row(name, documents[name]) for name in CASES if name in documents]
    return "\n".join(lines) + "\n"


def ask(program: Path, case: Case, budget: str, seconds: int, port: int) -> dict[str, Any]:
    command = [str(program), "recommend", "--json", "--budget", budget, *flags_of(case, port)]
    print(" ".join(command), file=sys.stderr)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.returncode)
    found = json.loads(done.stdout)
    document: dict[str, Any] = {"found": found, "size": None, "fewer": None}
    if found["kept"]:
        document["size"] = vars(run_fresh(program, case, found, found["choice"]["workers"], seconds, port))
        if found["minimum_workers"] > 1:
            document["fewer"] = vars(run_fresh(program, case, found, found["minimum_workers"] - 1, seconds, port))
    return document


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("poolbench", type=Path)
    parser.add_argument("--seconds", type=int, default=30, help="of a fresh run")
    options = parse_cases(parser, argv, CASES, budget="60s")
    port = start_server()
    for name in options.names or CASES:
        document = ask(options.poolbench.resolve(), CASES[name], options.budget, options.seconds, port)
        (options.output / file_of(name)).write_text(json.dumps(document, indent=1) + "\n")
    documents = {}
    for name in CASES:
        path = options.output / file_of(name)
        if path.exists():
            documents[name] = json.loads(path.read_text())
    lines = table(documents)
    (options.output / "table.md").write_text(lines)
    print(lines, end="")
    return 0 if sum(line.endswith("| yes |") for line in lines.splitlines()) >= 5 * len(documents) / 6 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
