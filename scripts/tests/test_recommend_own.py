"""`poolbench recommend` for a command and a function with a callback: what it prints is pasted and run."""

import json
import os
import shutil
import subprocess
import unittest
from pathlib import Path
from typing import Any

from tests.program import PROGRAM, poolbench
from tests.with_directory import WithDirectory

BUILD = Path(os.environ.get("POOLBENCH_BUILD", ""))
ROOT = Path(__file__).resolve().parents[2]
CONSIDERED = ("worker", "main", "fused", "extra")
TASK = ("sh", "-c", 'sleep 0.01; echo "got $0"', "{}")
CALLBACK = "sh -c 'sleep 0.01; echo \"$(cat) for $0\" | tee -a seen' {}"
LIBRARY = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void wait_a_little(void) {
  const struct timespec moment = {0, 5000000};
  nanosleep(&moment, NULL);
}
int poolbench_task(const char* input) { (void)input; wait_a_little(); return 0; }
int poolbench_task_with_result(const char* input, char** result, size_t* size) {
  wait_a_little();
  *size = strlen(input);
  *result = malloc(*size);
  if (*result != NULL) memcpy(*result, input, *size);
  return *result == NULL;
}
int parse_it(const char* input, const char* result, size_t size) {
  FILE* const seen = fopen("seen", "a");
  if (seen == NULL || size != strlen(input)) return 1;
  fprintf(seen, "%.*s\\n", (int)size, result);
  return fclose(seen);
}
"""


@unittest.skipUnless(PROGRAM, "POOLBENCH_PROGRAM is not set")
class RecommendOwn(WithDirectory):
    def answer(self, *arguments: str) -> Any:
        limits = ("--budget", "4s", "--max-workers", "8", "--max-pressure", "100", "--json")
        done = poolbench("recommend", *limits, *arguments, cwd=self.directory)
        self.assertEqual(done.returncode, 0, done.stderr)
        (self.directory / "seen").unlink(missing_ok=True)
        return json.loads(done.stdout)

    def seen(self) -> list[str]:
        return sorted((self.directory / "seen").read_text(encoding="utf-8").splitlines())

    def run_here(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_line_for_a_command_runs_as_printed(self) -> None:
        inputs = [f"input {number}" for number in range(12)]
        (self.directory / "in.txt").write_text("\n\n".join(inputs) + "\n", encoding="utf-8")
        found = self.answer("--inputs", "in.txt", "--", *TASK)
        self.assertEqual((found["snippet"]["language"], found["choice"]["strategy"]), ("sh", "none"))
        out = self.run_here("sh", "-c", found["snippet"]["code"])
        self.assertEqual(sorted(out.splitlines()), sorted(f"got {text}" for text in inputs))

    def test_the_lines_for_a_command_and_its_callback_run_as_printed(self) -> None:
        inputs = [f"input {number}" for number in range(12)]
        (self.directory / "in.txt").write_text("\n".join(inputs) + "\n", encoding="utf-8")
        found = self.answer("--inputs", "in.txt", "--callback", CALLBACK, "--", *TASK)
        self.assertEqual(found["tasks"], 12)
        self.assertIn(found["choice"]["strategy"], CONSIDERED)
        self.assertGreater(found["callback_ns"], 10_000_000)
        out = self.run_here("sh", "-c", found["snippet"]["code"])
        expected = sorted(f"got {text} for {text}" for text in inputs)
        self.assertEqual(sorted(out.splitlines()), expected)
        self.assertEqual(self.seen(), expected)

    @unittest.skipUnless(
        shutil.which("c++") and (BUILD / "pools" / "libpoolbench_pools.a").exists(), "no compiler, or no library pools"
    )
    def test_the_program_for_a_function_and_its_callback_runs_as_printed(self) -> None:
        cache = (BUILD / "CMakeCache.txt").read_text(encoding="utf-8")
        if "POOLBENCH_SANITIZE:STRING=\n" not in cache and "POOLBENCH_SANITIZE" in cache:
            self.skipTest("the library of this build is one for sanitizers")
        (self.directory / "lib.c").write_text(LIBRARY, encoding="utf-8")
        self.run_here("c++", "-x", "c", "-O2", "-shared", "-fPIC", "-o", "libparse.so", "lib.c")
        found = self.answer("--function", "./libparse.so", "--callback", "parse_it", "--range", "101..116")
        self.assertEqual(found["snippet"]["language"], "cpp")
        self.assertIn(found["choice"]["strategy"], CONSIDERED)
        code = found["snippet"]["code"]
        self.assertTrue(code.startswith("// c++ -std=c++20 -O2 run.cpp ./libparse.so -Wl,-rpath,. "), code)
        (self.directory / "run.cpp").write_text(code, encoding="utf-8")
        libraries = [str(BUILD / "pools" / f"libpoolbench_pools{name}.a") for name in ("", "-thread")]
        self.run_here(
            *("c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "run.cpp", "./libparse.so", "-Wl,-rpath,."),
            *(f"-I{ROOT / 'pools' / 'include'}", *libraries, "-lboost_filesystem", "-pthread", "-o", "run"),
        )
        self.run_here("./run")
        self.assertEqual(self.seen(), [str(number) for number in range(101, 117)])


if __name__ == "__main__":
    unittest.main()
