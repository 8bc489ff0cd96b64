"""An installed tree that was moved: the program in it finds its scripts, and not those it was built from.

$POOLBENCH_PREFIX is an installed tree; it is copied, and only the copy is used.
"""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "results" / "tutorial"


class MovedTree(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="poolbench-moved-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.moved = self.directory / "elsewhere" / "tree"
        shutil.copytree(os.environ["POOLBENCH_PREFIX"], self.moved, symlinks=True)
        self.run_directory = self.directory / "run"
        shutil.copytree(RUN, self.run_directory, ignore=shutil.ignore_patterns("plots"))

    def do(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, capture_output=True, text=True, cwd=self.directory, check=False)

    def poolbench(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.do(self.moved / "bin" / "poolbench", *arguments)

    def scripts(self) -> Path:
        (scripts,) = self.moved.glob("share/poolbench/scripts")
        return scripts

    def test_it_has_its_manual(self) -> None:
        done = self.poolbench("manual", "run")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(r"poolbench\-run", done.stdout)
        self.assertTrue(list(self.moved.glob("share/man/man1/poolbench-run.1*")))

    def test_it_draws(self) -> None:
        scripts = self.scripts()
        done = self.do(scripts / "python", scripts / "plot.py", self.run_directory, "decision")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.run_directory / "plots" / "decision.png").exists())

    def test_it_makes_reports_with_its_own_scripts(self) -> None:
        template = self.scripts() / "poolbench" / "report" / "templates" / "page.html"
        with open(template, "a", encoding="utf-8") as file:
            file.write("<!-- of the tree that was moved -->\n")
        done = self.poolbench("report", str(self.run_directory))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("of the tree that was moved", (self.run_directory / "report.html").read_text(encoding="utf-8"))

    def test_it_has_its_drivers(self) -> None:
        driver = self.scripts() / "drivers" / "cpython" / "driver.py"
        driver.write_text("raise SystemExit('the driver of the tree that was moved')\n", encoding="utf-8")
        done = self.poolbench(*"case --backend cpython_thread --workers 1 --tasks 1ms --strategy none --runs 1".split())
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("of the tree that was moved", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
