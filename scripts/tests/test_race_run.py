"""The race as it is run: the rows of its rounds, its command line, its contestants in Python."""

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
import time
import unittest
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from poolbench.data import schema
from poolbench.race import __main__ as program
from poolbench.race import executors, goals, measurements, rounds
from poolbench.race.executors import Entry
from tests import synthetic_race, synthetic_run
from tests.with_directory import WithDirectory

SCRIPTS = Path(__file__).resolve().parent.parent


class Running(WithDirectory):
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


class Command(WithDirectory):
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
        self.assertEqual(self.call("--programs", self.directory)[0], 1)

    @unittest.skipUnless(os.environ.get("POOLBENCH_RACE_PROGRAMS"), "this build has no benchmarks")
    def test_a_small_race_from_the_programs_to_the_report(self) -> None:
        arguments = [
            "--programs",
            os.environ["POOLBENCH_RACE_PROGRAMS"],
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


class PythonExecutors(WithDirectory):
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
