"""poolbench/experiments/crash_table: its judge, on programs made up for each verdict; its warden and its supervisor,
that leave nothing running; CPython's pool, end to end; what is kept in results/."""

import csv
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from poolbench.data import schema
from poolbench.experiments.crash_table import contenders, faults, judge, supervisor, table
from tests.processes import GENEROUS, kill_all, processes_where, wait_until
from tests.with_directory import WithDirectory

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "results" / "crash_table"
PROGRAM = [sys.executable, "-m", "poolbench.experiments.crash_table"]

# What a host is, in as few lines as possible: `say` is its report.
PREAMBLE = """
import os, signal, subprocess, sys, time
directory = sys.argv[-1]
descriptor = os.open(os.path.join(directory, "report"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
def say(*fields): os.write(descriptor, ("\\t".join(fields) + "\\n").encode())
def task(role, end, what=""): say("task", role, "1", end, what)
def all_well(): task("beside", "right"); task("later", "right"); say("ended")
def leave_a_process(): subprocess.Popen(["sleep", "1000"], start_new_session=True)
say("started")
"""
HOSTS = {
    "survived": "task('faulty', 'right'); all_well()",
    "task failed": "task('faulty', 'failed', 'Error: no'); all_well()",
    "others failed": "task('faulty', 'failed'); task('beside', 'failed'); task('later', 'right'); say('ended')",
    "all failed": "task('faulty', 'failed'); task('beside', 'failed'); task('later', 'failed'); say('ended')",
    "wrong result": "task('faulty', 'wrong', '7'); all_well()",
    "hung: task": "task('faulty', 'lost'); all_well()",
    "hung: others, shutdown": "task('beside', 'lost'); task('later', 'right'); signal.pause()",
    "hung: start": "os.remove(os.path.join(directory, 'report')); signal.pause()",
    "hung: shutdown": "all_well(); signal.pause()",
    "program ended": "os.kill(os.getpid(), signal.SIGKILL)",
    "nothing left": "say('ready'); signal.pause()",
    "left orphans": "leave_a_process(); say('ready'); signal.pause()",
    "survived + orphans": "leave_a_process(); all_well()",
    "-": "say('inapplicable', 'no fork here')",
}


def processes_of(directory: Path) -> list[int]:
    """Those whose command line or environment names the directory."""
    marker = str(directory).encode()
    return processes_where(
        lambda entry: entry.name != str(os.getpid())
        and marker in (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
    )


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


class MadeUp(WithDirectory):
    def observed(self, name: str, program: str, settle: float = 0.5) -> judge.Observation:
        run = supervisor.Run("made up", name, 0, [sys.executable, "-c", PREAMBLE + program])
        return supervisor.observe(run, self.directory / re.sub(r"\W", "_", name), patience=2, settle=settle)

    def test_each_verdict_is_that_of_a_program_that_earns_it(self) -> None:
        with ThreadPoolExecutor(8) as threads:  # most of the time they wait
            seen = list(threads.map(self.observed, HOSTS, HOSTS.values()))
        self.assertEqual([judge.judge(each).words() for each in seen], list(HOSTS))

    def test_every_verdict_has_such_a_program(self) -> None:
        self.assertEqual({re.split(r": | \+ ", words)[0] for words in HOSTS}, set(judge.VERDICTS))

    def test_what_was_left_is_named_and_gone(self) -> None:
        self.assertEqual(self.observed("leaves", HOSTS["survived + orphans"]).left, ("sleep",))
        self.assertEqual(processes_of(self.directory), [])

    def test_what_a_hanging_host_has_started_is_gone(self) -> None:
        seen = self.observed("hangs", "leave_a_process(); os.kill(os.getpid(), signal.SIGSTOP)")
        self.assertEqual((seen.how, processes_of(self.directory)), ("overdue", []))

    def test_named_semaphores_of_a_killed_host_are_gone(self) -> None:
        makes = (
            "semaphore = f'/dev/shm/sem.loky-{os.getpid()}-made_up'; open(semaphore, 'w').close()\n"
            "with open(os.path.join(directory, 'made'), 'w') as file: file.write(semaphore)\n"
        )
        for name, end in (("ready", "say('ready'); signal.pause()"), ("hangs", "signal.pause()")):
            self.observed(name, makes + end)
            semaphore = Path((self.directory / name / "made").read_text(encoding="utf-8"))
            self.addCleanup(semaphore.unlink, missing_ok=True)
            self.assertEqual((semaphore.parent, semaphore.exists()), (Path("/dev/shm"), False))

    def test_nothing_is_left_when_the_supervisor_is_killed(self) -> None:
        # Long before the warden would lose its patience with a host that says nothing.
        host = [sys.executable, "-c", PREAMBLE + "leave_a_process(); signal.pause()"]
        watch = (
            "from pathlib import Path; from poolbench.experiments.crash_table import supervisor as s; "
            f"s.observe(s.Run('made up', 'hangs', 0, {host!r}), Path({str(self.directory)!r}, 'run'), patience=1000)"
        )
        with subprocess.Popen([sys.executable, "-c", watch]) as process:
            wait_until(lambda: b"sleep" in b"".join(map(command_line, processes_of(self.directory))), "a process")
            kill_all([process.pid])
        wait_until(lambda: processes_of(self.directory) == [], "all of it gone")

    def test_a_process_that_ends_soon_after_its_host_is_no_orphan(self) -> None:
        # It ends when the gate is opened, which the warden does once the host is gone.
        waits = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.005)"
        start = f"subprocess.Popen([sys.executable, '-c', {waits!r}, os.path.join(directory, 'gate')]); all_well()"
        self.assertEqual(self.observed("ends soon", start, settle=GENEROUS).left, ())

    def test_the_first_exception_is_told_and_how_a_host_ended(self) -> None:
        self.assertEqual(judge.judge(self.observed("fails", HOSTS["task failed"])).what, "Error: no")
        self.assertEqual(judge.judge(self.observed("exits", "sys.exit(7)")).what, "exit 7")

    def test_a_host_has_the_usual_signals_also_where_its_caller_ignores_some(self) -> None:
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.SIG_IGN))
        asks = "task('faulty', 'failed', str(signal.getsignal(signal.SIGINT) == signal.default_int_handler))"
        self.assertEqual(self.observed("signals", asks).report.of("faulty")[0].what, "True")

    def test_a_torn_last_line_is_not_read(self) -> None:
        seen = self.observed("torn", "task('faulty', 'right'); os.write(descriptor, b'task\\tlater')")
        self.assertEqual([task.role for task in seen.report.tasks], ["faulty"])


class Table(WithDirectory):
    def row(self, fault: str, verdict: str, what: str = "") -> Any:
        return dict.fromkeys(schema.CRASH_RUNS, "") | {"pool": "p", "fault": fault, "verdict": verdict, "what": what}

    def test_outcomes_that_differ_are_said_with_how_often_each_was_seen(self) -> None:
        rows = [self.row("killed", verdict) for verdict in ("survived", "hung: task", "survived")]
        self.assertEqual(table.cell(rows), "survived (2 of 3); hung: task (1 of 3)")

    def test_a_pool_that_is_missing_has_no_column_and_says_how_to_get_it(self) -> None:
        pools = [
            {"pool": "p", "status": "ready", "version": "1", "missing": ""},
            {"pool": "q", "status": "missing", "version": "", "missing": "no q: get q"},
        ]
        table.write(self.directory / "pools.csv", schema.CRASH_POOLS, pools)
        table.write(
            self.directory / "runs.csv",
            schema.CRASH_RUNS,
            [self.row("killed", "all failed"), self.row("forks", "-", "no fork")],
        )
        shown = list(table.lines(self.directory))
        self.assertEqual(shown[0], "| fault | p |")
        self.assertEqual(shown[2], "| a task's worker is killed (SIGKILL) (`killed`) | **all failed** |")
        self.assertIn("| q | not measured: no q: get q |", shown)
        self.assertEqual(shown[-1], "* no fork: `forks`")


class Program(WithDirectory):
    """The program itself, on CPython's pool."""

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [*PROGRAM, *arguments, "--python", sys.executable],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # ThreadSanitizer: a host whose main ends with a pool that nobody has shut down leaves threads behind.
            env={
                **os.environ,
                "TMPDIR": str(temporary),
                "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "") + " report_thread_leaks=0",
            },
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def call(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate()
        return process.returncode, out, err

    def measure(self, *arguments: str) -> tuple[int, str, str]:
        return self.call("-o", str(self.directory / "out"), "--pool", "cpython", "--repetitions", "1", *arguments)

    def start_to_hang(self) -> "subprocess.Popen[str]":
        """A stopped worker of CPython's: nothing comes of it. Returns when its tasks are at the gate."""
        process = self.start("-o", str(self.directory / "out"), "--pool", "cpython", "--fault", "stopped")
        wait_until(lambda: list(self.directory.glob("tmp/crash-table-*/*/standing-1")), "tasks at the gate")
        return process

    def test_three_faults_end_to_end(self) -> None:
        chosen = ("--fault", "killed", "--fault", "unencodable_result", "--fault", "host_killed_idle")
        code, _, err = self.measure(*chosen)
        self.assertEqual(code, 0, err)
        with (self.directory / "out" / "runs.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(tuple(rows[0]), schema.CRASH_RUNS)
        self.assertEqual(
            {row["fault"]: row["verdict"] for row in rows},
            {"killed": "all failed", "unencodable_result": "task failed", "host_killed_idle": "left orphans"},
        )
        killed = next(row for row in rows if row["fault"] == "killed")
        self.assertIn("BrokenProcessPool", killed["what"])
        context = json.loads((self.directory / "out" / "context.json").read_text(encoding="utf-8"))
        self.assertEqual(tuple(context), schema.CRASH_CONTEXT)
        self.assertEqual(processes_of(self.directory), [])

        code, out, err = self.call("--show", str(self.directory / "out"))
        self.assertEqual((code, err), (0, ""))
        self.assertIn("| a task's worker is killed (SIGKILL) (`killed`) | **all failed** |", out)
        self.assertIn(f"CPython {sys.version.split()[0]}", out)

        # The same command goes on where it was: here there is nothing left to do, and nothing is lost.
        self.assertEqual(self.measure(*chosen)[2], "")
        self.assertEqual(len(table.read(self.directory / "out" / "runs.csv", schema.CRASH_RUNS)), 3)

    def test_nothing_is_left_when_a_warden_is_killed_and_it_says_so(self) -> None:
        process = self.start_to_hang()
        kill_all(pid for pid in processes_of(self.directory) if b"warden" in command_line(pid))
        _, err = process.communicate()
        self.assertEqual(process.returncode, 1)
        self.assertIn("the warden ended with -9", err)
        self.assertEqual(processes_of(self.directory / "tmp"), [])
        self.assertEqual(list(self.directory.glob("tmp/*")), [])

    def test_ctrl_c_keeps_what_was_measured_and_leaves_nothing(self) -> None:
        process = self.start_to_hang()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        self.assertEqual(process.returncode, 130, err)
        self.assertEqual(processes_of(self.directory / "tmp"), [])
        self.assertEqual(list(self.directory.glob("tmp/*")), [])

    @unittest.skipUnless(os.environ.get("POOLBENCH_FAULT_DRIVER"), "this build has no fault_driver")
    def test_this_project_s_own_pool_end_to_end(self) -> None:
        chosen = ("--fault", "killed", "--fault", "host_killed_with_grandchild", "--fault", "unencodable_exception")
        code, _, err = self.call(
            *("-o", str(self.directory / "out"), "--pool", "poolbench", "--repetitions", "1", *chosen),
            *("--fault-driver", os.environ["POOLBENCH_FAULT_DRIVER"]),
        )
        self.assertEqual(code, 0, err)
        rows = table.read(self.directory / "out" / "runs.csv", schema.CRASH_RUNS)
        self.assertEqual(
            {row["fault"]: row["verdict"] for row in rows},
            {"killed": "task failed", "host_killed_with_grandchild": "nothing left", "unencodable_exception": "-"},
        )

    def test_a_package_that_is_missing_is_one_line_that_says_how_to_get_it(self) -> None:
        code, _, err = self.call(
            "-o",
            str(self.directory / "out"),
            *("--pool", "piscina", "--pool", "poolbench"),
            *("--node-modules", str(self.directory / "node_modules"), "--fault-driver", "/nowhere"),
        )
        self.assertEqual(code, 0)
        self.assertEqual(len(err.splitlines()), 2, err)
        self.assertRegex(err, "npm install --prefix .* piscina|apt-get install nodejs")
        self.assertIn("cmake --build build/release --target fault_driver", err)
        rows = table.read(self.directory / "out" / "pools.csv", schema.CRASH_POOLS)
        self.assertEqual({row["status"] for row in rows}, {"missing"})

    def test_bad_usage_names_what_is_wrong_and_what_there_is(self) -> None:
        for arguments, words in (
            (("-o", "x", "--pool", "nobody"), "no pool 'nobody'; there are poolbench, cpython"),
            (("-o", "x", "--fault", "bad luck"), "no fault 'bad luck'; there are killed, segfault"),
            (("-o", "x", "--repetitions", "0"), "--repetitions 0: give at least 1"),
            ((), "give -o DIRECTORY, or --show DIRECTORY"),
            (("--show", "/nowhere"), "/nowhere/pools.csv: No such file"),
        ):
            code, _, err = self.call(*arguments)
            self.assertEqual((code, words in err), (2, True), err)


class Reference(unittest.TestCase):
    def rows(self) -> list[table.Row]:
        return table.read(REFERENCE / "runs.csv", schema.CRASH_RUNS)

    def test_every_pool_was_there_and_every_fault_was_done_to_it_three_times(self) -> None:
        pools = table.read(REFERENCE / "pools.csv", schema.CRASH_POOLS)
        names = [contender.name for contender in contenders.CONTENDERS]
        self.assertEqual([(pool["pool"], pool["status"]) for pool in pools], [(name, "ready") for name in names])
        done = Counter((row["pool"], row["fault"]) for row in self.rows())
        self.assertEqual(done, dict.fromkeys(itertools.product(names, faults.NAMES), 3))

    def test_no_page_says_that_something_is_not_documented(self) -> None:
        for page in (ROOT / "docs" / "faults.md", ROOT / "pools" / "README.md"):
            self.assertNotIn("not documented", page.read_text(encoding="utf-8"))

    def test_the_dictionary_has_the_columns_and_keys(self) -> None:
        page = (ROOT / "docs" / "crash_table_data.md").read_text(encoding="utf-8")
        for name, columns in (
            ("runs.csv", schema.CRASH_RUNS),
            ("pools.csv", schema.CRASH_POOLS),
            ("context.json", schema.CRASH_CONTEXT),
        ):
            section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
            self.assertEqual(tuple(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)), columns)


if __name__ == "__main__":
    unittest.main()
