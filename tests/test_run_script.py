"""scripts/run as a user has it, on a build that is there: POOLBENCH_BUILD_DIR names it. Nothing is installed."""

import os
import signal
import subprocess
import tempfile
import time
import unittest
import uuid
from pathlib import Path
from typing import Any

import run_files

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "scripts" / "run"


class RunScript(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        build = os.environ.get("POOLBENCH_BUILD_DIR", "")
        assert (Path(build) / "CMakeCache.txt").is_file(), f"POOLBENCH_BUILD_DIR='{build}' is no build directory"

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.output = self.directory / "out put"  # blanks in paths are none of a script's business
        self.mark = f"POOLBENCH_TEST_MARK={uuid.uuid4()}"

    def environment(self) -> dict[str, str]:
        name, value = self.mark.split("=")
        return {**os.environ, "POOLBENCH_NO_INSTALL": "1", name: value}

    def run_script(self, *arguments: str) -> Any:
        return subprocess.run(
            [str(RUN), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
        )

    def left_running(self) -> list[Any]:
        """Processes that inherited this test's mark and are no zombies."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (path / "environ").read_bytes().split(b"\0"):
                    found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                pass
        return found

    def test_a_quick_run_leaves_results_plots_and_a_verdict_and_a_second_one_adds_nothing(self) -> None:
        done = self.run_script("--quick", "-o", str(self.output))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.splitlines()[-1], str(self.output))
        self.assertGreater(len(done.stdout.splitlines()), 5, "there is no verdict")
        self.assertEqual(list(run_files.differences(self.output, ROOT / "docs" / "data_dictionary.md")), [])
        drawn = {path.name for path in (self.output / "plots").iterdir()}
        for picture in ("makespan", "speedup", "ratio", "decision", "model_fit", "callbacks", "cost", "timeline"):
            for suffix in ("png", "svg"):
                self.assertTrue(
                    any(name.startswith(picture) and name.endswith(suffix) for name in drawn),
                    f"no {picture}.{suffix}: {sorted(drawn)}; {done.stderr}",
                )
        self.assertIn("Every row", (self.output / "report.html").read_text(encoding="utf-8"))
        self.assertEqual(self.left_running(), [])

        before = (self.output / "results.csv").read_bytes()
        drawn_at = {path: path.stat().st_mtime_ns for path in (self.output / "plots").iterdir()}
        again = self.run_script("--quick", "-o", str(self.output))
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stdout.splitlines()[-1], str(self.output))
        self.assertEqual((self.output / "results.csv").read_bytes(), before)
        self.assertEqual({path: path.stat().st_mtime_ns for path in drawn_at}, drawn_at, "drawn again, for nothing")

    def test_bad_usage_ends_with_2_and_leaves_nothing(self) -> None:
        for arguments in (
            ("no_such_suite",),
            ("--quick", "default"),
            ("--runs", "0"),
            ("quick", "--filter", "workload=nonsense"),
            ("-r", "1", "--quick"),
        ):
            done = self.run_script(*arguments)
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))
            self.assertEqual(len(done.stderr.splitlines()), 1, (arguments, done.stderr))
        self.assertEqual(list(self.directory.iterdir()), [])

    def test_a_dry_run_runs_nothing(self) -> None:
        done = self.run_script("--quick", "--dry-run", "-o", str(self.output))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("cell ", done.stdout)
        self.assertFalse(self.output.exists())

    def test_help_is_the_script_s_own(self) -> None:
        done = self.run_script("--help")
        self.assertEqual(done.returncode, 0)
        self.assertTrue(done.stdout.startswith("scripts/run [--quick] [SUITE] [FLAGS...]"))

    def test_ctrl_c_keeps_the_rows_and_leaves_nothing_running(self) -> None:
        process = subprocess.Popen(
            [str(RUN), "--quick", "-o", str(self.output), "-r", "1000"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.directory,
            env=self.environment(),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        results = self.output / "results.csv"
        # The gate: rows are there, so the sweep is under way. The test's timeout is CTest's.
        while process.poll() is None and not (results.exists() and results.read_bytes().count(b"\n") > 3):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does
        output, errors = process.communicate()
        self.assertEqual(process.returncode, 130, errors)
        self.assertEqual(self.left_running(), [])
        self.assertTrue(results.read_text(encoding="utf-8").endswith("\n"))
        self.assertIn("resume with", errors)
        self.assertFalse((self.output / "plots").exists(), output)


if __name__ == "__main__":
    unittest.main()
