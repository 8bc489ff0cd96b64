"""scripts/drivers/cpython: its protocol, what it records, and that nothing outlives its standard input."""

import json
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

from tests.processes import GENEROUS, is_alive, kill_all, processes_where, state_of, wait_until

DRIVER = Path(__file__).resolve().parent.parent / "drivers" / "cpython" / "driver.py"
FOR_EVER = 3_600_000_000_000
STRATEGIES = {
    "thread": ("none", "worker", "extra", "fused", "sync", "collect", "as_completed", "map"),
    "process": ("none", "main", "extra", "fused", "sync", "collect", "as_completed", "map"),
}


def sleep(ns: int = 0, seed: int = 1) -> list[Any]:
    return ["sleep", 0, ns, 0, 0, seed]


def spin(steps: int, seed: int = 1) -> list[Any]:
    return ["spin", 0, 0, steps, 0, seed]


def request(
    strategy: str, tasks: list[list[Any]], callbacks: list[list[Any]] | None = None, **more: Any
) -> dict[str, Any]:
    callbacks = [] if strategy == "none" else callbacks or [sleep(seed=i) for i in range(len(tasks))]
    return {
        "command": "run",
        "strategy": strategy,
        "workers": 2,
        "parsers": 2,
        "chunksize": 2,
        "in_flight": 0,
        "tasks": tasks,
        "callbacks": callbacks,
        **more,
    }


def start(executor: str, isolated: bool = True, **more: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *(("-I",) if isolated else ()), "-B", str(DRIVER), executor],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **more,
    )


def ask(question: Any, executor: str = "thread", **more: Any) -> Any:
    """The answer; the driver's standard input stays open until it is there, as poolbench does it."""
    with start(executor, **more) as driver:
        driver.stdin.write(json.dumps(question).encode() + b"\n" if not isinstance(question, bytes) else question)
        driver.stdin.flush()
        line = driver.stdout.readline()
        driver.stdin.close()
        driver.wait(GENEROUS)
        assert line, driver.stderr.read()
        return json.loads(line)


def session_members(session: int) -> list[int]:
    """Living processes of a session."""
    return processes_where(lambda entry: int(state_of(entry)[3]) == session and is_alive(entry))


class Protocol(unittest.TestCase):
    def test_describes_the_interpreter_that_runs_it(self) -> None:
        answer = ask({"command": "describe"})
        self.assertEqual(answer["language"], sys.implementation.name)
        self.assertTrue(answer["version"].startswith("%d.%d.%d" % sys.version_info[:3]))
        self.assertEqual(answer["one_lock"], getattr(sys, "_is_gil_enabled", lambda: True)())
        self.assertTrue(os.access(answer["executable"], os.X_OK))

    def test_calibrates(self) -> None:
        self.assertGreater(ask({"command": "calibrate", "budget_ns": 1_000_000})["spin_steps_per_ns"], 0)

    def test_answers_what_it_does_not_understand_with_an_error_of_one_line(self) -> None:
        for question in (
            {"command": "dance"},
            {},
            b"no json\n",
            b"[1]\n",
            {"command": "run"},
            request("later", [sleep()]),
            request("none", [["dance", 0, 0, 0, 0, 1]]),
        ):
            with self.subTest(question=question):
                answer = ask(question)
                self.assertEqual(list(answer), ["error"])
                self.assertNotIn("\n", answer["error"])

    def test_ends_at_the_end_of_its_input_without_a_question(self) -> None:
        with start("thread") as driver:
            driver.stdin.close()
            self.assertEqual(driver.wait(GENEROUS), 0)
            self.assertEqual(driver.stdout.read(), b"")


class Cells(unittest.TestCase):
    def test_every_strategy_leaves_a_complete_trace_in_order(self) -> None:
        for executor, strategies in STRATEGIES.items():
            for strategy in strategies:
                with self.subTest(executor=executor, strategy=strategy):
                    answer = ask(request(strategy, [sleep(1_000_000, i) for i in range(5)]), executor)
                    self.assertNotIn("error", answer)
                    self.assertEqual(len(answer["tasks"]), 5)
                    for row in answer["tasks"]:
                        self.assertEqual(len(row), 13)
                        stamps = [row[0], row[1], row[2]] + ([] if strategy == "none" else [row[7], row[8]])
                        self.assertEqual(stamps, sorted(stamps))
                        self.assertGreater(stamps[0], 0)
                        self.assertGreaterEqual(row[2] - row[1], 1_000_000)
                        if strategy == "none":
                            self.assertEqual(row[7:], [-1, -1, 0, 0, 0, 0])
                    self.assertGreater(answer["resources"]["rss_peak_bytes"], 0)

    def test_tasks_that_arrive_are_submitted_at_their_times_and_not_after_an_answer(self) -> None:
        arrivals = [0, 2_000_000, 2_000_000, 30_000_000]
        for executor in ("thread", "process", "asyncio", "to_thread"):
            for strategy in ("none", "fused", "collect", "as_completed"):
                with self.subTest(executor=executor, strategy=strategy):
                    tasks = [sleep(60_000_000, i) for i in range(4)]
                    answer = ask(request(strategy, tasks, arrivals_ns=arrivals, workers=1), executor)
                    self.assertNotIn("error", answer)
                    for row, arrival in zip(answer["tasks"], arrivals):
                        self.assertGreaterEqual(row[0], answer["origin_ns"] + arrival)
        self.assertNotIn("origin_ns", ask(request("none", [sleep()])))
        for strategy, times in (("sync", [0]), ("map", [0]), ("none", [0, 1])):
            self.assertIn("tasks arrive one by one", ask(request(strategy, [sleep()], arrivals_ns=times))["error"])

    def test_equal_works_give_equal_digests_in_threads_and_processes(self) -> None:
        works = [
            spin(100, 2**64 - 1),
            spin(101, 7),
            sleep(0, 2**63),
            ["gil_spin", 0, 0, 100, 0, 7],
            ["mixed", 0, 0, 100, 0, 7],
        ]
        in_threads = [row[6] for row in ask(request("none", works), "thread")["tasks"]]
        in_processes = [row[6] for row in ask(request("none", works), "process")["tasks"]]
        self.assertEqual(in_threads, in_processes)
        self.assertEqual(len(set(in_threads)), len(works))

    def test_the_worker_runs_a_done_callback_of_threads_and_one_thread_of_the_main_process_that_of_processes(
        self,
    ) -> None:
        # Long enough that no future is done before its callback is attached, which CPython runs in the submitter then.
        tasks = [sleep(50_000_000, i) for i in range(4)]
        for row in ask(request("worker", tasks), "thread")["tasks"]:
            self.assertEqual(row[3:5], row[9:11])
        rows = ask(request("main", tasks), "process")["tasks"]
        self.assertEqual(len({tuple(row[9:11]) for row in rows}), 1)
        self.assertTrue({row[9] for row in rows}.isdisjoint(row[3] for row in rows))
        self.assertNotEqual(rows[0][9], rows[0][10], "the manager thread, not the main thread")

    def test_parsers_are_processes_of_their_own(self) -> None:
        rows = ask(request("extra", [sleep(1_000_000, i) for i in range(6)]), "process")["tasks"]
        self.assertTrue({row[9] for row in rows}.isdisjoint(row[3] for row in rows))
        self.assertLessEqual(len({row[9] for row in rows}), 2)

    def test_a_task_that_fails_fails_the_cell(self) -> None:
        refused = ["tcp_echo", 1, 0, 0, 8, 1]  # nobody listens on port 1
        on_loop = ("none", "worker", "main", "extra", "fused", "sync", "collect", "as_completed")
        for executor, strategies in (*STRATEGIES.items(), ("asyncio", on_loop)):
            for strategy in strategies:
                with self.subTest(executor=executor, strategy=strategy):
                    self.assertIn(
                        "refused", ask(request(strategy, [sleep(), refused]), executor).get("error", "").lower()
                    )

    def test_a_callback_that_fails_fails_the_cell(self) -> None:
        for executor, strategy in (
            ("thread", "worker"),
            ("process", "main"),
            ("thread", "extra"),
            ("process", "fused"),
            ("asyncio", "worker"),
            ("asyncio", "main"),
            ("to_thread", "main"),
        ):
            with self.subTest(executor=executor, strategy=strategy):
                answer = ask(request(strategy, [sleep()], [["tcp_echo", 1, 0, 0, 8, 1]]), executor)
                self.assertIn("refused", answer.get("error", "").lower())


class Lifetime(unittest.TestCase):
    """Every process of a driver is in its session."""

    def busy(self, executor: str, strategy: str) -> subprocess.Popen[bytes]:
        driver = start(executor)
        self.addCleanup(driver.stdout.close)
        self.addCleanup(driver.stderr.close)
        self.addCleanup(lambda: kill_all(session_members(driver.pid)))
        question = request(strategy, [sleep(FOR_EVER, i) for i in range(4)])
        driver.stdin.write(json.dumps(question).encode() + b"\n")
        driver.stdin.flush()
        # What is not forked needs a process that tracks its resources, and one that forks, if so.
        own = {"process": 2, "process_spawn": 3, "process_forkserver": 4}
        expected = 1 + own.get(executor, 0) + (2 if strategy == "extra" else 0)
        wait_until(lambda: len(session_members(driver.pid)) >= expected, "the driver's processes start")
        return driver

    def expect_all_gone(self, driver: subprocess.Popen[bytes]) -> None:
        driver.wait(GENEROUS)
        wait_until(lambda: not session_members(driver.pid), "every process of the driver is gone")

    def test_nothing_outlives_the_end_of_standard_input(self) -> None:
        for executor, strategy in (
            ("thread", "none"),
            ("process", "main"),
            ("process", "extra"),
            ("process_spawn", "main"),
            ("process_forkserver", "extra"),
            ("asyncio", "extra"),
            ("to_thread", "main"),
        ):
            with self.subTest(executor=executor, strategy=strategy):
                driver = self.busy(executor, strategy)
                driver.stdin.close()
                self.expect_all_gone(driver)

    def test_nothing_outlives_a_driver_that_is_killed(self) -> None:
        for executor, strategy in (
            ("process", "main"),
            ("thread", "extra"),
            ("process", "extra"),
            ("process_spawn", "main"),
            ("process_forkserver", "main"),
        ):
            with self.subTest(executor=executor, strategy=strategy):
                driver = self.busy(executor, strategy)
                driver.kill()
                driver.stdin.close()
                self.expect_all_gone(driver)

    def test_a_worker_that_is_killed_is_an_error_and_not_a_hang(self) -> None:
        for strategy in ("main", "none", "as_completed"):
            with self.subTest(strategy=strategy):
                driver = self.busy("process", strategy)
                os.kill(max(set(session_members(driver.pid)) - {driver.pid}), signal.SIGKILL)
                self.assertIn("Broken", json.loads(driver.stdout.readline())["error"])
                driver.stdin.close()
                self.expect_all_gone(driver)

    def test_a_parser_that_is_killed_is_an_error_and_not_a_hang(self) -> None:
        driver = self.busy("thread", "extra")
        os.kill(max(session_members(driver.pid)), signal.SIGKILL)
        line = driver.stdout.readline()  # empty: it ended without an answer
        words = driver.stderr.read()
        self.assertIn(b"a parser process died", line + words)
        driver.stdin.close()
        self.expect_all_gone(driver)


if __name__ == "__main__":
    unittest.main()
