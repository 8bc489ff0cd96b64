"""A sweep on several machines: a real Slurm of three nodes, GNU parallel over a stand-in for ssh; a node that dies."""

import csv
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from collections import Counter
from pathlib import Path

from tests.cluster import ASKED_EVERY, NODES, Slurm, missing_programs, write_remote_shell
from tests.processes import wait_until
from tests.program import PROGRAM, poolbench
from tests.with_directory import WithContexts

SLURM_MISSING = missing_programs()
PARALLEL_MISSING = shutil.which("parallel") is None

# Four scenarios, so that three shards have something to do; cells take so long that a node can die in the middle.
SUITE = """
name = "cells"
runs = 4
warmup = 1
[[grid]]
backend = ["thread", "process"]
workers = [1, 2]
workload = "sleep"
tasks = [4, 6, 8, 10]
task = "20ms"
"""
CELLS, RUNS = 16, 4


def rows(directory: Path) -> list[dict[str, str]]:
    with (directory / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class ClusterTest(WithContexts):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="poolbench-cluster-")))
        self.suite = self.folder / "cells.toml"
        self.suite.write_text(SUITE, encoding="utf-8")
        self.parts = self.folder / "parts"

    def assert_whole(self, merged: Path, machines: int = 1) -> None:
        """Every measured repetition of every cell once, and on each machine."""
        measured = Counter((row["cell_id"], row["rep"]) for row in rows(merged) if row["is_warmup"] == "0")
        self.assertEqual(len(measured), CELLS * RUNS)
        self.assertEqual(set(measured.values()), {machines})


class ParallelTest(ClusterTest):
    """Hosts by a stand-in for ssh, in a list of hosts that is to be written."""

    def setUp(self) -> None:
        super().setUp()
        shell = self.folder / "rsh"
        write_remote_shell(shell)
        self.environment = {**os.environ, "PARALLEL_SSH": str(shell), "HOME": str(self.folder)}
        self.hosts = self.folder / "hosts"


@unittest.skipIf(SLURM_MISSING, f"not on the PATH: {', '.join(SLURM_MISSING)} (Debian: slurm-wlm munge)")
@unittest.skipIf(os.geteuid() != 0, "munged and slurmd want root")
class OnSlurm(ClusterTest):
    slurm: Slurm

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(prefix="pb-slurm-")
        cls.addClassCleanup(folder.cleanup)
        cls.slurm = Slurm(Path(folder.name)).__enter__()
        cls.addClassCleanup(cls.slurm.stop)

    def submit(self, *more: str) -> subprocess.CompletedProcess[str]:
        ended = poolbench(
            "submit", str(self.suite), "--on", "slurm", "-o", str(self.parts), *more, env=self.slurm.environment
        )
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        return ended

    def wait_for_the_end(self) -> None:
        wait_until(lambda: not self.slurm.queue(), "the queue is empty", 300, ASKED_EVERY)

    def merge(self, *more: str) -> subprocess.CompletedProcess[str]:
        return poolbench("merge", str(self.parts), *more)

    def test_a_sweep_in_shards_is_merged_whole(self) -> None:
        said = self.submit("--nodes", "3", "--runs", str(RUNS)).stdout
        self.assertIn("submitted as job ", said)
        self.assertIn("merge --status", said)
        self.wait_for_the_end()
        merged = self.folder / "merged"
        ended = self.merge("-o", str(merged))
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.assert_whole(merged)
        again = self.submit("--nodes", "3", "--runs", str(RUNS))
        self.assertIn("complete: nothing is missing", again.stdout)

    def test_a_node_that_dies_half_way_loses_nothing(self) -> None:
        self.submit("--nodes", "3")

        def begun() -> bool:
            return all((self.parts / f"{i}of3" / "results.csv").exists() for i in range(1, 4)) and all(
                len(rows(self.parts / f"{i}of3")) > 2 for i in range(1, 4)
            )

        wait_until(begun, "all shards have begun")
        victim = next(line.split()[2] for line in self.slurm.queue() if "RUNNING" in line)
        self.slurm.kill_node(victim)
        self.addCleanup(self.slurm.restart_node, victim)
        status = json.loads(self.merge("--status", "--json").stdout)
        self.assertFalse(status["complete"])
        self.assertTrue(any(part["missing"] and part["command"] for part in status["parts"]))
        self.assertEqual(self.merge("--status").returncode, 1)
        self.wait_for_the_end()  # Slurm has queued the task again, and it has resumed on another node
        merged = self.folder / "merged"
        ended = self.merge("-o", str(merged))
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.assert_whole(merged)
        contexts = list((merged / "context").iterdir())
        self.assertGreater(len(contexts), NODES)  # a run that was cut off, and the one that resumed it

    def test_replicates_tell_the_nodes_apart(self) -> None:
        self.submit("--nodes", "3", "--replicate")
        self.wait_for_the_end()
        merged = self.folder / "merged"
        ended = self.merge("-o", str(merged))
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.assert_whole(merged, machines=3)
        self.assertIn("Machines, each against the geometric mean of all", ended.stdout)
        with (merged / "derived" / "machines.csv").open(encoding="utf-8", newline="") as file:
            self.assertEqual({row["machine"] for row in csv.DictReader(file)}, {"n1", "n2", "n3"})

    def test_a_job_that_was_not_written_down_is_not_submitted_twice(self) -> None:
        self.submit("--nodes", "3", "--", "--hold")
        jobs = self.parts / "logs" / "jobs"
        job = jobs.read_text(encoding="utf-8").strip()
        jobs.unlink()  # as after an interrupt amidst sbatch
        arguments = ("submit", str(self.suite), "--on", "slurm", "-o", str(self.parts), "--nodes", "3")
        again = poolbench(*arguments, env=self.slurm.environment)
        self.assertEqual(again.returncode, 2, again.stdout + again.stderr)
        self.assertIn(f"job {job} of this sweep is queued or running", again.stderr)
        subprocess.run(["scancel", job], env=self.slurm.environment, check=True)
        self.wait_for_the_end()
        self.submit("--nodes", "3", "--", "--hold")
        self.assertNotIn(jobs.read_text(encoding="utf-8").strip(), ("", job))
        subprocess.run(["scancel", "--user=root"], env=self.slurm.environment, check=True)
        self.wait_for_the_end()

    def test_what_slurm_refuses_is_said_in_one_line(self) -> None:
        ended = poolbench(
            "submit",
            str(self.suite),
            "--on",
            "slurm",
            "-o",
            str(self.parts),
            "--",
            "--partition=nowhere",
            env=self.slurm.environment,
        )
        self.assertEqual(ended.returncode, 2)
        self.assertEqual(ended.stderr.count("\n"), 1, ended.stderr)
        self.assertIn("nowhere", ended.stderr)


@unittest.skipIf(PARALLEL_MISSING, "parallel is not on the PATH (Debian: parallel)")
class OnParallel(ParallelTest):
    def submit(self, hosts: str, *more: str) -> subprocess.CompletedProcess[str]:
        self.hosts.write_text(hosts, encoding="utf-8")
        return poolbench(
            "submit",
            str(self.suite),
            "--on",
            "parallel",
            "--hosts",
            str(self.hosts),
            "-o",
            str(self.parts),
            *more,
            env=self.environment,
        )

    def test_a_sweep_in_shards_is_merged_whole(self) -> None:
        ended = self.submit("h1\nh2\n# not this one\nh3\n", "--nodes", "3")
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        merged = self.folder / "merged"
        self.assertEqual(poolbench("merge", str(self.parts), "-o", str(merged)).returncode, 0)
        self.assert_whole(merged)

    def test_wrong_hosts_are_refused_in_one_line(self) -> None:
        for hosts, words in (
            ("h1\nnowhere\n", "the host 'nowhere' cannot be reached"),
            ("# none\n\n", "names no host"),
            ("h1 h2\n", "bad host 'h1 h2'"),
        ):
            ended = self.submit(hosts)
            self.assertEqual(ended.returncode, 2, ended.stdout + ended.stderr)
            self.assertIn(words, ended.stderr)
            self.assertEqual(ended.stderr.count("\n"), 1, ended.stderr)
            self.assertFalse(self.parts.exists())


HOSTS = Path(__file__).resolve().parent.parent.parent / "pools" / "tests" / "remote" / "hosts"
ON_HOSTS = """
name = "on_hosts"
runs = 2
warmup = 0
[[grid]]
backend = "remote"
workers = 2
workload = "sleep"
strategy = ["none", "main"]
tasks = 12
task = "5ms"
callback = "1ms"
"""

HERE_AND_THERE = """
name = "here_and_there"
runs = 5
warmup = 0
[[grid]]
backend = ["process", "remote"]
workers = 1
workload = "sleep"
tasks = 8
task = ["0s", "40ms"]
"""


class OnHosts(ClusterTest):
    @classmethod
    def setUpClass(cls) -> None:
        listed = poolbench("list", "backends").stdout.splitlines()
        if "apt-get" in next(line for line in listed if line.startswith("remote ")):
            raise unittest.SkipTest("built without libzmq3-dev and cppzmq-dev")

    def setUp(self) -> None:
        super().setUp()
        self.suite.write_text(ON_HOSTS, encoding="utf-8")
        shell = self.folder / "rsh"
        shell.write_text('#!/bin/sh\nexec "$POOLS_HOSTS_SCRIPT" exec "$1" sh -c "$2"\n', encoding="utf-8")
        shell.chmod(0o755)
        self.environment = {**os.environ, "POOLBENCH_RSH": str(shell), "POOLBENCH_ADDRESS": "tcp://eth0:*"}

    def on_hosts(self, *arguments: str) -> str:
        """What it prints on the first of three hosts; nothing is left on any."""
        done = subprocess.run(
            [HOSTS, "run", "a b c", PROGRAM, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=300,
        )
        if done.returncode == 77:
            self.skipTest(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_a_sweep_measures_pools_over_hosts(self) -> None:
        out = self.folder / "out"
        self.on_hosts("run", str(self.suite), "--hosts", "b,c", "-o", str(out))
        measured = Counter((row["backend"], row["workers"], row["status"]) for row in rows(out))
        self.assertEqual(measured, {("remote", "2", "ok"): 4, ("remote:b", "2", "ok"): 4, ("remote:b,c", "4", "ok"): 4})
        with (out / "derived" / "model.csv").open(encoding="utf-8", newline="") as file:
            predicted = list(csv.DictReader(file))
        self.assertTrue(all(row["predicted_ns"] for row in predicted))
        self.assertTrue(all(int(row["expected_ns"]) > int(row["predicted_ns"]) for row in predicted))
        (context,) = [json.loads(file.read_text()) for file in (out / "context").iterdir()]
        self.assertEqual(set(context["hops"]), {"remote", "remote:b", "remote:b,c"})
        self.assertTrue(all(hop["latency_ns"] > 0 and hop["bytes_per_ns"] > 0 for hop in context["hops"].values()))
        self.assertEqual({clock["host"] for clock in context["clocks"]["remote:b,c"]}, {"b", "c"})

    def test_leaving_the_machine_pays_where_that_gives_more_workers(self) -> None:
        self.suite.write_text(HERE_AND_THERE, encoding="utf-8")
        said = self.on_hosts("run", str(self.suite), "--hosts", "b,c", "-o", str(self.folder / "out"))
        self.assertIn("Does leaving the machine pay?", said)
        self.assertIn("from tasks of 40.0 ms on: remote:b,c takes 0.", said)

    def test_a_recommendation_says_whether_leaving_the_machine_pays(self) -> None:
        asked = ["recommend", "--workload", "sleep", "--task", "20ms", "--tasks", "32", "--max-workers", "2"]
        said = json.loads(self.on_hosts(*asked, "--budget", "30s", "--hosts", "b,c", "--json"))
        self.assertEqual((said["choice"]["backend"], said["choice"]["hosts"]), ("remote", 2), said)
        self.assertEqual(said["choice"]["workers"], 4)
        self.assertGreater(said["hop"]["latency_ns"], 0)
        self.assertLess(said["leaving_pays_ns"], 20_000_000)
        self.assertIn(2, {row["hosts"] for row in said["measured"]})  # which others had time is the machine's

    def test_a_host_with_another_clock_is_measured_on_this_ones(self) -> None:
        ahead = 1000  # seconds
        unshare = f"unshare --time --monotonic {ahead} --fork --kill-child"
        if subprocess.run([*unshare.split(), "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("time namespaces cannot be made here (it takes root, Linux 5.6 and unshare of util-linux)")
        shell = self.folder / "other_clock"
        shell.write_text(f'#!/bin/sh\nexec {unshare} sh -c "$2"\n', encoding="utf-8")
        shell.chmod(0o755)
        environment = {**self.environment, "POOLBENCH_RSH": str(shell), "POOLBENCH_ADDRESS": "tcp://lo:*"}
        out = self.folder / "out"
        done = poolbench("run", str(self.suite), "--hosts", "x", "--trace", "-o", str(out), env=environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        (context,) = [json.loads(file.read_text()) for file in (out / "context").iterdir()]
        (clock,) = context["clocks"]["remote:x"]
        self.assertAlmostEqual(clock["offset_ns"] / 1e9, ahead, delta=1)
        self.assertLess(clock["bound_ns"], 100_000_000)
        (tasks,) = (out / "tasks").iterdir()
        with tasks.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                stamps = [int(row[f"{event}_ns"]) for event in ("submitted", "started", "finished")]
                stamps += [int(row[f"callback_{event}_ns"]) for event in ("started", "finished") if row["callback_pid"]]
                self.assertEqual(stamps, sorted(stamps), row)
                self.assertLess(stamps[-1], 60e9, row)

    def test_hosts_that_do_not_answer_are_rows_that_say_so(self) -> None:
        out = self.folder / "out"
        environment = {**self.environment, "POOLBENCH_RSH": "false", "POOLBENCH_ADDRESS": "tcp://127.0.0.1:*"}
        done = poolbench(
            "run",
            str(self.suite),
            "--hosts",
            "x",
            "-r",
            "1",
            "--filter",
            "strategy=none",
            "-o",
            str(out),
            env=environment,
        )
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        (lost,) = [row for row in rows(out) if row["backend"] == "remote:x"]
        self.assertIn("host 'x' exited with status 1", lost["error"])

    def test_wrong_hosts_are_refused_in_one_line(self) -> None:
        for hosts, words in (
            ("a,,b", "bad host ''"),
            ("-x", "bad host '-x'"),
            ("a,a", "has a twice"),
            ("a b", "bad host 'a b'"),
        ):
            done = poolbench("run", str(self.suite), "--hosts", hosts, "-o", str(self.folder / "out"))
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(words, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        done = poolbench("run", "quick", "--hosts", "a", "--dry-run")
        self.assertIn("has no backend remote", done.stderr)


if __name__ == "__main__":
    unittest.main()
