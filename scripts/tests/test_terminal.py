"""What the program prints on a real terminal, and what it prints in a pipe."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import unittest
from pathlib import Path

from tests.program import PROGRAM, poolbench
from tests.with_directory import WithDirectory

RESULTS = Path(__file__).resolve().parents[2] / "results"
ESCAPE = "\x1b"
COLOUR = re.compile("\x1b\\[[0-9;]*m")

SUITE = """name = "tiny"
description = "One cell"
runs = 4
warmup = 0
timeout = "60s"
order = "random"
seed = 1
[[grid]]
backend = "thread"
workers = [1, 2]
workload = "sleep"
strategy = "none"
tasks = 4
task = "1ms"
"""

PREDICT = ("predict", "--backend", "thread", "--tasks", "4x5ms", "--strategy", "worker", "--callbacks", "1ms")
SHOW = ("show", str(RESULTS / "default"))
COMPARE = ("compare", str(RESULTS / "default"), str(RESULTS / "default"))

# What prints the same each time.
STEADY = (
    SHOW,
    ("show", str(RESULTS / "tutorial")),
    COMPARE,
    (*PREDICT, "--workers", "4"),
    (*PREDICT, "--sweep", "workers=1..4"),
)


def on_a_terminal(*arguments: str, columns: int = 100, **variables: str) -> str:
    """Standard output, which is a terminal of so many columns, and so is standard error."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    environment |= {"TERM": "xterm-256color", **variables}
    command = [PROGRAM, *arguments]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, env=environment):
        os.close(writer)
        said = b""
        while True:
            try:
                more = os.read(reader, 65536)
            except OSError:  # nobody has the other end any more
                break
            if not more:
                break
            said += more
    os.close(reader)
    return said.decode().replace("\r\n", "\n")


class Colours(unittest.TestCase):
    def test_are_on_a_terminal_and_change_nothing_else(self) -> None:
        for arguments in STEADY:
            with self.subTest(arguments):
                shown = on_a_terminal(*arguments)
                self.assertIn(ESCAPE, shown)
                self.assertEqual(COLOUR.sub("", shown), poolbench(*arguments).stdout)

    def test_of_each_command_go_by_the_same_flag(self) -> None:
        for arguments in (*STEADY, ("doctor",), ("case", *PREDICT[1:], "--workers", "4", "-r", "1")):
            with self.subTest(arguments):
                self.assertNotIn(ESCAPE, poolbench(*arguments).stdout)
                self.assertIn(ESCAPE, poolbench(*arguments, "--color", "always").stdout)
                self.assertNotRegex(on_a_terminal(*arguments, "--color", "never"), COLOUR)

    def test_are_none_for_who_wants_none(self) -> None:
        self.assertNotIn(ESCAPE, on_a_terminal(*SHOW, NO_COLOR="1"))
        self.assertNotIn(ESCAPE, on_a_terminal(*SHOW, TERM="dumb"))
        self.assertIn(ESCAPE, on_a_terminal(*SHOW, NO_COLOR=""))
        self.assertIn(ESCAPE, on_a_terminal(*SHOW, "--color", "always", NO_COLOR="1"))

    def test_are_never_in_what_programs_read(self) -> None:
        for arguments in (SHOW, COMPARE, ("doctor",)):
            for format_ in ("--json", "--csv", "--markdown"):
                with self.subTest(arguments, format=format_):
                    self.assertNotIn(ESCAPE, on_a_terminal(*arguments, format_))
                    self.assertNotIn(ESCAPE, poolbench(*arguments, format_, "--color", "always").stdout)


def too_wide(text: str, columns: int) -> list[str]:
    """The lines that do not fit, but for those of one word, such as a path, and errors, which have one line."""
    lines = [line for line in COLOUR.sub("", text).splitlines() if not line.startswith("poolbench: ")]
    return [line for line in lines if len(line) > columns and " " in line.strip()]


class Widths(unittest.TestCase):
    def test_of_all_tables_are_at_most_the_terminal_s(self) -> None:
        explained = (*PREDICT, "--workers", "4", "--explain")
        many = ("predict", "--backend", "process", "--tasks", "40x5ms", "--callbacks", "1ms", "--strategy", "extra")
        clients = (
            "predict",
            "--backend",
            "thread",
            "--tasks",
            "99x5ms",
            "--strategy",
            "none",
            "--arrivals",
            "poisson:99/s",
        )
        for arguments in (
            (),
            *STEADY,
            explained,
            (*many, "--sweep", "workers=1..4", "--sweep", "parsers=1..2"),
            (*many, "--workers", "4", "--parsers", "2", "--explain"),
            (*clients, "--workers", "2"),
            (*clients, "--sweep", "workers=1..3"),
            ("case", *PREDICT[1:], "--workers", "4", "-r", "2", "-q"),
            ("list", "suites"),
            ("list", "columns"),
            ("run", "quick", "-n"),
            ("show", str(RESULTS / "clients")),
        ):
            for columns in (80, 100):
                with self.subTest(arguments, columns=columns):
                    self.assertEqual(too_wide(on_a_terminal(*arguments, columns=columns), columns), [])

    def test_of_what_the_doctor_finds_are_too_but_for_remedies_which_one_pastes(self) -> None:
        lines = on_a_terminal("doctor", columns=80).splitlines()
        self.assertEqual(too_wide("\n".join(line for line in lines if "  remedy " not in line), 80), [])

    def test_of_lists_in_a_pipe_are_as_they_are(self) -> None:
        listed = poolbench("list", "columns").stdout.splitlines()
        self.assertTrue(all(line[0] != " " for line in listed))
        self.assertGreater(max(map(len, listed)), 100)


class OfARun(WithDirectory):
    def setUp(self) -> None:
        super().setUp()
        self.suite = self.directory / "tiny.toml"
        self.suite.write_text(SUITE)
        self.run_directory = self.directory / "out"

    def arguments(self) -> tuple[str, ...]:
        return ("run", str(self.suite), "-o", str(self.run_directory))

    def test_colours_are_in_no_file(self) -> None:
        shown = on_a_terminal(*self.arguments(), "--color", "always")
        self.assertIn(ESCAPE, shown)
        files = [path for path in self.run_directory.rglob("*") if path.is_file()]
        self.assertGreater(len(files), 3)
        for path in files:
            self.assertNotIn(ESCAPE.encode(), path.read_bytes(), path)

    def test_quiet_is_the_result_alone(self) -> None:
        done = poolbench(*self.arguments(), "-q")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        shown = poolbench("show", str(self.run_directory)).stdout
        self.assertEqual(done.stdout, shown + f"{self.run_directory}\n")

    def test_verbose_says_what_is_done(self) -> None:
        usual = poolbench(*self.arguments())
        self.assertIn("8 of 8 repetitions", usual.stderr)
        self.assertNotIn("calibration", usual.stderr)
        done = poolbench(*self.arguments(), "--fresh", "-v")
        self.assertIn("calibration, measured: ", done.stderr)
        for workers in (1, 2):
            self.assertRegex(done.stderr, rf"thread x{workers} sleep none, 4 tasks: median \d.* of 4, ")
        self.assertIn("derived files are in ", done.stderr)
        again = poolbench(*self.arguments(), "-v", "-r", "5")
        self.assertIn("calibration, of an earlier run here: ", again.stderr)

    def test_a_failure_is_said_all_the_same(self) -> None:
        self.suite.write_text(SUITE.replace('"1ms"', '"30s"').replace('"60s"', '"1s"'))
        done = poolbench(*self.arguments(), "-q")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(len(done.stderr.splitlines()), 8, done.stderr)
        for line in done.stderr.splitlines():
            self.assertRegex(line, "^(timeout|invalid): ")

    def test_the_line_of_progress_is_gone_before_anything_is_said(self) -> None:
        shown = on_a_terminal(*self.arguments(), "-v", "--color", "never")
        for line in shown.split("\n"):
            said = line.rsplit(f"\r{ESCAPE}[K", 1)[-1]  # what is left of the line
            self.assertNotRegex(said, r"\[\d+/8\]")


class OfDecisions(unittest.TestCase):
    VALIDATE = ("validate", "--only", "thread_equal", "-r", "1", "--max-pressure", "100")
    RECOMMEND = (
        "recommend",
        "--workload",
        "sleep",
        "--task",
        "1ms",
        "--tasks",
        "8",
        "--budget",
        "8s",
        "--max-pressure",
        "100",
    )

    def test_quiet_commands_say_nothing(self) -> None:
        for arguments in (self.VALIDATE, self.RECOMMEND):
            with self.subTest(arguments):
                done = poolbench(*arguments, "-q")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertNotEqual(done.stdout, "")

    def test_validate_says_what_was_decided_and_why(self) -> None:
        done = poolbench(*self.VALIDATE, "-v")
        self.assertIn("calibration, measured: ", done.stderr)
        self.assertRegex(done.stderr, r"thread_equal.* is open: claimed .*, measured .*, \d+ repetitions; ")

    def test_recommend_says_what_it_ran_and_how_it_decided(self) -> None:
        done = poolbench(*self.RECOMMEND, "-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in ("calibration: ", "a task: ", "candidate: ", "round 1, ", "decided after "):
            self.assertIn(words, done.stderr)
        shown = on_a_terminal(*self.RECOMMEND, columns=80)
        self.assertIn(ESCAPE, shown)
        self.assertEqual(too_wide(shown.rsplit(f"\r{ESCAPE}[K", 1)[-1], 80), [])


if __name__ == "__main__":
    unittest.main()
