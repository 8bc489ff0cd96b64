"""The race: the arithmetic of its tables and verdicts on synthetic rows, its order, its files, its pictures, its
contestants."""

import contextlib
import csv
import io
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import plot
from poolbench.data import run_data, schema
from poolbench.plots import race as pictures
from poolbench.plots import style
from poolbench.race import __main__ as program
from poolbench.race import executors, goals, measurements, rounds, table
from poolbench.race.executors import Entry
from tests import synthetic_race, synthetic_run

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


class Directory(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)


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

    @unittest.skipUnless(os.environ.get("POOLBENCH_RACE_PROGRAM"), "this build has no benchmarks")
    def test_of_scenarios(self) -> None:
        entries = rounds.Contest(os.environ["POOLBENCH_RACE_PROGRAM"], sys.executable, 2, 1, 1).entries()
        self.assertEqual(set(self.listed("race.csv", "scenario")), {entry.scenario for entry in entries})


class Running(Directory):
    class Contest(rounds.Contest):
        def __init__(self, failing: str | None) -> None:
            self.failing = failing

        def measure(self, entry: Entry) -> dict[str, Any]:
            row = {
                **entry._asdict(),
                "status": "ok",
                "error": "",
                "value": 1.0,
                "unit": "ns",
                "executed_by": "workers",
                "producer_share": 0,
            }
            return {**entry._asdict(), "status": "error", "error": "hung"} if entry.peer == self.failing else row

    def test_every_measurement_is_a_row_also_one_that_failed(self) -> None:
        path = self.directory / "race.csv"
        failures = rounds.race(
            self.Contest("bad"),
            [Entry("round_trip", "good", 1, 1), Entry("round_trip", "bad", 1, 1)],
            3,
            1,
            path,
            io.StringIO(),
        )
        read = measurements.read(path)
        self.assertEqual((failures, len(read), tuple(read[0])), (3, 6, schema.RACE))
        self.assertEqual([row["run_order"] for row in read], list("012345"))
        self.assertEqual(measurements.Measurements(read).errors, {Entry("round_trip", "bad", 1, 1): "hung"})

    def test_no_round_is_started_that_would_likely_end_after_the_budget(self) -> None:
        ticks = iter(range(0, 1000, 10))  # ten seconds between two looks at the clock
        path, said = self.directory / "race.csv", io.StringIO()
        rounds.race(
            self.Contest("bad"),
            [Entry("round_trip", "good", 1, 1)],
            9,
            1,
            path,
            said,
            budget=65,
            clock=lambda: next(ticks),
        )
        # Round 1 ends at 10; at 20 two look like 40; round 2 ends at 30; at 40 three look like 60; round 3 ends at 50.
        self.assertEqual([row["round"] for row in measurements.read(path)], ["0", "1", "2"])
        self.assertIn("3 of 9 rounds fit into 65 s", said.getvalue())

    def test_what_hangs_is_asked_to_end_first(self) -> None:
        tidied = self.directory / "tidied"
        said = rounds.run_to_its_end(["sh", "-c", f"trap 'touch {tidied}; exit' TERM; sleep 1000 & wait"], 1)
        self.assertEqual((said, tidied.exists()), ("hung: killed after 1 s", True))

    def test_what_hangs_and_will_not_end_is_killed_with_its_children(self) -> None:
        pid = self.directory / "pid"
        said = rounds.run_to_its_end(["sh", "-c", f"trap '' TERM; sleep 1000 & echo $! >{pid}; wait"], 1)
        self.assertEqual(said, "hung: killed after 1 s")
        child = Path(f"/proc/{pid.read_text().strip()}/stat")
        deadline = time.monotonic() + 30  # it is gone, or waits for init to take notice
        while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
            self.assertLess(time.monotonic(), deadline)

    def test_a_program_that_fails_says_why(self) -> None:
        self.assertEqual(
            rounds.run_to_its_end(["sh", "-c", "echo first >&2; echo because >&2; exit 7"], 60), "exit code 7: because"
        )
        self.assertEqual(rounds.run_to_its_end(["true"], 60), "")

    def test_a_torn_last_line_is_no_row_and_a_foreign_file_is_refused(self) -> None:
        synthetic_race.write(self.directory, synthetic_race.rows())
        path = self.directory / "race.csv"
        complete = len(measurements.read(path))
        path.write_text(path.read_text(encoding="utf-8") + "0,1,2026", encoding="utf-8")
        self.assertEqual(len(measurements.read(path)), complete)
        path.write_text("a,b\n1,2\n", encoding="utf-8")
        with self.assertRaisesRegex(measurements.UnreadableRace, "no column round"):
            measurements.read(path)


class Command(Directory):
    def call(self, *arguments: object) -> tuple[Any, str, str]:
        with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(io.StringIO()) as errors:
            code: Any
            try:
                code = program.main([str(argument) for argument in arguments])
            except SystemExit as exit_:
                code = exit_.code
        return code, output.getvalue(), errors.getvalue()

    def test_a_directory_is_judged_again(self) -> None:
        directory = synthetic_race.write(self.directory / "race", synthetic_race.rows())
        synthetic_run.write(directory / "formulas", [synthetic_run.cell(strategy="main", callback_ms=2)])
        code, output, _ = self.call("--show", directory)
        self.assertEqual((code, output.splitlines()[-1]), (0, str(directory)))
        self.assertEqual((directory / "report.txt").read_text(encoding="utf-8").splitlines(), output.splitlines()[:-1])
        with open(directory / "goals.csv", newline="", encoding="utf-8") as file:
            read = list(csv.DictReader(file))
        self.assertEqual(tuple(read[0]), schema.GOALS)
        self.assertEqual(
            sum(line["group"].startswith("Formulas") and line["verdict"] != goals.NOT_MEASURED for line in read), 1
        )

    def test_bad_usage_is_said_in_a_line(self) -> None:
        code, _, errors = self.call("--show", self.directory)
        self.assertEqual((code, len(errors.splitlines())), (2, 1))
        self.assertEqual(self.call("--rounds", "0")[0], 2)
        self.assertEqual(self.call("--filter", "(")[0], 2)
        self.assertEqual(self.call("--program", "/bin/true")[0], 1)

    @unittest.skipUnless(os.environ.get("POOLBENCH_RACE_PROGRAM"), "this build has no benchmarks")
    def test_a_small_race_from_the_programs_to_the_report(self) -> None:
        arguments = [
            "--program",
            os.environ["POOLBENCH_RACE_PROGRAM"],
            "--race-python",
            sys.executable,
            "--rounds",
            2,
            "--seconds",
            0.001,
        ]
        directory = self.directory / "race"
        code, output, errors = self.call(
            *arguments,
            "--filter",
            "^(detached/(thread_pool|asio|cpython_thread)/2/1|process_start/cpython_fork)",
            "-o",
            directory,
        )
        self.assertEqual((code, output.splitlines()[-1:]), (0, [str(directory)]), errors)
        rows = measurements.read(directory / "race.csv")
        self.assertEqual(len(rows), 2 * 4)
        for row in rows:
            self.assertEqual((row["status"], row["executed_by"]), ("ok", "workers"))
            self.assertGreater(float(row["value"]), 0)
        self.assertEqual(
            set(json.loads((directory / "context.json").read_text(encoding="utf-8"))), set(schema.RACE_CONTEXT)
        )
        self.assertEqual(self.call(*arguments, "-o", directory)[0], 2)  # nothing is overwritten
        self.assertEqual(self.call(*arguments, "--filter", "nobody")[0], 2)


class Pictures(Directory):
    def draw(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        style.apply_defaults()
        figures = pictures.draw(
            measurements.Measurements(rows), {"cores": 2, "machine_line": synthetic_race.MACHINE_LINE}
        )
        for _, figure in figures:
            figure.draw_without_rendering()
        return dict(figures)

    def texts(self, figure: Any) -> str:
        return "\n".join(
            text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))
        ).replace("\n", " ")

    def test_both_are_written_as_png_and_svg(self) -> None:
        synthetic_race.write(self.directory, synthetic_race.rows(factors=(1, 1.1, 0.9)))
        with contextlib.redirect_stdout(io.StringIO()) as output:
            self.assertEqual(pictures.main([str(self.directory)]), 0)
        self.assertEqual(
            [Path(line).name for line in output.getvalue().splitlines()],
            [f"race-{name}.{suffix}" for name in ("threads", "processes") for suffix in ("png", "svg")],
        )

    def test_plot_py_draws_a_race_as_it_draws_a_run(self) -> None:
        synthetic_race.write(self.directory, synthetic_race.rows())
        with contextlib.redirect_stdout(io.StringIO()) as output:
            self.assertEqual(plot.main([str(self.directory), "-o", str(self.directory / "elsewhere")]), 0)
        self.assertEqual(
            [Path(line) for line in output.getvalue().splitlines()],
            [
                self.directory / f"elsewhere/race-{name}.{suffix}"
                for name in ("threads", "processes")
                for suffix in ("png", "svg")
            ],
        )

    def test_they_name_the_machine_everybody_and_the_side_run(self) -> None:
        figures = self.draw(synthetic_race.rows())
        for figure in figures.values():
            self.assertIn(synthetic_race.MACHINE_LINE, self.texts(figure))
        for word in (
            "thread_pool",
            "moodycamel",
            "openmp",
            "std_async",
            "dispenso (side run)",
            "detached (post), 4 producers",
            "with a future",
        ):
            self.assertIn(word, self.texts(figures["race-threads"]))
        for word in ("cpython_spawn", "loky", "1 MiB echoed", "12.2×"):
            self.assertIn(word, self.texts(figures["race-processes"]))

    def test_a_race_of_a_few_is_drawn_and_one_without_data_is_not(self) -> None:
        some = [row for row in synthetic_race.rows() if row["scenario"] == "future" and row["workers"] in (0, 2)]
        self.assertEqual(list(self.draw(some)), ["race-threads"])
        with self.assertRaises(run_data.Absent):
            self.draw([row for row in synthetic_race.rows() if row["scenario"] == "cpu"])

    def test_an_unreadable_directory_is_bad_usage(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            self.assertEqual(pictures.main([str(self.directory)]), 2)
        self.assertEqual(len(errors.getvalue().splitlines()), 1)


class PythonExecutors(Directory):
    def run_script(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "poolbench.race.measure_python", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )

    def test_cpython_s_executors_do_the_work_of_every_scenario(self) -> None:
        for entry in executors.entries(2):
            if entry.peer in ("cpython_thread", "cpython_fork") and entry.workers == 2:
                measured = executors.measure(entry, executors.Effort(seconds=0.001))
                self.assertGreater(measured.value, 0, entry)
                self.assertGreater(measured.tasks, 0, entry)

    def test_the_sizes_are_those_of_the_race(self) -> None:
        self.assertEqual(
            [entry.workers for entry in executors.entries(2) if entry.scenario == "detached"], [1, 2, 4, 10]
        )
        self.assertEqual(
            {entry.peer for entry in executors.entries(2) if entry.scenario == "process_start"},
            {"cpython_fork", "cpython_spawn", "loky"},
        )

    def test_a_line_has_the_median_and_the_spread(self) -> None:
        output = self.directory / "lines.json"
        done = self.run_script(
            "future/cpython_thread/1", "--cores", 1, "--seconds", 0.001, "--repetitions", 3, "-o", output
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        (line,) = [json.loads(text) for text in output.read_text(encoding="utf-8").splitlines()]
        self.assertEqual(
            (line["scenario"], line["peer"], line["workers"], line["unit"], len(line["values"])),
            ("future", "cpython_thread", 1, "ns/task", 3),
        )
        self.assertEqual(sorted(line["values"]), [line["low"], line["median"], line["high"]])

    def test_an_executor_that_fails_is_a_line_with_an_error(self) -> None:
        blocked = self.directory / "joblib.py"
        blocked.write_text("raise ImportError('not here')\n", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "poolbench.race.measure_python", "process_start/loky/2", "--repetitions", "1"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": f"{self.directory}:{SCRIPTS}"},
        )
        self.assertEqual((done.returncode, json.loads(done.stdout)["error"]), (1, "ImportError: not here"))

    def test_bad_usage(self) -> None:
        done = self.run_script("detached/cpython_thred/1")
        self.assertEqual(
            (done.returncode, done.stderr),
            (2, "measure_python: no entry 'detached/cpython_thred/1'; --list names them\n"),
        )
        self.assertEqual(self.run_script("--repetitions", 0).returncode, 2)

    def test_a_wrong_result_is_no_measurement(self) -> None:
        class Wrong(Executor):
            def submit(self, *_: Any, **__: Any) -> Any:
                done: Future[int] = Future()
                done.set_result(2)
                return done

        with self.assertRaises(executors.WrongResult):
            executors.future(Wrong(), 1, executors.Effort(seconds=0.001))


if __name__ == "__main__":
    unittest.main()
