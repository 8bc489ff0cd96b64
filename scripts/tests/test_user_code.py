"""scripts/drivers/cpython with functions of the user's: every executor runs them; what is wrong with them is said."""

import json
import unittest
from typing import Any

from tests.test_cpython_driver import ask, request, session_members, start
from tests.processes import GENEROUS, wait_until
from tests.with_directory import WithDirectory

MODULE = """
import asyncio, os, sys, threading, time

def double(text): return text * 2
def length(text): return len(text)
def named(a, b): return a + b
async def later(text):
    await asyncio.sleep(0.001)
    return text
def divides(text): return 1 / (len(text) - 1)
def leaves(text): sys.exit(3)
def dies(text): os.kill(os.getpid(), 9)
def unnamed(text): os.kill(os.getpid(), 40)
def quits(text): os._exit(7)
def hangs(text): time.sleep(3600)
def local(text): return lambda: text
def prints(text): print("something")
def threaded(text):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
def passing(text):
    threads = [threading.Thread(target=double, args=(text,)) for _ in range(3)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
def long_last(number): time.sleep(number / 1000)
number = 3
class Client:
    def get(self, text): return text
class Parser:
    @staticmethod
    def parse(text): return text.upper()
"""
EXECUTORS = {
    "thread": ("worker", "fused", "collect", "as_completed", "map", "extra"),
    "process": ("main", "fused", "collect", "as_completed", "map", "extra"),
    "process_spawn": ("main", "fused"),
    "process_forkserver": ("collect",),
    "asyncio": ("worker", "fused", "collect"),
    "to_thread": ("fused", "collect"),
}
SECOND = 1_000_000_000


class UserCode(WithDirectory):
    def setUp(self) -> None:
        super().setUp()
        (self.directory / "crawler.py").write_text(MODULE, encoding="utf-8")

    def code(self, function: str, callback: str = "", inputs: "list[Any] | None" = None) -> "dict[str, Any]":
        return {
            "function": f"crawler:{function}" if ":" not in function else function,
            "callback": f"crawler:{callback}" if callback else "",
            "paths": [str(self.directory)],
            "inputs": ["a", "bc"] if inputs is None else inputs,
            "environment": {},
        }

    def question(self, strategy: str, code: "dict[str, Any]", tasks: int = 5) -> "dict[str, Any]":
        def works(kind: str) -> "list[Any]":
            return [[kind, index, 0, 0, 0, "1"] for index in range(tasks)]

        return request(strategy, works("python"), works("python_callback"), code=code)

    def examined(self, function: str, callback: str = "", deadline: int = GENEROUS * SECOND) -> Any:
        question = {"command": "examine", "code": self.code(function, callback), "most": 5}
        return ask({**question, "budget_ns": GENEROUS * SECOND, "deadline_ns": deadline})


class Runs(UserCode):
    def test_every_executor_runs_function_and_callback(self) -> None:
        for executor, strategies in EXECUTORS.items():
            for strategy in strategies:
                with self.subTest(executor=executor, strategy=strategy):
                    function = "later" if executor == "asyncio" else "double"
                    answer = ask(self.question(strategy, self.code(function, "length")), executor)
                    self.assertNotIn("error", answer)
                    self.assertEqual([row[6] for row in answer["tasks"]], list(range(5)))
                    for row in answer["tasks"]:
                        self.assertEqual(len(row), 13)
                        self.assertLessEqual(row[2], row[7])

    def test_an_asynchronous_function_runs_in_pools_too(self) -> None:
        for executor in ("thread", "process"):
            self.assertNotIn("error", ask(self.question("none", self.code("later")), executor))

    def test_an_object_is_keyword_arguments(self) -> None:
        answer = ask(self.question("none", self.code("named", inputs=[{"a": 1, "b": 2}])))
        self.assertNotIn("error", answer)

    def test_what_is_raised_is_said_with_its_input_and_its_line(self) -> None:
        for executor in ("thread", "process"):
            error = ask(self.question("none", self.code("divides")), executor)["error"]
            self.assertIn("crawler:divides failed for input 1, 'a': ZeroDivisionError: division by zero", error)
            self.assertRegex(error, r"crawler\.py:\d+ in divides")
            error = ask(self.question("none", self.code("leaves")), executor)["error"]
            self.assertIn("called sys.exit(3)", error)

    def test_modules_of_the_user_may_have_the_names_of_the_drivers(self) -> None:
        (self.directory / "pools.py").write_text("import works\ndef f(text): return works.g(text)\n", encoding="utf-8")
        (self.directory / "works.py").write_text("def g(text): return text\n", encoding="utf-8")
        for executor in ("thread", "process", "process_spawn"):
            with self.subTest(executor=executor):
                self.assertNotIn("error", ask(self.question("none", self.code("pools:f")), executor))


class Examined(UserCode):
    def test_inputs_from_first_to_last_are_looked_at(self) -> None:
        code = self.code("long_last", inputs=[*[0] * 16, *[20] * 4])
        question = {"command": "examine", "code": code, "most": 5}
        answer = ask({**question, "budget_ns": GENEROUS * SECOND, "deadline_ns": GENEROUS * SECOND})
        long = [row[0] >= 20_000_000 for row in answer["tasks"]]
        self.assertEqual(long, [False, False, False, False, True])

    def test_threads_that_a_call_starts_and_ends_are_seen(self) -> None:
        self.assertEqual(self.examined("passing")["threads_started"], 3)
        self.assertEqual(self.examined("double")["threads_started"], 0)

    def test_what_it_does_is_measured_one_call_at_a_time(self) -> None:
        answer = self.examined("double", "length")
        self.assertEqual(len(answer["tasks"]), 3)
        self.assertEqual(len(answer["callbacks"]), 3)
        for wall, thread, process, children, size, pickling in answer["tasks"]:
            self.assertGreater(wall, 0)
            self.assertGreaterEqual(process, thread)
            self.assertEqual(children, 0)
            self.assertGreater(size, 0)
            self.assertGreater(pickling, 0)
        self.assertFalse(answer["is_async"])
        self.assertEqual(answer["unpicklable"], "")
        self.assertGreater(answer["memory_bytes"], 0)
        self.assertEqual(answer["threads"], 0)
        self.assertFalse(answer["prints"])

    def test_tells_asynchronous_unpicklable_printing_and_threaded_functions(self) -> None:
        self.assertTrue(self.examined("later")["is_async"])
        self.assertIn("cannot be pickled", self.examined("local")["unpicklable"])
        self.assertTrue(self.examined("prints")["prints"])
        self.assertGreater(self.examined("threaded")["threads"], 0)
        self.assertNotIn("failure", self.examined("Parser.parse"))

    def test_what_is_wrong_is_said_and_nothing_is_left(self) -> None:
        (self.directory / "broken.py").write_text("def f(:\n", encoding="utf-8")
        (self.directory / "raises.py").write_text("import nothing_of_that_name\n", encoding="utf-8")
        (self.directory / "relative.py").write_text("from . import crawler\n", encoding="utf-8")
        wrong = {
            "nothing": "the module 'crawler' has no 'nothing'; it has double, length",
            "number": "'crawler:number' is not callable: it is of type int",
            "named": "crawler:named cannot be called with input 1, 'a': missing a required argument: 'b'",
            "divides": "crawler:divides failed for input 1, 'a': ZeroDivisionError",
            "leaves": "called sys.exit(3)",
            "dies": "crawler:dies for input 1, 'a': its process was killed by signal 9 (SIGKILL)",
            "unnamed": "crawler:unnamed for input 1, 'a': its process was killed by signal 40",
            "quits": "crawler:quits for input 1, 'a': its process ended with status 7",
            "hangs": "crawler:hangs for input 1, 'a': did not end within 1 s",
            "Client.get": "argument: 'text'; it is a method, and needs an object: with 'client = Client()'",
            "relative:f": "from the directory that has the package: PACKAGE.relative:f",
            "nomodule:f": "there is no module 'nomodule'",
            "broken:f": "importing 'broken' failed: SyntaxError",
            "raises:f": "importing 'raises' failed: ModuleNotFoundError: No module named 'nothing_of_that_name'",
        }
        for function, words in wrong.items():
            with self.subTest(function=function):
                answer = self.examined(function, deadline=SECOND if function == "hangs" else GENEROUS * SECOND)
                self.assertIn(words, answer["failure"])
                self.assertNotIn("\n", answer["failure"])
        answer = self.examined("divides")
        self.assertIn("return 1 / (len(text) - 1)", "\n".join(answer["traceback"]))
        self.assertEqual(answer["traceback"][-1], "ZeroDivisionError: division by zero")

    def test_it_ends_with_its_standard_input(self) -> None:
        question = {
            "command": "examine",
            "code": self.code("hangs"),
            "most": 1,
            "budget_ns": SECOND,
            "deadline_ns": 3600 * SECOND,
        }
        with start("thread") as driver:
            driver.stdin.write(json.dumps(question).encode() + b"\n")
            driver.stdin.close()
            driver.wait(GENEROUS)
            wait_until(lambda: not session_members(driver.pid), "every process of the driver is gone")


if __name__ == "__main__":
    unittest.main()
