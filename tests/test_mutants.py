"""scripts/mutants on a project of four files: what is killed, what survives, and what it refuses."""

import csv
import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import unittest
from typing import Any

MUTANTS = pathlib.Path(__file__).resolve().parent.parent / "scripts" / "mutants"

PROJECT = {
    "CMakeLists.txt": """
        cmake_minimum_required(VERSION 3.25)
        project(small LANGUAGES CXX)
        enable_testing()
        add_executable(small small.cpp)
        add_test(NAME small COMMAND small)
        """,
    "CMakePresets.json": """
        {"version": 6,
         "configurePresets": [{"name": "dev", "generator": "Ninja", "binaryDir": "${sourceDir}/build/dev"}]}
        """,
    "small.cpp": """
        int twice(int n) { return 2 * n; }
        int unasked(int n) { return n + 1; }
        int main() { return twice(3) == 6 ? 0 : 1; }
        """,
    "tests/mutants/small.toml": """
        targets = ["small"]
        tests = "^small$"

        [[mutation]]
        name = "thrice"
        file = "small.cpp"
        old = "2 * n"
        new = "3 * n"

        [[mutation]]
        name = "hangs"
        file = "small.cpp"
        old = "return 2 * n;"
        new = "for (volatile int i = 0;; ++i) {}"

        [[mutation]]
        name = "run_whole"
        programs = ["small"]
        file = "small.cpp"
        old = "return 2 * n"
        new = "return n"

        [[mutation]]
        name = "unasked"
        file = "small.cpp"
        old = "n + 1"
        new = "n + 2"

        [[mutation]]
        name = "nonsense"
        file = "small.cpp"
        old = "int unasked"
        new = "int unasked!"

        [[mutation]]
        name = "the_same"
        file = "small.cpp"
        old = "twice(3) == 6"
        new = "6 == twice(3)"
        equivalent = "the other way round"
        """,
}


class Mutants(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.root = pathlib.Path(self.directory.name)
        for name, text in PROJECT.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())

    def run_it(self, *arguments: str) -> Any:
        environment = {**os.environ, "POOLBENCH_MUTANTS_ROOT": str(self.root)}
        return subprocess.run([sys.executable, MUTANTS, *arguments], capture_output=True, text=True, env=environment)

    def test_what_a_test_notices_is_killed_and_what_none_notices_survives(self) -> None:
        run = self.run_it("--only", "thrice|hangs|whole|unasked|nonsense|same", "--timeout", "2")
        self.assertEqual(run.returncode, 1, run.stderr)
        with open(self.root / "build" / "mutants" / "mutants.csv", newline="") as file:
            verdicts = {row["name"]: row["verdict"] for row in csv.DictReader(file)}
        self.assertEqual(
            verdicts,
            {
                "small.thrice": "killed",
                "small.hangs": "killed",
                "small.run_whole": "killed",
                "small.unasked": "survived",
                "small.nonsense": "broken",
                "small.the_same": "equivalent",
            },
        )
        self.assertIn("3 of 4 killed (75 %), 1 do not build, 1 are equivalent", run.stdout)
        self.assertEqual((self.root / "small.cpp").read_text(), textwrap.dedent(PROJECT["small.cpp"]).lstrip())

    def test_all_killed_is_success(self) -> None:
        run = self.run_it("--only", "thrice")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_tests_that_fail_without_a_mutation_judge_nothing(self) -> None:
        self.write("small.cpp", PROJECT["small.cpp"].replace("? 0 : 1", "? 1 : 0"))
        run = self.run_it("--only", "thrice")
        self.assertEqual(run.returncode, 1)
        self.assertIn("fail without a mutation", run.stderr)

    def test_a_mutation_that_no_longer_fits_is_named(self) -> None:
        self.write("small.cpp", PROJECT["small.cpp"].replace("2 * n", "n + n"))
        run = self.run_it("--check")
        self.assertEqual(run.returncode, 1)
        self.assertIn("small.thrice: its old text occurs 0 times in small.cpp", run.stderr)

    def test_a_file_that_is_not_there_or_not_alone_is_named(self) -> None:
        self.write("other/small.cpp", "")
        run = self.run_it("--check")
        self.assertEqual(run.returncode, 1)
        self.assertIn("'small.cpp' is the end of 2 paths: other/small.cpp, small.cpp", run.stderr)

    def test_a_name_that_nothing_matches_is_bad_usage(self) -> None:
        run = self.run_it("--only", "nosuch")
        self.assertEqual(run.returncode, 2)
        self.assertIn("no mutation's name matches 'nosuch'", run.stderr)


if __name__ == "__main__":
    unittest.main()
