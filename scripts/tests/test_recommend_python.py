"""`poolbench recommend --python`, as a user meets it: the program that it prints runs as printed, and wrong uses."""

import json
import os
import subprocess
import sys
import time
import unittest
import uuid
from typing import Any

from tests.test_cpython_program import processes_with
from tests.with_directory import WithDirectory

PROGRAM = os.environ.get("POOLBENCH_PROGRAM", "")
MODULE = """
import os, sys, time

def fetch(text):
    time.sleep(0.02)
    return text * 10

def parse(text): return len(text)

def loop(text):
    total = 0
    for number in range(300_000):
        total += number
    return total

def divides(text): return 1 / 0
def leaves(text): sys.exit(3)
def dies(text): os.kill(os.getpid(), 9)
def hangs(text): time.sleep(3600)
def two(a, b): return a
def parse_badly(text): raise ValueError("no markup")
number = 3
"""


@unittest.skipUnless(PROGRAM, "POOLBENCH_PROGRAM is not set")
class RecommendPython(WithDirectory):
    def setUp(self) -> None:
        super().setUp()
        (self.directory / "crawler.py").write_text(MODULE, encoding="utf-8")
        (self.directory / "urls.txt").write_text("".join(f"u{number}\n" for number in range(40)), encoding="utf-8")

    def recommend(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [PROGRAM, "recommend", *arguments],
            cwd=self.directory,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def answer(self, *arguments: str) -> Any:
        done = self.recommend(*arguments, "--budget", "8s", "--max-workers", "16", "--max-pressure", "100", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertGreaterEqual(answer["python"]["program"]["runs"], 1, answer["notes"])
        self.assertGreater(answer["python"]["program"]["median_ns"], 0)
        return answer

    def run_code(self, code: str) -> Any:
        """The results of the printed program, run as a program of its own, and how long its main() took."""
        (self.directory / "pasted.py").write_text(code + "    print(results)\n", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "pasted.py"], cwd=self.directory, capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_the_program_that_it_prints_runs_as_printed(self) -> None:
        found = self.answer("--python", "crawler:fetch", "--callback", "crawler:parse", "--inputs", "urls.txt")
        self.assertEqual(found["tasks"], 40)
        self.assertIn(found["choice"]["backend"], ("cpython_thread", "cpython_to_thread", "cpython_process"))
        self.assertGreater(found["choice"]["workers"], 2)
        self.assertGreater(found["mean_wait_ns"], 15_000_000)
        started = time.monotonic()
        results = self.run_code(found["python"]["code"])
        self.assertLess(time.monotonic() - started, 3600)
        self.assertEqual(sorted(results), [20] * 10 + [30] * 30)

    def test_clients_who_come_at_a_rate_are_served_by_cpythons_executors(self) -> None:
        flags = ("--rate", "40/s", "--slo", "p99=100s", "--budget", "6s", "--max-workers", "4", "--max-pressure", "100")
        work = ("--python", "crawler:fetch", "--callback", "crawler:parse", "--inputs", "urls.txt", "-o", "out")
        done = self.recommend(*work, *flags, "--json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        found = json.loads(done.stdout)
        self.assertTrue(found["choice"]["backend"].startswith("cpython_"), found["choice"])
        self.assertNotIn(found["choice"]["strategy"], ("map", "collect", "as_completed"))
        self.assertIn("max_workers=", found["python"]["executor"])
        self.assertEqual(found["beyond"], [])
        for size in found["measured"]:
            self.assertGreaterEqual(size["sojourn_ns"]["measured"]["p50"]["value"], 20_000_000)
        again = json.loads(self.recommend(*work, *flags, "--json").stdout)
        self.assertEqual(again["measured"], found["measured"])

    def test_an_answer_that_is_there_is_given_again_and_calls_nobody(self) -> None:
        calls = "def counted(text):\n    with open('calls', 'a') as file:\n        file.write('x')\n    return text\n"
        (self.directory / "counting.py").write_text(calls, encoding="utf-8")
        flags = ("--inputs", "urls.txt", "--budget", "4s", "--max-workers", "4", "--max-pressure", "100", "-o", "out")
        first = self.recommend("--python", "counting:counted", *flags)
        self.assertEqual(first.returncode, 0, first.stderr)
        size = (self.directory / "calls").stat().st_size
        self.assertGreater(size, 0)
        again = self.recommend("--python", "counting:counted", *flags)
        self.assertEqual((again.returncode, again.stdout), (0, first.stdout), again.stderr)
        self.assertEqual((self.directory / "calls").stat().st_size, size)

    def test_json_values_arrive_as_they_are_written(self) -> None:
        told = (
            "def told(**named):\n    with open('told', 'a') as file:\n        print(list(named.items()), file=file)\n"
        )
        (self.directory / "telling.py").write_text(told, encoding="utf-8")
        (self.directory / "in.jsonl").write_text('{"z": 1, "a": {"y": 0.1, "b": 2}}\n' * 3, encoding="utf-8")
        self.answer("--python", "telling:told", "--inputs", "in.jsonl")
        self.assertEqual(
            set((self.directory / "told").read_text(encoding="utf-8").splitlines()),
            {"[('z', 1), ('a', {'y': 0.1, 'b': 2})]"},
        )

    def test_what_is_awaited_is_awaited_by_the_program(self) -> None:
        text = "import asyncio\nasync def wait(x):\n    await asyncio.sleep(0.01)\n    return len(x)\n"
        text += "def plain(x): return wait(x)\nasync def add(n): return n + 1\n"
        (self.directory / "waits.py").write_text(text, encoding="utf-8")
        found = self.answer("--python", "waits:plain", "--callback", "waits:add", "--inputs", "urls.txt")
        self.assertEqual(sorted(self.run_code(found["python"]["code"])), [3] * 10 + [4] * 30)
        self.assertTrue(found["python"]["async"])

    def test_a_module_by_its_path_with_json_values(self) -> None:
        (self.directory / "more").mkdir()
        (self.directory / "more" / "sums.py").write_text("def add(a, b=1): return a + b\n", encoding="utf-8")
        (self.directory / "in.jsonl").write_text('3\n{"a": 1, "b": 2}\n' * 4, encoding="utf-8")
        found = self.answer("--python", "more/sums.py:add", "--inputs", "in.jsonl")
        self.assertEqual(self.run_code(found["python"]["code"]), [4, 3] * 4)

    def test_its_text_has_the_code_and_its_markdown_a_block_of_it(self) -> None:
        flags = ("--python", "crawler:parse", "--inputs", "urls.txt", "--budget", "8s", "--max-pressure", "100")
        done = self.recommend(*flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("import crawler\n", done.stdout)
        self.assertIn("\npython ", done.stdout)
        done = self.recommend(*flags, "--markdown")
        self.assertIn("```python\n", done.stdout)

    def test_wrong_uses_are_one_clear_message_each_and_leave_nothing(self) -> None:
        (self.directory / "broken.py").write_text("def f(:\n", encoding="utf-8")
        (self.directory / "raises.py").write_text("raise OSError('no luck')\n", encoding="utf-8")
        (self.directory / "empty.txt").write_text("\n", encoding="utf-8")
        (self.directory / "bad.jsonl").write_text("1\n{\n", encoding="utf-8")
        (self.directory / "wide.jsonl").write_text("1\n123456789012345678901234567890\n", encoding="utf-8")
        (self.directory / "marked.jsonl").write_text("\ufeff1\n", encoding="utf-8")
        (self.directory / "class.py").write_text("def f(x): return x\n", encoding="utf-8")
        (self.directory / "bytes.txt").write_bytes(b"\xff\xfe\n")
        unnameable = os.fsdecode(b"in\xff")
        (self.directory / unnameable).write_text("u0\n", encoding="utf-8")
        urls = ("--inputs", "urls.txt")
        wrong = {
            ("--python", "crawler", *urls): "names no function",
            ("--python", "crawler:", *urls): "names no function",
            ("--python", ":fetch", *urls): "no name of a module",
            ("--python", "my-crawler:fetch", *urls): "no name of a module",
            ("--python", "nowhere:fetch", *urls): "there is no module 'nowhere'",
            ("--python", "nowhere.py:fetch", *urls): "there is no file 'nowhere.py'",
            ("--python", "crawler:fetsh", *urls): "the module 'crawler' has no 'fetsh'",
            ("--python", "crawler:number", *urls): "not callable",
            ("--python", "crawler:two", *urls): "missing a required argument: 'b'",
            ("--python", "crawler:divides", *urls): "failed for input 1, 'u0': ZeroDivisionError",
            ("--python", "crawler:leaves", *urls): "called sys.exit(3)",
            ("--python", "crawler:dies", *urls): "killed by signal 9",
            ("--python", "crawler:hangs", *urls, "--deadline", "1s"): "did not end within 1 s",
            ("--python", "broken:f", *urls): "SyntaxError",
            ("--python", "raises:f", *urls): "importing 'raises' failed: OSError: no luck",
            ("--python", "crawler:fetch", "--callback", "crawler:nothing", *urls): "has no 'nothing'",
            ("--python", "crawler:fetch", "--callback", "crawler:parse_badly", *urls): "ValueError: no markup",
            ("--python", "crawler:fetch", "--callback", "parse", *urls): "--callback 'parse' names no function",
            ("--python", "crawler:fetch"): "inputs are missing",
            ("--python", "crawler:fetch", "--inputs", "empty.txt"): "holds no inputs",
            ("--python", "crawler:fetch", "--inputs", "nowhere.txt"): "nowhere.txt",
            ("--python", "crawler:fetch", "--inputs", "bad.jsonl"): "input 2 is no JSON value",
            ("--python", "crawler:fetch", "--inputs", "bytes.txt"): "not UTF-8",
            (
                "--python",
                "crawler:fetch",
                "--inputs",
                "wide.jsonl",
            ): "input 2 has the number 123456789012345678901234567890",
            ("--python", "crawler:fetch", "--inputs", "marked.jsonl"): "input 1 is no JSON value",
            ("--python", "class.py:f", *urls): "no name of a module",
            ("--python", "crawler:fetch.None", *urls): "names no function",
            ("--python", "crawler:fetch", "--inputs", unnameable): "the name 'in\\xff' is not UTF-8",
            ("--python", "crawler:fetch", *urls, "--interpreter", "/nonexistent/python"): "no such program",
            ("--python", "crawler:fetch", *urls, "--interpreter", "/bin/true"): "/bin/true",
            ("--python", "crawler:fetch", *urls, "--workload", "sleep"): "exactly one of",
            ("--workload", "sleep", "--interpreter", "python3"): "--interpreter does not apply",
        }
        for arguments, words in wrong.items():
            with self.subTest(arguments=arguments):
                mark = uuid.uuid4().hex
                done = self.recommend(*arguments, OWN_MARK=mark)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(done.stdout, "")
                last = done.stderr.splitlines()[-1]
                self.assertTrue(last.startswith("poolbench: "), done.stderr)
                self.assertIn(words, last)
                self.assertEqual(processes_with(mark), [])

    def test_an_input_that_only_many_runs_reach_is_named_all_the_same(self) -> None:
        module = "import os\ndef late(text):\n    if text == 'u50': os.kill(os.getpid(), 9)\n"
        (self.directory / "late.py").write_text(module, encoding="utf-8")
        (self.directory / "urls.txt").write_text("".join(f"u{number}\n" for number in range(60)), encoding="utf-8")
        done = self.recommend(
            "--python", "late:late", "--inputs", "urls.txt", "--budget", "3s", "--max-pressure", "100"
        )
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("late:late for input 51, 'u50': its process was killed by signal 9", done.stderr)

    def test_a_failure_has_the_end_of_its_traceback(self) -> None:
        done = self.recommend("--python", "crawler:divides", "--inputs", "urls.txt")
        self.assertIn("def divides(text): return 1 / 0", done.stderr)


if __name__ == "__main__":
    unittest.main()
