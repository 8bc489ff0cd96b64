"""poolbench as a stranger would attack it: closed and full descriptors, files that are none, directories that cannot be
used, an interrupt. Whatever is wrong is one line on standard error and an exit code of the contract, and nothing that
was measured is lost."""

import csv
import os
import signal
import subprocess
import unittest
from pathlib import Path
from typing import Any

from tests.with_directory import WithDirectory

PROGRAM = os.environ.get("POOLBENCH_PROGRAM", "")
GENEROUS = 60  # seconds; only a hang reaches it
USAGE, CELLS_FAILED, ENVIRONMENT, INTERRUPTED = 2, 3, 4, 130
SUITE = """
name = "small"
runs = 2
warmup = 0
[[grid]]
backend = ["thread", "process"]
workload = "sleep"
workers = 2
tasks = 4
task = "1ms"
"""
EXPLICIT = """
name = "explicit"
runs = 2
warmup = 0
[[case]]
backend = "thread"
workers = 2
task = ["1ms", "2ms"]
"""
# A driver that interrupts the program when it is to run something.
INTERRUPTING = """#!/usr/bin/python3
import json, os, signal, sys
def parent(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
if json.loads(sys.stdin.readline())["command"] == "describe":
    print(json.dumps({"protocol": 1, "name": "a loop", "language": "python", "version": "3", "strategies": ["none"],
                      "workloads": ["sleep"], "event_loop": True, "workers": 1}), flush=True)
else:
    os.kill(parent(os.getppid()), signal.SIGTERM)
sys.stdin.read()
"""
CELLS, RUNS = 2, 2
HUGE = 10 << 30  # bytes, sparse


def poolbench(*arguments: object, **more: Any) -> Any:
    options: dict[str, Any] = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "stdin": subprocess.DEVNULL,
        "text": True,
        "errors": "replace",
        "check": False,
        "timeout": GENEROUS,
    }
    return subprocess.run([PROGRAM, *map(str, arguments)], **{**options, **more})


def redirected(redirection: str, *arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """The program started by a shell with such a redirection: `2>&-`. What the redirection leaves is captured."""
    return subprocess.run(
        ["bash", "-c", f'exec "$0" "$@" {redirection}', PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=GENEROUS,
        **more,
    )


@unittest.skipUnless(PROGRAM, "POOLBENCH_PROGRAM is not set")
class Attack(WithDirectory):
    def setUp(self) -> None:
        super().setUp()
        self.suite = self.directory / "small.toml"
        self.suite.write_text(SUITE, encoding="utf-8")
        self.output = self.directory / "out"

    def assert_refused(self, done: Any, code: int, *words: str) -> None:
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertTrue(done.stderr.startswith("poolbench: "), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertTrue(done.stderr.isprintable() or done.stderr.rstrip("\n").isprintable(), repr(done.stderr))
        for word in words:
            self.assertIn(word, done.stderr)

    def assert_all_measured(self, output: Path | None = None) -> None:
        text = ((output or self.output) / "results.csv").read_text(encoding="utf-8")
        rows = list(csv.reader(text.splitlines()))
        self.assertEqual(len(rows), 1 + CELLS * RUNS, text)
        for row in rows[1:]:
            self.assertEqual(len(row), len(rows[0]), row)
            self.assertEqual(row[0], "2", row)
            self.assertEqual(row[rows[0].index("status")], "ok", row)

    def run_directory(self) -> Path:
        done = poolbench("run", self.suite, "-o", self.output)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.output


class StandardDescriptors(Attack):
    def test_a_closed_standard_error_leaves_the_rows_alone(self) -> None:
        done = redirected("2>&-", "run", self.suite, "-o", self.output)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout.splitlines()[-1], str(self.output))
        self.assert_all_measured()

    def test_whichever_are_closed_nothing_measured_is_lost(self) -> None:
        for number, (redirection, code) in enumerate(
            (("0<&-", 0), ("1>&-", ENVIRONMENT), ("0<&- 1>&- 2>&-", ENVIRONMENT), ("0<&- 2>&-", 0))
        ):
            output = self.directory / str(number)
            done = redirected(redirection, "run", self.suite, "-o", output)
            self.assertEqual(done.returncode, code, (redirection, done.stderr))
            self.assert_all_measured(output)

    def test_cpythons_driver_and_the_servers_run_without_them_too(self) -> None:
        suite = self.directory / "others.toml"
        suite.write_text(
            'name = "others"\nruns = 2\nwarmup = 0\n[[grid]]\n'
            'backend = ["cpython_thread", "cpython_process"]\nworkers = 2\n'
            'workload = "tcp_echo"\ntasks = 4\ntask = "1ms"\n',
            encoding="utf-8",
        )
        done = redirected("0<&- 2>&-", "run", suite, "-o", self.output)
        self.assertEqual(done.returncode, 0)
        self.assert_all_measured()

    def test_what_cannot_be_said_changes_no_exit_code(self) -> None:
        for redirection in ("2>&-", "2>/dev/full"):
            self.assertEqual(redirected(redirection, "run", "no_such_suite").returncode, USAGE, redirection)
        done = redirected("2>/dev/full", "run", self.suite, "-o", self.output)
        self.assertEqual(done.returncode, 0)
        self.assert_all_measured()

    def test_results_that_cannot_be_printed_are_one_line_and_exit_code_4(self) -> None:
        directory = self.run_directory()
        for arguments in (
            ("list", "backends"),
            ("--help",),
            ("--version",),
            ("run", self.suite, "-n"),
            ("show", directory),
            ("show", directory, "--json"),
            ("compare", directory, directory),
            ("predict", "--backend", "thread", "--workers", 1, "--tasks", "1ms", "--strategy", "none"),
            ("case", "--backend", "thread", "--workers", 1, "--tasks", "1ms", "--strategy", "none", "-r", 1),
        ):
            for redirection, why in ((">/dev/full", "No space left"), ("1>&-", "Bad file descriptor")):
                done = redirected(redirection, *arguments)
                self.assertEqual(done.returncode, ENVIRONMENT, (arguments, done.stderr))
                self.assertIn(f"poolbench: cannot write to standard output: {why}", done.stderr.splitlines()[-1])

    def test_a_run_whose_verdict_cannot_be_printed_keeps_all_that_it_measured(self) -> None:
        done = redirected(">/dev/full", "run", self.suite, "-o", self.output)
        self.assertEqual(done.returncode, ENVIRONMENT, done.stderr)
        self.assert_all_measured()
        self.assertTrue((self.output / "derived" / "summary.csv").is_file())
        self.assertEqual(poolbench("show", self.output).returncode, 0)

    def test_a_reader_that_has_seen_enough_is_no_error(self) -> None:
        done = subprocess.run(
            ["bash", "-c", f'"{PROGRAM}" list columns | head -1; "{PROGRAM}" run -n sizes | head -1'],
            capture_output=True,
            text=True,
            check=False,
            timeout=GENEROUS,
        )
        self.assertEqual(done.stderr, "")
        self.assertEqual(len(done.stdout.splitlines()), 2)


class FilesThatAreNone(Attack):
    """A device that never ends, a pipe that nobody writes into, a directory, a file of 10 GB: refused at once, with the
    bound."""

    def setUp(self) -> None:
        super().setUp()
        os.mkfifo(self.directory / "pipe")
        (self.directory / "folder").mkdir()
        with open(self.directory / "huge", "wb") as file:
            file.truncate(HUGE)
        self.files = {
            self.directory / "pipe": "a pipe; allowed: a regular file",
            Path("/dev/zero"): "a device; allowed: a regular file",
            self.directory / "folder": "a directory; allowed: a regular file",
            self.directory / "huge": "too large; allowed: at most ",
        }

    def test_as_a_suite(self) -> None:
        for path, why in self.files.items():
            self.assert_refused(poolbench("run", "-n", path), USAGE, str(path), why)

    def test_as_a_list_of_inputs(self) -> None:
        for path, why in self.files.items():
            self.assert_refused(poolbench("recommend", "--inputs", path, "--", "true", "{}"), USAGE, str(path), why)
        with open("/dev/zero", "rb") as zeros:
            self.assert_refused(
                poolbench("recommend", "--inputs", "-", "--", "true", "{}", stdin=zeros),
                USAGE,
                "standard input",
                "at most 64 MiB",
            )

    def test_as_a_table_of_results(self) -> None:
        for number, (path, why) in enumerate(self.files.items()):
            run = self.directory / f"run{number}"
            run.mkdir()
            (run / "results.csv").symlink_to(path)
            for arguments in (("show", run), ("compare", run, run)):
                self.assert_refused(poolbench(*arguments), USAGE, str(run / "results.csv"), why)

    def test_as_a_context_planned_cells_a_frozen_suite_or_evidence(self) -> None:
        self.suite.write_text(EXPLICIT, encoding="utf-8")
        self.run_directory()
        for cells in (self.output / "cells").iterdir():  # as runs of earlier versions, whose suite is then read
            cells.unlink()
        (self.output / "evidence").mkdir()
        for path, why in self.files.items():
            for name in ("context/0.json", "cells/0.json", "suite.toml"):
                (self.output / name).unlink(missing_ok=True)
                (self.output / name).symlink_to(path)
                done = poolbench("show", self.output)  # tells what it can without them
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(why, done.stderr)
                (self.output / name).unlink()
            (self.output / "evidence" / "0.csv").symlink_to(path)
            done = poolbench("validate", "-o", self.output)
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertIn(why, done.stderr.splitlines()[-1])
            (self.output / "evidence" / "0.csv").unlink()


class Directories(Attack):
    def test_a_temporary_directory_that_is_none_is_refused_before_anything_is_written(self) -> None:
        for variable, path in (("TMPDIR", "/nonexistent"), ("TMPDIR", str(self.suite)), ("TMP", "/nonexistent")):
            environment = {
                name: value for name, value in os.environ.items() if name not in ("TMPDIR", "TMP", "TEMP", "TEMPDIR")
            }
            environment[variable] = path
            done = poolbench("run", self.suite, "-o", self.output, env=environment)
            self.assert_refused(done, ENVIRONMENT, f"the temporary directory '{path}' cannot be used", "set TMPDIR")
            self.assertFalse(self.output.exists())
            self.assert_refused(
                poolbench(
                    "case",
                    "--backend",
                    "thread",
                    "--workers",
                    1,
                    "--tasks",
                    "1ms",
                    "--strategy",
                    "none",
                    env=environment,
                ),
                ENVIRONMENT,
                path,
            )

    def test_an_empty_name_is_refused_and_is_not_the_default(self) -> None:
        for arguments in (
            ("run", self.suite, "-o", ""),
            ("run", ""),
            ("validate", "-o", ""),
            ("show", ""),
            ("compare", "", self.output),
            ("recommend", "--workload", ""),
            ("recommend", "--inputs", "", "--", "true", "{}"),
            ("recommend", "--function", ""),
        ):
            self.assert_refused(poolbench(*arguments, cwd=self.directory), USAGE, "empty; allowed: ")
        self.assertFalse((self.directory / "out").exists())

    def test_an_output_directory_that_is_a_file_or_has_too_long_a_name_is_refused(self) -> None:
        for path in (self.suite, self.suite / "below", self.directory / ("x" * 300), self.directory / ("x/" * 3000)):
            self.assert_refused(poolbench("run", self.suite, "-o", path), USAGE, "cannot write to the output directory")

    def test_any_name_that_the_file_system_has_will_do(self) -> None:
        for name in ("out put", "zwei\nZeilen", "größer 大", "-o", "'\"$(touch x)"):
            output = self.directory / name
            done = poolbench("run", self.suite, "-o", output)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assert_all_measured(output)
            self.assertTrue(done.stdout.endswith(f"{output}\n"), done.stdout)
            self.assertEqual(poolbench("show", output).returncode, 0)

    def test_of_two_runs_into_one_directory_at_once_one_measures_and_the_other_says_so(self) -> None:
        runs = [
            subprocess.Popen(
                [PROGRAM, "run", str(self.suite), "-r", str(RUNS), "-o", str(self.output)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        ends = [(process.communicate(timeout=GENEROUS)[1], process.returncode) for process in runs]
        for errors, code in ends:
            self.assertIn(code, (0, USAGE), errors)
            if code == USAGE:
                self.assertEqual(errors, f"poolbench: another run is writing to '{self.output}/results.csv'\n")
        self.assertIn(0, [code for _, code in ends])
        self.assert_all_measured()

    def test_without_a_home_directory_it_runs(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "HOME"}
        done = poolbench("run", self.suite, "-o", self.output, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_disk_that_fills_up_ends_the_run_with_one_line_and_keeps_the_rows(self) -> None:
        # In a mount namespace of its own; 16 KiB have room for the context and some rows.
        script = (
            'mount -t tmpfs -o size=16k none "$1" || exit 77; '
            '"$0" run "$2" -r 100 -o "$1/out" >/dev/null; echo "code $?" >&2; '
            'cat "$1/out/results.csv"'
        )
        mounted = self.directory / "disk"
        mounted.mkdir()
        done = subprocess.run(
            ["unshare", "-m", "bash", "-c", script, PROGRAM, str(mounted), str(self.suite)],
            capture_output=True,
            text=True,
            check=False,
            timeout=GENEROUS,
        )
        if done.returncode == 77 or "unshare" in done.stderr:
            self.skipTest(f"no file system can be mounted here: {done.stderr}")
        *_, message, code = done.stderr.splitlines()
        self.assertEqual(code, f"code {CELLS_FAILED}", done.stderr)
        self.assertTrue(message.startswith("poolbench: cannot "), done.stderr)
        self.assertIn("No space left on device", message)
        rows = list(csv.reader(done.stdout.splitlines()))
        self.assertEqual({len(row) for row in rows}, {len(rows[0])}, done.stdout)


class Interruption(Attack):
    SWEEP = (
        "predict",
        "--sweep",
        "workers=1..10000",
        "--backend",
        "thread",
        "--tasks",
        "100000x1ms",
        "--strategy",
        "none",
    )

    def interrupted(self, *more: Any) -> Any:
        process = subprocess.Popen(
            [PROGRAM, *self.SWEEP, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(process.kill)
        first = process.stderr.readline()  # it says after a second how long it will take
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=GENEROUS)
        self.assertEqual(process.returncode, INTERRUPTED, errors)
        return first, out, errors

    def test_while_the_loops_are_measured_leaves_no_row_and_says_how_to_go_on(self) -> None:
        driver = self.directory / "loop"
        driver.write_text(INTERRUPTING, encoding="utf-8")
        driver.chmod(0o755)
        suite = self.directory / "loop.toml"
        suite.write_text(
            SUITE.replace('["thread", "process"]', f'["thread", "driver:{driver}"]').replace(
                "workers = 2", "workers = 1"
            ),
            encoding="utf-8",
        )
        done = poolbench("run", suite, "-o", self.directory / "interrupted")
        self.assertEqual(done.returncode, INTERRUPTED, done.stderr)
        self.assertIn("interrupted", done.stderr.splitlines()[-1])
        results = self.directory / "interrupted" / "results.csv"
        self.assertEqual(results.read_text(encoding="utf-8").count("\n"), 1)

    def test_a_long_sweep_says_how_long_it_takes_and_ctrl_c_prints_what_there_is(self) -> None:
        first, out, errors = self.interrupted()
        self.assertRegex(first, r"^predict: \d+ of 10000 cases, about .* left; Ctrl-C prints what there is$")
        self.assertRegex(errors.splitlines()[-1], r"^poolbench: interrupted after \d+ of 10000 cases$")
        self.assertIn("<- best", out)
        self.assertRegex(out, r"(?m)^ +1 ")

    def test_as_json_what_is_missing_is_counted(self) -> None:
        import json

        _, out, errors = self.interrupted("--json")
        document = json.loads(out)
        self.assertEqual(len(document["sweep"]) + document["missing"], 10000)
        self.assertIn(f"interrupted after {len(document['sweep'])} of", errors)


if __name__ == "__main__":
    unittest.main()
