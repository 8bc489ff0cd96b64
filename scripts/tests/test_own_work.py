"""Suites of the user's own work, as a user meets them: rows, pictures, two runs compared, a trace, what is wrong."""

import csv
import json
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from tests.program import PROGRAM, poolbench
from tests.with_directory import WithDirectory

MODULE = """
import time

def fetch(text):
    if text == "bad":
        raise ValueError("no such page")
    time.sleep(0.002)
    return text * 10

def parse(page):
    assert page in ("u1" * 10, "u2" * 10, "u3" * 10), page
"""
SUITE = """
name = "own"
runs = 2
warmup = 0

[[grid]]
workload = "python:crawler:fetch"
callback_workload = "python:crawler:parse"
inputs = "urls.txt"
backend = ["cpython_thread", "cpython_process", "thread"]
workers = 2
strategy = ["worker", "main", "fused", "extra"]

[[grid]]
workload = "command:sh -c 'echo $((1 + 1)) _{}_ $$ %s'"
callback_workload = "command:grep -q '^2 _{}_'"
inputs = "urls.txt"
backend = ["thread", "process"]
workers = [1, 2]
strategy = ["none", "fused"]
"""


@unittest.skipUnless(PROGRAM, "POOLBENCH_PROGRAM is not set")
class OwnWork(WithDirectory):
    def setUp(self) -> None:
        super().setUp()
        self.write("crawler.py", MODULE)
        self.write("urls.txt", "u1\nu2\nu3\n")
        self.write("own.toml", SUITE)

    def write(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text, encoding="utf-8")

    def poolbench(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return poolbench(*arguments, cwd=self.directory)

    def run_suite(self, output: str, *more: str, code: int = 0) -> list[dict[str, str]]:
        done = self.poolbench("run", "own.toml", "-o", output, "--trace", *more)
        self.assertEqual(done.returncode, code, done.stderr)
        with open(self.directory / output / "results.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def refused(self, text: str) -> str:
        self.write("own.toml", text)
        done = self.poolbench("run", "own.toml", "-o", "refused")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertFalse((self.directory / "refused" / "results.csv").exists())
        return done.stderr

    def test_it_is_swept_shown_drawn_and_traced_under_its_name(self) -> None:
        rows = self.run_suite("before")
        self.assertEqual({row["status"] for row in rows}, {"ok"}, rows)
        python = [row for row in rows if row["workload"] == "python:crawler:fetch"]
        self.assertEqual(
            {(row["backend"], row["strategy"]) for row in python},
            {
                (f"cpython_{pool}", strategy)
                for pool, strategies in (
                    ("thread", ("worker", "fused", "extra")),
                    ("process", ("main", "fused", "extra")),
                )
                for strategy in strategies
            },
        )
        self.assertEqual({row["callback_workload"] for row in python}, {"python:crawler:parse"})
        self.assertEqual({(row["inputs"], row["tasks"], row["task_ns"]) for row in rows}, {("urls.txt", "3", "0")})
        self.assertTrue(all(int(row["sum_task_ns"]) >= 6_000_000 for row in python), python)

        shown = self.poolbench("show", "before")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        flat = " ".join(shown.stdout.split())
        self.assertIn("python:crawler:fetch: 3 tasks over urls.txt, then python:crawler:parse", flat)
        self.assertNotIn("tasks of 0", flat)

        # A dollar sign and a percent sign in a command are no formula for matplotlib.
        drawn = subprocess.run(
            [sys.executable, str(Path(__file__).parents[1] / "plot.py"), "before", "-o", "plots"],
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(drawn.returncode, 0, drawn.stderr)
        picture = (self.directory / "plots" / "callbacks.svg").read_text(encoding="utf-8")
        self.assertIn("python:crawler:fetch", picture)

        traced = self.poolbench("trace", "before", "-o", "trace.json")
        self.assertEqual(traced.returncode, 0, traced.stderr)
        self.assertTrue(json.loads((self.directory / "trace.json").read_text(encoding="utf-8"))["traceEvents"])

    def test_two_work_trees_have_the_same_cells_and_are_compared(self) -> None:
        self.run_suite("before", "--filter", "backend=cpython_thread")
        other = self.directory / "other"
        other.mkdir()
        for name in ("crawler.py", "urls.txt", "own.toml"):
            shutil.copy(self.directory / name, other / name)
        (other / "crawler.py").write_text(MODULE.replace("0.002", "0.05"), encoding="utf-8")
        done = poolbench("run", "own.toml", "-o", "../after", "--filter", "backend=cpython_thread", cwd=other)
        self.assertEqual(done.returncode, 0, done.stderr)
        compared = self.poolbench("compare", "before", "after", "--json")
        self.assertEqual(compared.returncode, 0, compared.stderr)
        document = json.loads(compared.stdout)
        self.assertEqual(len(document["cells"]), 3, compared.stdout)
        self.assertTrue(all(cell["ratio"] > 1 for cell in document["cells"]), compared.stdout)

    def test_other_inputs_of_that_name_are_other_cells_and_resume_nothing(self) -> None:
        self.run_suite("before", "--filter", "workload=python:crawler:fetch", "--filter", "strategy=fused")
        self.write("urls.txt", "u1\nu3\n")
        rows = self.run_suite("before", "--filter", "workload=python:crawler:fetch", "--filter", "strategy=fused")
        self.assertEqual(sorted(row["tasks"] for row in rows), ["2"] * 4 + ["3"] * 4)

    def test_what_fails_when_it_runs_is_a_row_that_says_why(self) -> None:
        self.write("urls.txt", "u1\nbad\n")
        rows = self.run_suite("failed", "--filter", "backend=cpython_thread", "--filter", "strategy=fused", code=3)
        self.assertEqual({row["status"] for row in rows}, {"invalid"})
        self.assertIn("ValueError: no such page", rows[0]["error"])
        self.write("own.toml", SUITE.replace("python:crawler:fetch", "python:nowhere:fetch"))
        rows = self.run_suite("missing", "--filter", "backend=cpython_process", "--filter", "strategy=fused", code=3)
        self.assertIn("there is no module 'nowhere'", rows[0]["error"])
        self.write("own.toml", SUITE.replace("python:crawler:parse", "python:crawler:nothing"))
        rows = self.run_suite("unnamed", "--filter", "backend=cpython_thread", "--filter", "strategy=worker", code=3)
        self.assertIn("the module 'crawler' has no 'nothing'", rows[0]["error"])

    def test_what_is_missing_is_one_line_before_anything_runs(self) -> None:
        self.assertIn("nowhere.txt", self.refused(SUITE.replace("urls.txt", "nowhere.txt")))
        self.assertIn(
            "there is no file './nowhere.py'", self.refused(SUITE.replace("python:crawler:f", "python:./nowhere.py:f"))
        )
        self.assertIn("cannot execute 'nosuchtool'", self.refused(SUITE.replace("command:grep", "command:nosuchtool")))
        self.assertIn(
            "there is no shared object './libx.so'",
            self.refused(SUITE.replace("python:crawler:fetch", "function:./libx.so")),
        )


if __name__ == "__main__":
    unittest.main()
