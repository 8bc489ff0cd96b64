"""poolbench with CPython's executors, as a user meets it: the table, a missing python3, and nothing left after kill
-9."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.processes import is_alive, kill_all, processes_where, wait_until
from tests.program import PROGRAM, poolbench

NO_PYTHON = {"PATH": "/nonexistent"}
SUITE = """
name = "one"
runs = 1
warmup = 0
[[case]]
backend = ["cpython_thread", "cpython_process"]
workload = "spin"
strategy = "fused"
workers = 2
task = "4x5ms"
callback = "1ms"
"""

CASE = ("case", "--workers", "1", "--strategy", "none", "--tasks", "1ms", "-r", "1", "--backend")


def processes_with(marker: str) -> list[int]:
    """Living processes whose environment holds the marker."""
    return processes_where(lambda entry: marker.encode() in (entry / "environ").read_bytes() and is_alive(entry))


@unittest.skipUnless(PROGRAM, "POOLBENCH_PROGRAM is not set")
class WithoutPython(unittest.TestCase):
    def test_validate_says_that_it_skips(self) -> None:
        done = poolbench("validate", "--python", env=NO_PYTHON)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertTrue(done.stdout.startswith("skipped: "), done.stdout)
        self.assertIn("python3", done.stdout)
        done = poolbench("validate", "--python", "--json", env=NO_PYTHON)
        self.assertIn("python3", json.loads(done.stdout)["skipped"])

    def test_its_claims_are_left_open_with_the_reason(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            done = poolbench("validate", "--only", "loop_asyncio", "--json", "-o", f"{directory}/out", env=NO_PYTHON)
        self.assertEqual(done.returncode, 0, done.stderr)
        (claim,) = json.loads(done.stdout)["claims"]
        self.assertEqual(claim["verdict"], "inconclusive")
        self.assertIn("python3", claim["open"])

    def test_run_and_case_name_what_is_missing(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            suite = Path(directory, "suite.toml")
            suite.write_text(SUITE, encoding="utf-8")
            done = poolbench("run", str(suite), "-o", str(Path(directory, "out")), env=NO_PYTHON)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("python3", done.stderr)
            self.assertFalse(Path(directory, "out").exists())
            plan = poolbench("run", str(suite), "--dry-run", env=NO_PYTHON)
            self.assertEqual(plan.returncode, 0, plan.stderr)
        done = poolbench(
            "case",
            "--backend",
            "cpython_thread",
            "--workers",
            "1",
            "--strategy",
            "worker",
            "--tasks",
            "1ms",
            env=NO_PYTHON,
        )
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("python3", done.stderr)


@unittest.skipUnless(PROGRAM, "POOLBENCH_PROGRAM is not set")
class WithPython(unittest.TestCase):
    def test_a_run_records_version_and_gil_and_resumes(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            suite = Path(directory, "suite.toml")
            suite.write_text(SUITE, encoding="utf-8")
            out = Path(directory, "out")
            done = poolbench("run", str(suite), "-o", str(out))
            self.assertEqual(done.returncode, 0, done.stderr)
            (context,) = (out / "context").glob("*.json")
            python = json.loads(context.read_text(encoding="utf-8"))["drivers"]["cpython_thread"]
            self.assertIn(python["one_lock"], (True, False))
            self.assertRegex(python["version"], r"^3\.\d+\.\d+")
            self.assertGreater(python["spin_units_per_ns"], 0)
            predictions = (out / "derived" / "model.csv").read_text(encoding="utf-8").splitlines()
            self.assertEqual(len(predictions), 3)
            again = poolbench("run", str(suite), "-o", str(out), "--runs", "2")
            self.assertEqual(again.returncode, 0, again.stderr)
            rates = {
                driver["spin_units_per_ns"]
                for file in (out / "context").glob("*.json")
                for driver in json.loads(file.read_text(encoding="utf-8"))["drivers"].values()
            }
            self.assertEqual(len(rates), 1, "a resumed run sizes its tasks as before")

    def test_a_suite_runs_on_each_python_that_is_given(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            suite = Path(directory, "suite.toml")
            suite.write_text(SUITE.replace('"cpython_process"', '"inline"'), encoding="utf-8")
            other = Path(directory, "python3")
            other.symlink_to(sys.executable)
            out = Path(directory, "out")
            own = "@%d.%d" % sys.version_info[:2]
            pythons = ("--python", sys.executable, "--python", str(other), "--python", sys.executable)
            done = poolbench("run", str(suite), "-o", str(out), *pythons)
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = (out / "results.csv").read_text(encoding="utf-8").splitlines()[1:]
            self.assertEqual(len(rows), 3)
            (context,) = (out / "context").glob("*.json")
            drivers = json.loads(context.read_text(encoding="utf-8"))["drivers"]
            names = ["cpython_thread" + own, "cpython_thread" + own + "_2"]
            self.assertEqual(sorted(drivers), names)
            for name in names:
                self.assertEqual(sum(f",{name}," in row for row in rows), 1)
                self.assertIn(drivers[name]["one_lock"], (True, False))
                self.assertGreater(drivers[name]["spin_units_per_ns"], 0)

            for arguments, words in (
                (("run", str(suite), "--python", "/nonexistent"), "--python '/nonexistent'"),
                (("run", "tutorial", "--python", sys.executable), "has none of Python's backends"),
                ((*CASE, "thread", "--python", sys.executable), "does not apply to backend thread"),
                ((*CASE, "cpython_thread", "--python", "/bin/true"), "exited with status 0"),
            ):
                with self.subTest(arguments=arguments):
                    done = poolbench(*arguments, "--dry-run") if arguments[0] == "run" else poolbench(*arguments)
                    self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
                    self.assertIn(words, done.stderr)
            done = poolbench(*CASE, "cpython_to_thread", "--python", sys.executable)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("backend=cpython_to_thread" + own, done.stdout)

    def test_validate_sets_the_tutorials_figure_cpython_poolbench_and_the_model_side_by_side(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            out = Path(directory, "out")
            done = poolbench("validate", "--python", sys.executable, "--json", "-r", "1", "-o", str(out))
            self.assertEqual(done.returncode, 0, done.stderr)
            table = json.loads(done.stdout)
            self.assertEqual(table["python"]["executable"], sys.executable)
            self.assertEqual(table["divisor"], 10)
            examples = {example["id"]: example for example in table["examples"]}
            self.assertEqual(len(examples), 8)
            for example in examples.values():
                for side in ("cpython", "poolbench"):
                    self.assertEqual((len(example[side]["makespans_ns"]), example[side]["failed"]), (1, 0))
                    self.assertGreater(example[side]["model_ns"], 0)
                    # What only waits takes no less than the model says, on any machine; how CPython feeds its workers
                    # is its own business.
                    if not example["id"].startswith(("compute", "starved")):
                        self.assertGreaterEqual(example[side]["median_ns"], example[side]["model_ns"])
            self.assertEqual(examples["process_equal"]["tutorial_ns"], 903_600_000)
            self.assertEqual(examples["process_equal"]["cpython"]["model_ns"], 900_000_000)
            self.assertEqual(examples["starved"]["cpython"]["model_ns"], 880_000_000)
            self.assertEqual(examples["starved"]["poolbench"]["model_ns"], 480_000_000)
            self.assertEqual(examples["thread_equal"]["cpython"]["callbacks_by"], "the worker")
            self.assertEqual(examples["process_equal"]["cpython"]["callbacks_by"], "one thread of the main process")
            self.assertTrue(examples["remedy"]["cpython"]["callbacks_by"].endswith("other processes"))
            self.assertEqual(len((out / "results.csv").read_text(encoding="utf-8").splitlines()), 1 + 16)

    def test_a_repetition_that_is_killed_leaves_no_file_and_no_semaphore(self) -> None:
        def killed(start_method: str, directory: str) -> "subprocess.CompletedProcess[str]":
            suite, scratch = Path(directory, "suite.toml"), Path(directory, "tmp")
            scratch.mkdir()
            lines = SUITE.replace('["cpython_thread", "cpython_process"]', f'"cpython_process_{start_method}"')
            lines = lines.replace('"spin"', '"sleep"').replace("4x5ms", "4x600s")
            # The workers have met by then, and their tasks have begun: on a machine with much else to do, too.
            suite.write_text('timeout = "10s"\n' + lines, encoding="utf-8")
            return poolbench("run", str(suite), "-o", f"{directory}/out", env={**os.environ, "TMPDIR": str(scratch)})

        methods = ("spawn", "forkserver")
        before = set(Path("/dev/shm").iterdir())
        with contextlib.ExitStack() as stack:
            directories = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in methods]
            with ThreadPoolExecutor(len(methods)) as pool:  # at once: each waits for its deadline
                for method, directory, done in zip(methods, directories, pool.map(killed, methods, directories)):
                    with self.subTest(start_method=method):
                        self.assertEqual(done.returncode, 3, done.stderr)
                        self.assertIn(",timeout,", Path(directory, "out", "results.csv").read_text(encoding="utf-8"))
                        wait_until(lambda: not list(Path(directory, "tmp").iterdir()), "its directory is empty")
        wait_until(lambda: set(Path("/dev/shm").iterdir()) <= before, "no semaphore is left")

    def test_a_shim_of_pyenv_is_asked_once_and_any_other_script_runs_each_time(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            log, shim = Path(directory, "log"), Path(directory, "python3")
            for line, is_shim in (('"/root/.pyenv/libexec/pyenv" exec "$0"', True), ("a wrapper of somebody", False)):
                log.write_text("", encoding="utf-8")
                shim.write_text(
                    f"#!/bin/sh\n# {line}\necho started >> '{log}'\nexec '{sys.executable}' \"$@\"\n", encoding="utf-8"
                )
                shim.chmod(0o755)
                done = poolbench(*CASE, "cpython_thread", env={**os.environ, "PATH": directory})
                self.assertEqual(done.returncode, 0, done.stderr)
                starts = len(log.read_text(encoding="utf-8").splitlines())
                self.assertTrue(starts == 1 if is_shim else starts > 1, (line, starts))
            shim.write_text("#!/bin/sh\n# pyenv\" exec\necho 'no such version' >&2\nexit 1\n", encoding="utf-8")
            done = poolbench(*CASE, "cpython_thread", env={**os.environ, "PATH": directory})
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("no such version", done.stderr)

    def test_nothing_outlives_a_killed_poolbench(self) -> None:
        for strategy in ("main", "extra"):
            with self.subTest(strategy=strategy):
                marker = f"POOLBENCH_TEST={uuid.uuid4()}"
                name, value = marker.split("=")
                program = subprocess.Popen(
                    [
                        PROGRAM,
                        "case",
                        "--backend",
                        "cpython_process",
                        "--workers",
                        "2",
                        "--strategy",
                        strategy,
                        "--tasks",
                        "4x1000s",
                        "-r",
                        "1",
                    ],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, name: value},
                )
                self.addCleanup(lambda: kill_all(processes_with(marker)))
                # The program, its repetition, the driver and its workers and parser: the cell runs or is about to.
                expected = 5 if strategy == "main" else 6
                wait_until(lambda: len(processes_with(marker)) >= expected, "the cell runs")
                program.kill()
                program.wait()
                wait_until(lambda: not processes_with(marker), "every process of the program is gone")


if __name__ == "__main__":
    unittest.main()
