"""Writes a suite of random cases, all strategies on both pools, or on event loops: is the exact model right where
nobody has looked?

    scripts/python -m poolbench.experiments.random_cases [--cases 320] [--seed 1] [--longest 480] > random.toml
    scripts/run random.toml -o results/random
    scripts/python -m poolbench.experiments.random_cases --cases 100 --on loops > random_loops.toml

Every case is a [[case]] of `sleep` tasks with durations and callbacks of its own: equal, uniform, bimodal or
exponential, 1 to 64 tasks on 1 to 16 workers, scaled so that the makespan is below --longest ms. On event loops tasks
wait or wait and compute, any number of them at once or a bounded one, on one thread or two. The same arguments give the
same suite.
"""

import argparse
import random
import sys

STRATEGIES = ("none", "worker", "main", "extra", "fused", "sync", "collect", "as_completed", "map")
BACKENDS = ("thread", "process")
LOOPS = ("coroutine", "io_uring", "fiber")
WORKLOADS_ON_LOOPS = {"sleep": 0.0, "mixed:39": 1 / 40, "mixed:9": 1 / 10, "mixed": 1 / 5}  # the share that computes
MOST_TASKS = 64
MOST_WORKERS = 16


def draw(generator: random.Random, count: int) -> list[float]:
    """`count` relative durations, of a family chosen at random."""
    family = generator.choice(("equal", "uniform", "bimodal", "exponential"))
    if family == "equal":
        return [1.0] * count
    if family == "uniform":
        return [generator.uniform(0.1, 2) for _ in range(count)]
    if family == "bimodal":
        return [generator.choice((0.25, 2.0)) for _ in range(count)]
    return [0.05 + generator.expovariate(1) for _ in range(count)]


def upper_bound(strategy: str, workers: int, parsers: int, tasks: list[float], callbacks: list[float]) -> float:
    """At least the makespan (Graham's bound, callbacks that have one server one after another)."""

    def graham(services: list[float], servers: int) -> float:
        return sum(services) / servers + max(services)

    if strategy == "sync":
        return sum(tasks) + sum(callbacks)
    if strategy in ("worker", "fused"):
        return graham([t + c for t, c in zip(tasks, callbacks)], workers)
    if strategy == "map":
        return sum(tasks) + sum(callbacks)  # one chunk may hold all
    servers = parsers if strategy == "extra" else 1
    return graham(tasks, workers) + graham(callbacks, servers)


def listed(key: str, durations: list[float], scale: float) -> str:
    return f"{key} = [" + ", ".join(f'"{int(each * scale)}us"' for each in durations) + "]"


def case(generator: random.Random, backend: str, strategy: str, longest_us: int) -> str:
    count = generator.randint(1, MOST_TASKS)
    workers = generator.randint(1, MOST_WORKERS)
    parsers = generator.randint(1, 4)
    tasks = draw(generator, count)
    share = generator.choice((0.02, 0.1, 0.5, 1.0, 2.0))
    callbacks = [0.0] * count if strategy == "none" else [share * c for c in draw(generator, count)]
    scale = generator.uniform(0.3, 1) * longest_us / upper_bound(strategy, workers, parsers, tasks, callbacks)
    lines = ["[[case]]", f'backend = "{backend}"', f'strategy = "{strategy}"', f"workers = {workers}"]
    if strategy == "extra":
        lines.append(f"parsers = {parsers}")
    if strategy == "map":
        lines.append(f"chunksize = {generator.randint(1, 8)}")
    lines.append(listed("task", tasks, scale))
    if strategy != "none":
        lines.append(listed("callback", callbacks, scale))
    return "\n".join(lines)


def bound_on_loop(workload: str, in_flight: int, tasks: list[float], callbacks: list[float]) -> float:
    """At least the makespan: the waits of `in_flight` at a time, and all that computes one after another."""
    computing = sum(tasks) * WORKLOADS_ON_LOOPS[workload] + sum(callbacks)
    return sum(tasks) / in_flight + max(tasks) + computing


def case_on_loop(generator: random.Random, backend: str, strategy: str, longest_us: int) -> str:
    count = generator.randint(1, MOST_TASKS)
    parsers = generator.randint(1, 4)
    workload = generator.choice(list(WORKLOADS_ON_LOOPS))
    in_flight = 0 if strategy == "sync" else generator.choice((0, 0, generator.randint(1, count)))
    tasks = draw(generator, count)
    share = generator.choice((0.02, 0.1, 0.5))
    callbacks = [0.0] * count if strategy == "none" else [share * c for c in draw(generator, count)]
    at_once = 1 if strategy == "sync" else in_flight or count
    scale = generator.uniform(0.3, 1) * longest_us / bound_on_loop(workload, at_once, tasks, callbacks)
    lines = ["[[case]]", f'backend = "{backend}"', f'strategy = "{strategy}"', f"workers = {generator.randint(1, 2)}"]
    lines.append(f'workload = "{workload}"')
    if in_flight:
        lines.append(f"in_flight = {in_flight}")
    if strategy == "extra":
        lines.append(f"parsers = {parsers}")
    lines.append(listed("task", tasks, scale))
    if strategy != "none":
        lines.append(listed("callback", callbacks, scale))
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=320, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=int, default=480, help="ms, of a makespan (default: %(default)s)")
    parser.add_argument(
        "--on", choices=("pools", "loops"), default="pools", help="which executors (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    if options.cases < 1 or options.longest < 1:
        parser.error("--cases and --longest are at least 1")
    generator = random.Random(options.seed)
    print(
        f"# Made by poolbench.experiments.random_cases --cases {options.cases} --seed {options.seed} "
        f"--longest {options.longest}{' --on loops' if options.on == 'loops' else ''}."
    )
    print('name = "random"')
    where = "on event loops" if options.on == "loops" else "on both pools"
    print(f'description = "Random cases, all strategies {where}: predicted against measured"')
    print('runs = 3\nwarmup = 0\ntimeout = "20s"')
    print(f"seed = {options.seed}\n")
    loops = options.on == "loops"
    strategies: tuple[str, ...] = STRATEGIES[:-1] if loops else STRATEGIES  # a loop has no map
    backends: tuple[str, ...] = LOOPS if loops else BACKENDS
    draw_case = case_on_loop if loops else case
    for index in range(options.cases):
        # In turn, so that each strategy has its share on each executor.
        strategy = strategies[index % len(strategies)]
        backend = backends[(index // len(strategies)) % len(backends)]
        print(draw_case(generator, backend, strategy, options.longest * 1000) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
