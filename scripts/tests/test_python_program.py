"""scripts/drivers/cpython asked to run a program: what main() takes, what is wrong with it, that nothing is left."""

import json
import os
import signal
import unittest
from pathlib import Path
from typing import Any

from tests.processes import GENEROUS, wait_until
from tests.test_cpython_driver import ask, session_members, start
from tests.with_directory import WithDirectory

SECOND = 1_000_000_000
PROGRAM = """
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
import sys
{imports}

def one(item):
    {body}


def main():
    inputs = [line.strip() for line in sys.stdin]
    with ProcessPoolExecutor(max_workers=2, mp_context=multiprocessing.get_context("{method}")) as pool:
        return list(pool.map(one, inputs))


if __name__ == "__main__":
    results = main()
"""


def semaphores(driver: int) -> "list[Path]":
    return list(Path("/dev/shm").glob(f"sem.poolbench-{driver}-*"))


def wait_until_gone(driver: int) -> None:
    wait_until(lambda: not session_members(driver), "program and workers are gone")
    wait_until(lambda: not semaphores(driver), "semaphores are gone")


class PythonProgram(WithDirectory):
    def question(self, body: str, method: str = "fork", deadline: int = GENEROUS * SECOND, imports: str = "") -> Any:
        return {
            "command": "program",
            "program": PROGRAM.format(body=body, method=method, imports=imports),
            "input": "3\n4\n",
            "directory": str(self.directory),
            "deadline_ns": deadline,
        }

    def test_says_what_main_took_however_processes_are_started(self) -> None:
        for method in ("fork", "spawn", "forkserver"):
            with self.subTest(method=method):
                answer = ask(self.question("return int(item)", method))
                self.assertEqual(list(answer), ["main_ns"], answer)
                self.assertGreater(answer["main_ns"], 0)

    def test_what_it_prints_is_not_in_the_answer(self) -> None:
        self.assertIn("main_ns", ask(self.question("print(item); print(item, file=sys.stderr)")))

    def test_modules_are_found_where_it_is_started(self) -> None:
        imports = "import tests.with_directory"  # of the directory of these tests
        self.assertIn("main_ns", ask(self.question("return tests.with_directory.__name__", imports=imports)))

    def test_a_program_that_only_names_multiprocessing_runs_too(self) -> None:
        text = 'INPUTS = "import multiprocessing.txt"\n\n\ndef main():\n    return INPUTS\n\n\n'
        program = text + 'if __name__ == "__main__":\n    results = main()\n'
        self.assertIn("main_ns", ask({**self.question(""), "program": program}))

    def test_it_hides_no_module_of_the_user_s(self) -> None:
        failure = ask(self.question("return item", imports="import program"))["failure"]
        self.assertIn("ModuleNotFoundError: No module named 'program'", failure)

    def test_what_is_wrong_is_one_line(self) -> None:
        wrong = {
            "raise ValueError('no luck')": "it ended with status 1: ValueError: no luck",
            "import os; os._exit(3)": "it ended with status 1: ",
            "import os; os.kill(os.getppid(), 9)": "it was killed by signal 9",
        }
        for body, words in wrong.items():
            with self.subTest(body=body):
                failure = ask(self.question(body))["failure"]
                self.assertIn(words, failure)
                self.assertNotIn("\n", failure)

    def test_what_hangs_is_ended_with_its_workers(self) -> None:
        for method in ("fork", "spawn"):
            with self.subTest(method=method), start("thread") as driver:
                question = self.question("import time; time.sleep(3600)", method, deadline=SECOND)
                driver.stdin.write(json.dumps(question).encode() + b"\n")
                driver.stdin.flush()
                self.assertEqual(json.loads(driver.stdout.readline()), {"failure": "it did not end within 1 s"})
                driver.wait(GENEROUS)
                wait_until_gone(driver.pid)

    def test_nothing_is_left_of_a_driver_that_is_killed_or_whose_input_ends(self) -> None:
        for ends in ("killed", "input"):
            with self.subTest(ends=ends), start("thread") as driver:
                question = self.question("open('began-' + item, 'w').close(); import time; time.sleep(3600)", "spawn")
                question["program"] = question["program"].replace("began-", str(self.directory / f"{ends}-"))
                driver.stdin.write(json.dumps(question).encode() + b"\n")
                driver.stdin.flush()
                wait_until((self.directory / f"{ends}-3").exists, "a worker runs")
                if ends == "killed":
                    os.kill(driver.pid, signal.SIGKILL)
                else:
                    driver.stdin.close()
                driver.wait(GENEROUS)
                wait_until_gone(driver.pid)


if __name__ == "__main__":
    unittest.main()
