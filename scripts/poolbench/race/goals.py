"""The goals of the pools, each held against the measurements of one race: pure functions from medians to verdicts.

A goal is a figure - a ratio of two entries of the race, or a value - and its limit. The figure is that of the medians
over the rounds; its spread is the lowest and the highest of one round, whose entries ran beside each other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from poolbench.race.executors import Entry
from poolbench.race.measurements import Figure, Measurements
from poolbench.race.side_run import FIGURES, LABEL

MET, MISSED, NOT_MEASURED = "met", "missed", "not measured"
# A figure of another run than ours: shown, and counted as nothing.
NOT_COUNTED = {MET: f"({LABEL}: met)", MISSED: f"({LABEL}: missed)"}

AT_MOST, BELOW, AT_LEAST = "at most", "below", "at least"
_HOLDS: dict[str, Callable[[float, float], bool]] = {
    AT_MOST: lambda figure, limit: figure <= limit,
    BELOW: lambda figure, limit: figure < limit,
    AT_LEAST: lambda figure, limit: figure >= limit,
}

Formula = tuple[str, str, Figure]  # name, backend, measured minus exact model in ms

THREADS, PROCESSES = "thread_pool", "process_pool"

# What the goals leave open, fixed here before anything is measured.
FLAT = 1.25  # dearest over cheapest size that still counts as flat
NO_LOSS = 1.10  # cores*10 over cores workers that still counts as no loss
NO_WORSE = 1.05  # over the best that still counts as no worse
IDLE_NS_PER_S = 1000  # one part in a million: two clocks are read around the second


@dataclass(frozen=True)
class Verdict:
    """One line of the table, and of goals.csv: the columns of schema.GOALS."""

    group: str
    goal: str
    workers: int | str  # empty if it has none
    producers: int | str  # empty if it has none
    value: float | None  # ours, in `unit`; None if it was not measured
    unit: str
    against: str
    against_value: float | None
    bound: str
    limit: float
    figure: float | None
    low: float | None
    high: float | None
    rounds: int
    verdict: str


def verdict_of(bound: str, limit: float, figure: Figure | None) -> str:
    if figure is None:
        return NOT_MEASURED
    return MET if _HOLDS[bound](figure.value, limit) else MISSED


class Goals:
    """All verdicts of a race. `formulas` are (name, backend, Figure in ms) of measured minus exact model."""

    def __init__(self, measurements: Measurements, cores: int, formulas: Sequence[Formula] = ()) -> None:
        self._race, self._cores, self._formulas = measurements, cores, formulas

    def all(self) -> list[Verdict]:
        return [
            *self._throughput(),
            *self._thread_latency(),
            *self._work(),
            *self._callbacks(),
            *self._processes(),
            *self._formula_goals(),
            *self._clients(),
        ]

    # --- one line ----------------------------------------------------------------------------------------------------

    def _line(
        self,
        group: str,
        goal: str,
        entry: Entry,
        against: Entry | None,
        bound: str,
        limit: float,
        figure: Figure | None,
        against_value: float | None = None,
        label: str | None = None,
        counts: bool = True,
    ) -> Verdict:
        verdict = verdict_of(bound, limit, figure)
        value = self._race.median(entry)
        return Verdict(
            group=group,
            goal=goal,
            workers=entry.workers,
            producers=entry.producers,
            value=value if value == value else None,
            unit=self._race.units.get(entry, ""),
            against=label or (against.peer if against else ""),
            against_value=self._race.median(against) if against in self._race.values else against_value,
            bound=bound,
            limit=limit,
            figure=figure.value if figure else None,
            low=figure.low if figure else None,
            high=figure.high if figure else None,
            rounds=figure.rounds if figure else 0,
            verdict=verdict if counts else NOT_COUNTED.get(verdict, verdict),
        )

    def _against(
        self,
        group: str,
        goal: str,
        entry: Entry,
        against: Entry | None,
        bound: str,
        limit: float,
        factor: float = 1.0,
        label: str | None = None,
    ) -> Verdict:
        """`entry` over `against`."""
        figure = self._race.ratio(entry, against, factor) if against else None
        return self._line(group, goal, entry, against, bound, limit, figure, label=label)

    def _ahead(self, group: str, goal: str, entry: Entry, peer: Entry, limit: float) -> Verdict:
        """`peer` takes at least `limit` times as long as `entry`."""
        return self._line(group, goal, entry, peer, AT_LEAST, limit, self._race.ratio(peer, entry))

    def _value(self, group: str, goal: str, entry: Entry, bound: str, limit: float) -> Verdict:
        return self._line(group, goal, entry, None, bound, limit, self._race.figure(entry))

    # --- ThreadPool --------------------------------------------------------------------------------------------------

    def _sizes(self) -> list[int]:
        return sorted({1, 2, 4, self._cores, self._cores * 5})

    def _throughput(self) -> Iterator[Verdict]:
        group = "ThreadPool"
        for scenario, share in (("detached", 1 / 3), ("future", 1 / 2)):
            for producers in (1, 4):
                for workers in self._sizes():
                    ours = Entry(scenario, THREADS, workers, producers)
                    ahead = scenario == "detached" and workers == 2  # there the goal is to be ahead only
                    bound, limit = (BELOW, 1.0) if ahead else (AT_MOST, share)
                    goal = f"{scenario}, over the best workers-only peer"
                    yield self._against(
                        group,
                        goal,
                        ours,
                        self._race.best(scenario, workers, producers, "workers"),
                        bound,
                        limit,
                        label=None,
                    )
                    yield from self._beside(group, ours, "workers", goal, bound, limit)
                    goal = f"{scenario}, over the best helping peer"
                    yield self._against(
                        group, goal, ours, self._race.best(scenario, workers, producers, "helping"), BELOW, 1.0
                    )
                    yield from self._beside(group, ours, "helping", goal, BELOW, 1.0)
                yield self._flat(group, scenario, producers)

    def _beside(
        self, group: str, ours: Entry, executed_by: str, goal: str, bound: str, limit: float
    ) -> Iterator[Verdict]:
        """The same, against what a peer took elsewhere."""
        figures = [
            figure
            for figure in FIGURES
            if (figure.scenario, figure.executed_by, figure.workers, figure.producers)
            == (ours.scenario, executed_by, ours.workers, ours.producers)
        ]
        own = self._race.figure(ours)
        if not figures or own is None:
            return
        best = min(figures, key=lambda figure: figure.low)
        figure = Figure(own.value / best.low, own.low / best.high, own.high / best.low, own.rounds)
        yield self._line(
            group,
            goal,
            ours,
            None,
            bound,
            limit,
            figure,
            against_value=best.low,
            label=f"{best.peer} ({LABEL})",
            counts=False,
        )

    def _flat(self, group: str, scenario: str, producers: int) -> Verdict:
        sizes = [Entry(scenario, THREADS, workers, producers) for workers in self._sizes() if workers >= 2]
        goal = f"{scenario}, dearest over cheapest of 2 to cores*5 workers"
        measured = [entry for entry in sizes if entry in self._race.values]
        dearest = max(measured, key=self._race.median, default=sizes[-1])
        if len(measured) < len(sizes):
            return self._against(group, goal, dearest, None, AT_MOST, FLAT)
        cheapest = min(measured, key=self._race.median)
        return self._against(group, goal, dearest, cheapest, AT_MOST, FLAT, label=f"{cheapest.workers} workers")

    def _thread_latency(self) -> Iterator[Verdict]:
        group = "ThreadPool"
        for scenario, name in (
            ("round_trip", "idle round trip"),
            ("round_trip_after_1ms", "round trip after 1 ms idle"),
        ):
            for workers in self._sizes():
                yield self._against(
                    group,
                    f"{name}, over the best workers-only peer",
                    Entry(scenario, THREADS, workers, 1),
                    self._race.best(scenario, workers, 1, "workers"),
                    AT_MOST,
                    NO_WORSE,
                )
        for workers in sorted({self._cores, self._cores * 5}):
            yield self._value(
                group, "idle CPU time per second", Entry("idle_cpu", THREADS, workers, 1), AT_MOST, IDLE_NS_PER_S
            )

    def _work(self) -> Iterator[Verdict]:
        sizes = sorted({self._cores, self._cores * 5})
        for workers in sizes:
            ours = Entry("sleep", THREADS, workers, 1)
            yield self._value("Sleep tasks", "2000 x 1 ms, over list scheduling", ours, AT_MOST, 1.04)
            yield self._against(
                "Sleep tasks", "2000 x 1 ms, over the best peer", ours, self._race.best("sleep", workers, 1), BELOW, 1.0
            )
        for workers in sizes:
            yield self._value(
                "CPU tasks",
                "10,000 x 100 us, efficiency",
                Entry("cpu", THREADS, workers, 1),
                AT_LEAST,
                0.98 if workers == self._cores else 0.96,
            )

    def _callbacks(self) -> Iterator[Verdict]:
        for workers in self._sizes():
            yield self._value(
                "Callbacks",
                "on the worker, over a bare task",
                Entry("callback_on_worker", THREADS, workers, 1),
                BELOW,
                30,
            )
        yield self._value(
            "Callbacks",
            "in the main process, pipelined",
            Entry("process_callback", PROCESSES, self._cores, 1),
            BELOW,
            100,
        )

    # --- ProcessPool -------------------------------------------------------------------------------------------------

    def _processes(self) -> Iterator[Verdict]:
        group, cores = "ProcessPool", self._cores

        def ours(scenario: str, workers: int = cores) -> Entry:
            return Entry(scenario, PROCESSES, workers, 1)

        def peer(scenario: str, name: str, workers: int = cores) -> Entry:
            return Entry(scenario, name, workers, 1)

        pipelined = ours("process_pipelined")
        threads = Entry("future", THREADS, cores, 1)
        yield self._against(
            group, "pipelined empty task, over the ThreadPool's with future", pipelined, threads, AT_MOST, 3
        )
        for name in ("cpython_fork", "loky"):
            yield self._ahead(
                group, "pipelined empty task, ahead of Python's", pipelined, peer("process_pipelined", name), 100
            )
        for name in ("cpython_fork", "loky"):
            yield self._ahead(
                group,
                "map with chunksize 100, ahead of Python's",
                ours("process_map_100"),
                peer("process_map_100", name),
                20,
            )
        for scenario, goal, times in (
            ("process_round_trip", "round trip, ahead of CPython's", 30),
            ("process_round_trip_after_1ms", "round trip after 1 ms idle, ahead of CPython's", 25),
            ("process_echo_1mib", "1 MiB echo pipelined, ahead of CPython's", 20),
        ):
            yield self._ahead(group, goal, ours(scenario), peer(scenario, "cpython_fork"), times)
        yield self._against(
            group,
            "1 MiB echo pipelined, over a memcpy each way",
            ours("process_echo_1mib"),
            self._race.best("process_echo_1mib", 0, 1, "caller"),
            AT_MOST,
            1.5,
            factor=0.5,
        )
        yield self._ahead(
            group,
            "a pool of 2 ready, ahead of CPython's spawn",
            ours("process_start", 2),
            peer("process_start", "cpython_spawn", 2),
            10,
        )
        yield self._against(
            group,
            "pipelined, 10 x more workers than cores over cores",
            ours("process_pipelined", cores * 10),
            pipelined,
            AT_MOST,
            NO_LOSS,
            label=f"{cores} workers",
        )
        for workers in (cores, cores * 10):
            yield self._value(
                group, "idle CPU time per second", ours("process_idle_cpu", workers), AT_MOST, IDLE_NS_PER_S
            )

    # --- the rest ----------------------------------------------------------------------------------------------------

    def _formula_goals(self) -> Iterator[Verdict]:
        limits = {"thread": 0.6, "process": 0.8}
        if not self._formulas:
            yield Verdict(
                "Formulas at 1/10 scale",
                "measured minus exact model",
                "",
                "",
                None,
                "ms",
                "",
                None,
                BELOW,
                0.6,
                None,
                None,
                None,
                0,
                NOT_MEASURED,
            )
        for name, backend, figure in self._formulas:
            yield Verdict(
                "Formulas at 1/10 scale",
                f"{backend}, {name}: measured minus exact model",
                4,
                1,
                figure.value,
                "ms",
                "exact model",
                None,
                BELOW,
                limits[backend],
                figure.value,
                figure.low,
                figure.high,
                figure.rounds,
                verdict_of(BELOW, limits[backend], figure),
            )

    def _clients(self) -> Iterator[Verdict]:
        group, cores = "10,000 clients", self._cores
        for scenario, name in (
            ("memory_detached", "memory per queued task, detached"),
            ("memory_future", "memory per queued task, with future"),
        ):
            yield self._value(group, name, Entry(scenario, THREADS, cores, 1), AT_MOST, 200)
        waiting = Entry("clients_memory", THREADS, cores * 5, 1)
        yield self._against(
            group,
            "memory of 10,000 waiting tasks, over a thread per task",
            waiting,
            self._race.best("clients_memory", 0, 1, "thread_per_task"),
            BELOW,
            1.0,
        )
