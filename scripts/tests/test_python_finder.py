"""scripts/python: which interpreter it takes, and what it says when there is none."""

import os
import stat
import subprocess
import sys
import unittest
from pathlib import Path

from tests.with_directory import WithDirectory

FINDER = Path(__file__).resolve().parent.parent / "python"


class PythonFinder(WithDirectory):
    def fake(self, name: str, body: str) -> Path:
        path = self.directory / name
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def find(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(FINDER), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "POOLBENCH_PYTHON": "", **environment},
        )

    def test_arguments_reach_an_interpreter_that_has_what_the_plots_need(self) -> None:
        done = self.find("-c", "import sys, matplotlib, pandas; print(sys.argv[1:])", "a b", "c")
        self.assertEqual((done.returncode, done.stdout), (0, "['a b', 'c']\n"), done.stderr)

    def test_one_on_the_path_without_the_modules_is_passed_over(self) -> None:
        self.fake("python3", "exit 1")
        done = self.find("-c", "print('found')", PATH=f"{self.directory}:{os.environ['PATH']}")
        # Debian's own is the next candidate; this machine may have its modules in the one on the PATH only.
        debian = subprocess.run(
            ["/usr/bin/python3", "-c", "import matplotlib, numpy, pandas"], capture_output=True, check=False
        )
        if debian.returncode == 0:
            self.assertEqual((done.returncode, done.stdout), (0, "found\n"), done.stderr)
        else:
            self.assertEqual(done.returncode, 1)

    def test_one_that_hangs_is_passed_over(self) -> None:
        hangs = self.fake("hangs", "exec sleep 1000")
        done = self.find("-c", "pass", POOLBENCH_PYTHON=str(hangs), POOLBENCH_PYTHON_PATIENCE="1")
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(hangs), done.stderr)

    def test_the_one_that_is_named_is_taken(self) -> None:
        named = self.fake("named", f'exec "{sys.executable}" "$@"')
        done = self.find("-c", "print('named')", POOLBENCH_PYTHON=str(named))
        self.assertEqual((done.returncode, done.stdout), (0, "named\n"), done.stderr)

    def test_when_none_will_do_it_says_what_is_missing_and_what_was_tried(self) -> None:
        bare = self.fake("bare", "exit 1")
        done = self.find("-c", "pass", POOLBENCH_PYTHON=str(bare))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        for word in ("matplotlib", "pandas", str(bare), "python3-matplotlib"):
            self.assertIn(word, done.stderr)

    def test_a_module_that_is_needed_besides_is_looked_for_and_named(self) -> None:
        done = self.find("--needs", "no_such_module", "-c", "pass", POOLBENCH_PYTHON=sys.executable)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
        self.assertIn("python3-no_such_module", done.stderr)
        done = self.find("--needs", "json", "-c", "print('there')", POOLBENCH_PYTHON=sys.executable)
        self.assertEqual((done.returncode, done.stdout), (0, "there\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
