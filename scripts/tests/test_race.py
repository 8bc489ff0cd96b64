"""The race: the arithmetic of its tables and verdicts on synthetic rows, its order, its files."""

import itertools
import os
import re
import sys
import unittest
from pathlib import Path
from typing import Any

from poolbench.data import schema
from poolbench.race import goals, measurements, rounds, table
from poolbench.race.executors import Entry
from tests import synthetic_race

SCRIPTS = Path(__file__).resolve().parent.parent


def judged(
    changed: Any = (), formulas: Any = (("main", "thread", measurements.Figure(0.1, 0.05, 0.2, 5)),), **options: Any
) -> list[goals.Verdict]:
    measured = measurements.Measurements(synthetic_race.rows(changed, **options))
    return goals.Goals(measured, synthetic_race.CORES, formulas).all()


def find(
    verdicts: list[goals.Verdict], goal: str, workers: int | None = None, producers: int = 1, against: str | None = None
) -> goals.Verdict:
    found = [
        line
        for line in verdicts
        if line.goal.startswith(goal)
        and workers in (None, line.workers)
        and line.producers == producers
        and against in (None, line.against)
    ]
    assert found, f"no goal {goal}"
    return found[0]


class Arithmetic(unittest.TestCase):
    def test_a_ratio_is_that_of_the_medians_and_its_spread_that_of_the_rounds(self) -> None:
        made = []
        for number, (ours, theirs) in enumerate(((10, 40), (20, 50), (30, 30))):
            made.append(synthetic_race.row(number, "detached", "thread_pool", 1, 1, "ns/task", ours))
            made.append(synthetic_race.row(number, "detached", "asio", 1, 1, "ns/task", theirs))
        measured = measurements.Measurements(made)
        ratio = measured.ratio(Entry("detached", "thread_pool", 1, 1), Entry("detached", "asio", 1, 1))
        self.assertEqual(ratio, measurements.Figure(20 / 40, 10 / 40, 30 / 30, 3))

    def test_a_round_in_which_one_of_both_failed_is_in_no_spread(self) -> None:
        made = synthetic_race.rows(factors=(1, 2, 3))
        for row in made:
            if (row["round"], row["scenario"], row["peer"]) == (2, "future", "asio"):
                row.update(status="error", value="", error="hung")
        measured = measurements.Measurements(made)
        self.assertEqual(measured.ratio(Entry("future", "thread_pool", 1, 1), Entry("future", "asio", 1, 1)).rounds, 2)
        self.assertEqual(measured.errors[Entry("future", "asio", 1, 1)], "hung")

    def test_the_median_of_an_even_number_lies_between_the_middle_ones(self) -> None:
        self.assertEqual(measurements.median([4, 1, 3, 2]), 2.5)
        self.assertEqual(measurements.median([9, 1, 2]), 2)
        self.assertTrue(measurements.median([]) != measurements.median([]))

    def test_the_best_peer_is_of_the_kind_asked_for_and_never_ours(self) -> None:
        measured = measurements.Measurements(synthetic_race.rows())
        self.assertEqual(measured.best("detached", 1, 1, "workers").peer, "moodycamel")
        self.assertEqual(measured.best("detached", 1, 1, "helping").peer, "openmp")
        self.assertEqual(measured.best("detached", 1, 1).peer, "openmp")
        self.assertIsNone(measured.best("cpu", 2, 1))


class Verdicts(unittest.TestCase):
    def test_every_goal_is_met_in_a_race_in_which_everything_is_fast(self) -> None:
        for line in judged():
            self.assertIn(line.verdict, (goals.MET, *goals.NOT_COUNTED.values()), line)

    def test_every_goal_is_missed_in_a_race_in_which_ours_are_slow(self) -> None:
        slow: dict[tuple[Any, ...], float] = {
            (scenario, peer): 1e12 for scenario, peer, _ in synthetic_race.VALUES if peer in measurements.OURS
        }
        slow[("cpu", "thread_pool")] = 0.5
        slow |= {
            ("detached", "thread_pool", 2): 1e9,
            ("process_pipelined", "process_pool", 2): 1e10,
            ("process_pipelined", "process_pool", 20): 1e12,
            ("future", "thread_pool", 2): 1e8,
        }
        for line in judged(slow, formulas=(("main", "process", measurements.Figure(0.9, 0.8, 1, 5)),)):
            self.assertIn(line.verdict, (goals.MISSED, *goals.NOT_COUNTED.values()), line)

    def test_nothing_is_met_that_was_not_measured(self) -> None:
        verdicts = goals.Goals(measurements.Measurements([]), synthetic_race.CORES).all()
        self.assertEqual({line.verdict for line in verdicts}, {goals.NOT_MEASURED})

    def test_one_size_that_is_missing_leaves_flatness_open(self) -> None:
        self.assertEqual(
            find(judged({("detached", "thread_pool", 4): None}), "detached, dearest").verdict, goals.NOT_MEASURED
        )

    def test_detached_needs_a_third_and_only_to_be_ahead_at_two_workers(self) -> None:
        at = {
            workers: find(judged({("detached", "thread_pool"): 39.9}), "detached, over the best workers-only", workers)
            for workers in synthetic_race.SIZES
        }
        self.assertEqual((at[1].verdict, at[1].against, at[1].against_value), (goals.MET, "moodycamel", 120.0))
        self.assertEqual(
            find(judged({("detached", "thread_pool"): 40.1}), "detached, over the best workers-only", 1).verdict,
            goals.MISSED,
        )
        self.assertEqual(
            find(judged({("detached", "thread_pool"): 109.0}), "detached, over the best workers-only", 2).verdict,
            goals.MET,
        )
        self.assertEqual(
            find(judged({("detached", "thread_pool"): 110.0}), "detached, over the best workers-only", 2).verdict,
            goals.MISSED,
        )

    def test_a_limit_itself_is_met_by_at_most_and_missed_by_below(self) -> None:
        self.assertEqual(find(judged({("sleep", "thread_pool"): 1.04}), "2000 x 1 ms, over list").verdict, goals.MET)
        self.assertEqual(
            find(judged({("callback_on_worker", "thread_pool"): 30}), "on the worker").verdict, goals.MISSED
        )

    def test_an_echo_may_take_one_and_a_half_copies_each_way(self) -> None:
        self.assertEqual(
            find(judged({("process_echo_1mib", "process_pool"): 57000}), "1 MiB echo pipelined, over").verdict,
            goals.MET,
        )
        self.assertEqual(
            find(judged({("process_echo_1mib", "process_pool"): 57100}), "1 MiB echo pipelined, over").verdict,
            goals.MISSED,
        )

    def test_a_start_is_compared_with_spawn_and_not_with_fork(self) -> None:
        line = find(judged({("process_start", "cpython_fork"): 1.0}), "a pool of 2 ready")
        self.assertEqual((line.against, line.figure, line.verdict), ("cpython_spawn", 61 / 5, goals.MET))

    def test_no_goal_is_judged_by_the_side_run_and_its_lines_say_so(self) -> None:
        side = [line for line in judged({("detached", "thread_pool"): 1e6}) if "side run" in line.against]
        self.assertTrue(side)
        for line in side:
            self.assertIn(line.verdict, goals.NOT_COUNTED.values())
        best = find(judged(), "detached, over the best workers-only", 10, against="Taskflow (side run)")
        self.assertEqual((best.against_value, best.figure), (295, 30 / 295))

    def test_the_formulas_of_threads_and_processes_have_limits_of_their_own(self) -> None:
        figure = measurements.Figure(0.7, 0.6, 0.8, 5)
        verdicts = {
            line.goal.partition(",")[0]: line.verdict
            for line in judged(formulas=(("main", "thread", figure), ("main", "process", figure)))
            if line.group.startswith("Formulas")
        }
        self.assertEqual(verdicts, {"thread": goals.MISSED, "process": goals.MET})


class Table(unittest.TestCase):
    def report(self, *arguments: Any, **options: Any) -> Any:
        measured = measurements.Measurements(synthetic_race.rows(*arguments, **options))
        return table.report(measured, goals.Goals(measured, synthetic_race.CORES).all())

    def test_a_contestant_s_line_has_its_medians_its_spread_and_who_ran_the_tasks(self) -> None:
        lines = self.report(factors=(1, 2, 3))
        line = next(line for line in lines if line.startswith("  openmp"))
        self.assertIn("the submitter helps (ran 40-40 %)", line)
        self.assertIn("80 ns [40..120]", line)

    def test_peers_of_the_side_run_are_labelled(self) -> None:
        lines = [line for line in self.report() if "dispenso" in line or "Taskflow" in line or "BS::" in line]
        self.assertGreater(len(lines), 6)
        for line in lines:
            self.assertIn("(side run)", line)

    def test_the_last_line_counts_the_verdicts(self) -> None:
        met, missed, open_ = map(
            int, (word for word in self.report({("sleep", "thread_pool"): 1.05})[-1].split() if word.isdigit())
        )
        self.assertEqual((missed, open_), (2, 1))  # no formulas here
        self.assertGreater(met, 50)

    def test_numbers_are_written_in_units_that_suit_them(self) -> None:
        self.assertEqual(
            [table.quantity(value, "ns") for value in (0, 12.34, 9999, 25000, 3.63e8)],
            ["0 ns", "12.3 ns", "9,999 ns", "25 us", "363 ms"],
        )
        self.assertEqual(table.quantity(47.9, "bytes/task"), "47.9 bytes")
        self.assertEqual(table.quantity(None, "ns"), "-")


class Order(unittest.TestCase):
    ENTRIES = [Entry(scenario, peer, workers, 1) for scenario in ("a", "b") for peer in "pqrstu" for workers in (1, 2)]

    def test_a_round_has_every_entry_once_and_those_of_a_size_beside_each_other(self) -> None:
        order = rounds.order_of_a_round(self.ENTRIES, 1, 0)
        self.assertEqual(sorted(order), sorted(self.ENTRIES))
        self.assertEqual(
            [(entry.scenario, entry.workers) for entry in order],
            [(s, w) for s in "ab" for w in (1, 2) for _ in "pqrstu"],
        )

    def test_it_follows_from_the_seed_and_the_round(self) -> None:
        def peers(seed: int, number: int) -> Any:
            return [entry.peer for entry in rounds.order_of_a_round(self.ENTRIES, seed, number)]

        self.assertEqual(peers(1, 0), peers(1, 0))
        self.assertNotEqual(peers(1, 0), peers(1, 1))
        self.assertNotEqual(peers(1, 0), peers(2, 0))

    def test_a_benchmark_s_name_is_an_entry(self) -> None:
        self.assertEqual(
            rounds.entry_of("race/detached/asio/workers:4/producers:1/iterations:1/manual_time"),
            Entry("detached", "asio", 4, 1),
        )


class Dictionary(unittest.TestCase):
    """docs/race_data.md has every column, key and scenario, and nothing else."""

    PAGE = (SCRIPTS.parent / "docs" / "race_data.md").read_text(encoding="utf-8")

    def listed(self, section: str, head: str) -> Any:
        lines = (
            self.PAGE.partition(f"\n## {section}\n")[2]
            .partition("\n## ")[0]
            .partition(f"\n| {head} |")[2]
            .splitlines()[2:]
        )
        rows = itertools.takewhile(lambda line: line.startswith("|"), lines)
        return [name for line in rows for name in re.findall(r"`(\w+)`", line.split("|")[1])]

    def test_of_columns_and_keys(self) -> None:
        self.assertEqual(tuple(self.listed("race.csv", "column")), schema.RACE)
        self.assertEqual(tuple(self.listed("goals.csv", "column")), schema.GOALS)
        self.assertEqual(tuple(self.listed("context.json", "key")), schema.RACE_CONTEXT)

    @unittest.skipUnless(os.environ.get("POOLBENCH_RACE_PROGRAMS"), "this build has no benchmarks")
    def test_of_scenarios(self) -> None:
        programs = [f"{os.environ['POOLBENCH_RACE_PROGRAMS']}/{name}" for name in rounds.PROGRAMS]
        entries = rounds.Contest(programs, sys.executable, 2, 1, 1).entries()
        self.assertEqual(set(self.listed("race.csv", "scenario")), {entry.scenario for entry in entries})


if __name__ == "__main__":
    unittest.main()
