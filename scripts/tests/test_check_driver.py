"""poolbench check-driver: the documented example keeps every promise, and each lie is found where it is told."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.program import PROGRAM, poolbench

ROOT = Path(__file__).resolve().parent.parent.parent
LIAR = ROOT / "harness" / "tests" / "engine" / "lying_driver.py"
PERL = (
    shutil.which("perl") is not None
    and subprocess.run(["perl", "-MJSON::PP", "-MTime::HiRes", "-e", "1"], check=False, capture_output=True).returncode
    == 0
)

WORK = "does the work of sleep"
NONE, COLLECT = "carries out none", "carries out collect"
ARRIVALS = "submits tasks when they arrive"
UNASKED = "ends with its input, unasked"
BUSY = "ends with its input in the middle of a cell, with all of its processes"
REFUSALS = {
    "refuses a line that is no JSON",
    "refuses a question that is no object",
    "refuses a question without a command",
    "refuses a command that there is not",
    "refuses a strategy that there is not",
    "refuses a workload that there is not",
}
SIZES = {
    "runs one task on one worker",
    "runs one task on four workers",
    "runs twenty tasks on three workers",
    "leaves a trace of 10000 tasks",
}
# What fails of a driver that tells this lie, at least, and what its line says. More lies: drivers_test.cpp.
LIES: dict[str, tuple[set[str], str]] = {
    "honest": (set(), ""),
    "digest": ({WORK, NONE, COLLECT}, "has digest"),
    "callback_digest": ({COLLECT}, "callback of seed"),
    "order": ({WORK, NONE, COLLECT}, "out of order"),
    "elsewhere": ({COLLECT}, "it is no 'collect'"),
    "early": ({ARRIVALS}, "task 2"),
    "no_origin": ({ARRIVALS}, "no 'origin_ns'"),
    "hasty": ({NONE, COLLECT}, "waited 0 ns, not 2000000"),
    "dies": ({WORK, NONE, COLLECT, *SIZES}, "killed by signal 9"),  # BUSY, too, unless it dies later than is waited for
    "hangs": ({COLLECT}, "has not answered within 1000 ms"),
    "floods": ({WORK, NONE, COLLECT, *SIZES}, "flooded"),
    "dies_of_garbage": (
        {"refuses a line that is no JSON", "refuses a command that there is not"},
        "before it had answered",
    ),
    "yes_to_all": ({"refuses a command that there is not"}, "it answers"),
    "two_lines": ({"refuses a command that there is not"}, "several lines"),
    "anything": ({"refuses a strategy that there is not"}, ""),
    "stays": ({BUSY}, "runs on 2000 ms after the end of its input"),
    "orphan": ({BUSY}, "1 of its processes run on"),
}
BACKENDS = ("cpython_thread", "cpython_process_forkserver", "cpython_asyncio", "gevent", "node_promise", "node_worker")
SLOW = {"hangs": "1s", "stays": "2s", "orphan": "2s"}  # what is to be waited for in vain


@unittest.skipUnless(PROGRAM, "POOLBENCH_PROGRAM is not set")
class CheckDriver(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def script(self, name: str, text: str) -> str:
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def liar(self, lie: str) -> str:
        works = ROOT / "scripts" / "drivers" / "cpython"
        return self.script(lie, f"#!/bin/sh\nexec '{sys.executable}' -I -S -B '{LIAR}' '{works}' {lie}\n")

    def test_each_lie_is_found_where_it_is_told(self) -> None:
        def checked(lie: str) -> subprocess.CompletedProcess[str]:
            return poolbench("check-driver", self.liar(lie), "--json", "--within", SLOW.get(lie, "20s"))

        with ThreadPoolExecutor(4) as pool:
            results = dict(zip(LIES, pool.map(checked, LIES)))
        for lie, (promises, words) in LIES.items():
            with self.subTest(lie=lie):
                done = results[lie]
                self.assertEqual(done.returncode, 1 if promises else 0, done.stdout + done.stderr)
                checks = json.loads(done.stdout)["checks"]
                failed = {check["promise"]: check["why"] for check in checks if check["result"] == "fail"}
                self.assertLessEqual(promises, set(failed))
                self.assertTrue(not promises or any(words in failed[promise] for promise in promises), failed)
                if lie in ("honest", "callback_digest", "elsewhere", "anything", "yes_to_all", "orphan", "early"):
                    self.assertLessEqual(len(failed), max(1, 2 * len(promises)), failed)

    def test_the_example_of_the_page_is_a_driver_and_can_be_swept(self) -> None:
        if not PERL:
            self.skipTest("needs perl with JSON::PP: apt-get install perl")
        page = (ROOT / "docs" / "drivers.md").read_text(encoding="utf-8")
        (example,) = re.findall(r"^```perl\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
        self.assertEqual(example, (ROOT / "examples" / "drivers" / "prefork.pl").read_text(encoding="utf-8"))
        self.assertLess(example.count("\n"), 80)
        driver = self.script("prefork.pl", example)

        done = poolbench("check-driver", driver)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lines = done.stdout.splitlines()
        self.assertRegex(lines[-1], r"^\d+ pass, 0 fail, \d+ skip$")
        for promise in (WORK, "does the work of spin", NONE, "carries out fused", *SIZES, *REFUSALS, UNASKED, BUSY):
            self.assertIn(f"pass  {promise}", lines)
        self.assertIn("skip  does the work of tcp_echo: not claimed", lines)

        suite = self.script(
            "suite.toml",
            'name = "own"\nruns = 1\nwarmup = 0\n[[grid]]\nworkload = ["sleep", "spin"]\n'
            f'backend = ["process", "driver:{driver}"]\nstrategy = ["fused", "main"]\nworkers = "2"\ntasks = "6"\n'
            'task = "4ms"\ncallback = "1ms"\n',
        )
        out = self.directory / "out"
        done = poolbench("run", suite, "-o", str(out))
        self.assertEqual(done.returncode, 0, done.stderr)
        (context,) = (out / "context").glob("*.json")
        record = json.loads(context.read_text(encoding="utf-8"))["drivers"][f"driver:{driver}"]
        self.assertEqual((record["language"], record["one_lock"]), ("perl", False))
        self.assertGreater(record["spin_units_per_ns"], 0)
        rows = (out / "results.csv").read_text(encoding="utf-8").splitlines()
        self.assertEqual(sum(f",driver:{driver}," in row for row in rows), 2)
        plan = poolbench("run", suite, "--dry-run").stdout
        self.assertIn(f"skipped backend=driver:{driver} strategy=main", plan)
        self.assertIn("it has none, fused, as_completed", plan)
        os.unlink(driver)  # what was measured stays readable without it
        self.assertEqual(poolbench("show", str(out)).returncode, 0)

    def test_the_drivers_of_this_program_keep_every_promise(self) -> None:
        def checked(backend: str) -> subprocess.CompletedProcess[str]:
            return poolbench("check-driver", backend, env={**os.environ, "PATH": "/usr/local/bin:/usr/bin:/bin"})

        with ThreadPoolExecutor(2) as pool:
            results = dict(zip(BACKENDS, pool.map(checked, BACKENDS)))
        for backend, done in results.items():
            with self.subTest(backend=backend):
                if done.returncode == 2:
                    self.skipTest(done.stderr)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn("pass  does the work of tcp_echo\n", done.stdout)
                self.assertIn("pass  carries out collect\n", done.stdout)
                arrives = "skip" if backend.startswith("node") else "pass"
                self.assertIn(f"{arrives}  {ARRIVALS}", done.stdout)

    def test_what_is_no_driver_is_one_line(self) -> None:
        for path, code, words in (
            ("/nonexistent/driver", 2, "No such file"),
            (str(self.directory), 2, "Permission denied"),
            ("", 2, "empty"),
            ("/bin/true", 1, "exited with status 0"),
        ):
            with self.subTest(path=path):
                done = poolbench("check-driver", path)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertIn(words, done.stderr if code == 2 else done.stdout)
        for arguments in (
            ("case", "--workers", "1", "--strategy", "none", "--tasks", "1ms"),
            ("predict", "--strategy", "none", "--workers", "1", "--tasks", "1ms"),
        ):
            done = poolbench(*arguments, "--backend", "driver:/nonexistent/driver")
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
            self.assertIn("driver:/nonexistent/driver: cannot execute", done.stderr)
        self.assertEqual(poolbench("check-driver", "/bin/true", "--within", "0s").returncode, 2)


if __name__ == "__main__":
    unittest.main()
