"""scripts/drivers/cpython asked to run a program: what main() takes, what is wrong with it, that nothing is left."""

import json
import os
import signal
import unittest
from pathlib import Path
from typing import Any

from tests.processes import GENEROUS, processes_where, state_of, wait_until
from tests.test_cpython_driver import ask, session_members, start
from tests.test_cpython_program import processes_with
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


def shared_memory(names: Path) -> "list[Path]":
    """What is there of the segments that are named in the file."""
    segments = [Path("/dev/shm") / name for name in names.read_text("ascii").split()]
    return [segment for segment in segments if segment.exists()]


class PythonProgram(WithDirectory):
    def marker(self) -> str:
        return f"POOLBENCH_TEST={self.directory}"

    def environment(self) -> "dict[str, str]":
        """Of a driver, and of what it starts."""
        return {**os.environ, "POOLBENCH_TEST": str(self.directory)}

    def wait_until_gone(self, driver: int) -> None:
        wait_until(lambda: not session_members(driver), "driver and guard are gone")
        wait_until(lambda: not processes_with(self.marker()), "program and workers are gone")
        wait_until(lambda: not semaphores(driver), "semaphores are gone")

    def begin(self, driver: Any, question: Any) -> None:
        driver.stdin.write(json.dumps(question).encode() + b"\n")
        driver.stdin.flush()

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

    def test_modules_are_found_where_it_is_started_whatever_they_are_called(self) -> None:
        beside = self.directory / "a:b"  # a colon separates the directories of a path
        beside.mkdir()
        for name in ("_os", "_time", "_poolbench_program", "program"):
            (beside / f"{name}.py").write_text(f"def own(): return {name!r}\n", encoding="ascii")
            for method in ("fork", "spawn", "forkserver"):
                with self.subTest(name=name, method=method):
                    question = self.question(f"return {name}.own()", method, imports=f"import {name}")
                    self.assertIn("main_ns", ask(question, isolated=False, cwd=beside))

    def test_a_program_that_only_names_multiprocessing_runs_too(self) -> None:
        text = 'INPUTS = "import multiprocessing.txt"\n\n\ndef main():\n    return INPUTS\n\n\n'
        program = text + 'if __name__ == "__main__":\n    results = main()\n'
        self.assertIn("main_ns", ask({**self.question(""), "program": program}))

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

    def program(self, *body: str, **more: Any) -> Any:
        """A question about a program without a pool."""
        lines = "".join(f"    {line}\n" for line in body)
        text = f'import os, sys, time\n\n\ndef main():\n{lines}\n\nif __name__ == "__main__":\n    results = main()\n'
        return {**self.question("", **more), "program": text}

    def test_an_end_before_the_end_of_main_is_told(self) -> None:
        failure = ask(self.program("os._exit(0)"))["failure"]
        self.assertEqual(failure, "it ended with status 0 before main() had returned")

    def test_a_program_may_close_all_its_descriptors(self) -> None:
        mine = self.directory / "mine"
        opens = f"globals().update(files=[open('{mine}-%d' % at, 'w') for at in range(64)])"
        answer = ask(self.program("os.closerange(3, 64)", opens, "time.sleep(0.02)"))
        self.assertGreaterEqual(answer["main_ns"], 20_000_000)
        self.assertEqual({file.stat().st_size for file in self.directory.glob("mine-*")}, {0}, "it was written into")

    def test_signals_are_as_they_were_and_its_temporary_directory_is_the_user_s(self) -> None:
        default = "[signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)] == [signal.SIG_DFL] * 2"
        body = ("import signal, tempfile", f"assert {default}", f"assert tempfile.gettempdir() == {os.sep + 'var'!r}")
        env = {**os.environ, "TMPDIR": "/var"}
        self.assertIn("main_ns", ask(self.program(*body), env=env))

    def test_a_flood_of_words_is_kept_nowhere(self) -> None:
        flood = self.program("for _ in range(2000): sys.stderr.write('a' * 65535 + '\\n')", "raise OSError('the last')")
        self.assertEqual(ask(flood)["failure"], "it ended with status 1: OSError: the last")
        self.assertLess(sum(file.stat().st_size for file in self.directory.iterdir()), 1_000_000)

    def test_one_that_stops_itself_is_ended_at_its_deadline(self) -> None:
        stops = self.program("import signal", "os.killpg(0, signal.SIGSTOP)", deadline=SECOND)
        self.assertEqual(ask(stops), {"failure": "it did not end within 1 s"})

    def test_shared_memory_of_what_is_ended_is_removed(self) -> None:
        names = self.directory / "names"
        body = "memory = SharedMemory(create=True, size=4096); open('NAMES', 'a').write(memory.name + ' '); HANG"
        body = body.replace("NAMES", str(names)).replace("HANG", "import time; time.sleep(3600)")
        question = self.question(body, "spawn", imports="from multiprocessing.shared_memory import SharedMemory")
        for ends in ("deadline", "killed", "guard killed", "guard stopped"):
            with self.subTest(ends=ends), start("thread", env=self.environment()) as driver:
                names.unlink(missing_ok=True)
                self.begin(driver, {**question, "deadline_ns": (1 if ends == "deadline" else GENEROUS) * SECOND})
                if ends != "deadline":
                    wait_until(lambda: names.exists() and shared_memory(names), "a worker has made some")
                if ends.startswith("guard"):
                    (guard,) = processes_where(lambda entry: int(state_of(entry)[1]) == driver.pid)
                    os.kill(guard, signal.SIGSTOP if ends == "guard stopped" else signal.SIGKILL)
                if ends in ("killed", "guard stopped"):  # an orphaned group that is stopped is sent SIGHUP, and goes on
                    os.kill(driver.pid, signal.SIGKILL)
                if ends == "guard killed":
                    self.assertEqual(json.loads(driver.stdout.readline()), {"failure": "its guard was killed"})
                driver.wait(GENEROUS)
                self.wait_until_gone(driver.pid)
                if names.exists():
                    wait_until(lambda: not shared_memory(names), "shared memory is gone")

    def test_what_hangs_is_ended_with_its_workers(self) -> None:
        for method in ("fork", "spawn"):
            with self.subTest(method=method), start("thread", env=self.environment()) as driver:
                question = self.question("import time; time.sleep(3600)", method, deadline=SECOND)
                self.begin(driver, question)
                self.assertEqual(json.loads(driver.stdout.readline()), {"failure": "it did not end within 1 s"})
                driver.wait(GENEROUS)
                self.wait_until_gone(driver.pid)

    def test_nothing_is_left_of_a_driver_that_is_killed_or_whose_input_ends(self) -> None:
        for ends in ("killed", "input"):
            with self.subTest(ends=ends), start("thread", env=self.environment()) as driver:
                question = self.question("open('began-' + item, 'w').close(); import time; time.sleep(3600)", "spawn")
                question["program"] = question["program"].replace("began-", str(self.directory / f"{ends}-"))
                self.begin(driver, question)
                wait_until((self.directory / f"{ends}-3").exists, "a worker runs")
                if ends == "killed":
                    os.kill(driver.pid, signal.SIGKILL)
                else:
                    driver.stdin.close()
                driver.wait(GENEROUS)
                self.wait_until_gone(driver.pid)


if __name__ == "__main__":
    unittest.main()
