"""Sweeps on several machines as a stranger would attack them: lists of hosts that are none, names that a shell or an
engine would take for something else, directories that are another's, an ssh that never answers, an interrupt, two at
once."""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import cluster, secure_shell
from tests.cluster import Slurm
from tests.processes import processes_where, wait_until
from tests.program import PROGRAM, poolbench
from tests.secure_shell import SecureShell
from tests.test_cluster import CELLS, RUNS, ClusterTest, ParallelTest, rows

INTERRUPTED = 130
SLURM_MISSING = cluster.missing_programs()
SSH_MISSING = secure_shell.missing_programs()
BAD_NAME = "{} {1} 100%a @b \\ 'c' $(touch d)"


def running_in(directory: Path) -> list[int]:
    """What has the directory in its command line."""
    return processes_where(lambda entry: str(directory).encode() in (entry / "cmdline").read_bytes())


def kill_what_runs_in(directory: Path) -> None:
    for pid in running_in(directory):
        cluster.kill(pid)


class Attack(ParallelTest):
    def setUp(self) -> None:
        super().setUp()
        self.hosts.write_text("h1\nh2\n", encoding="utf-8")

    def command(self, *more: str, directory: Path | None = None) -> list[str]:
        engine = ["--on", "parallel", "--hosts", str(self.hosts)]
        return ["submit", str(self.suite), *engine, "-o", str(directory or self.parts), *more]

    def submit(self, *more: str, directory: Path | None = None) -> subprocess.CompletedProcess[str]:
        return poolbench(*self.command(*more, directory=directory), env=self.environment)

    def assert_refused(self, ended: subprocess.CompletedProcess[str], *words: str) -> None:
        self.assertEqual(ended.returncode, 2, ended.stdout + ended.stderr)
        self.assertEqual(ended.stderr.count("\n"), 1, ended.stderr)
        self.assertTrue(all(character >= " " for character in ended.stderr.rstrip("\n")), repr(ended.stderr))
        for word in words:
            self.assertIn(word, ended.stderr)

    def assert_done(self, ended: subprocess.CompletedProcess[str]) -> None:
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)


@unittest.skipIf(shutil.which("parallel") is None, "parallel is not on the PATH (Debian: parallel)")
class OnParallel(Attack):
    def test_a_list_of_hosts_that_is_none_is_refused_before_anything_is_written(self) -> None:
        for text, words in (
            (b"h1\nh2\nh1\n", "names the host 'h1' twice"),
            (b"h1\n2/h2\n", "bad host '2/h2' in line 2"),
            (b"h{1}\n", "bad host 'h{1}'"),
            (b"h1\0h2\n", "bad host 'h1\\x00h2'"),
            (b"\xef\xbb\xbfh1\n", "bad host '"),
            (b":\n", "bad host ':'"),
            (b"..\n", "bad host '..'"),
            (b"@h1\n", "bad host '@h1'"),
            (b"$(id)\n", "bad host '$(id)'"),
            (b"x" * 300 + b"!\n", "bad host '"),
        ):
            self.hosts.write_bytes(text)
            self.assert_refused(self.submit(), words, "allowed: ")
            self.assertFalse(self.parts.exists())

    def test_a_host_that_never_answers_is_refused(self) -> None:
        shell = self.folder / "hangs"
        shell.write_text("#!/bin/sh\nexec sleep 1000\n", encoding="utf-8")
        shell.chmod(0o755)
        self.environment["PARALLEL_SSH"] = str(shell)
        self.assert_refused(self.submit(), "the host 'h1' cannot be reached: no answer within 20 s")
        self.assertFalse(self.parts.exists())

    def test_any_name_that_the_file_system_has_will_do(self) -> None:
        directory = self.folder / BAD_NAME / "zwei\nZeilen"
        self.assert_done(self.submit("--nodes", "2", "-r", "1", "-w", "0", directory=directory))
        self.assertLessEqual({"1of2.log", "2of2.log"}, set(os.listdir(directory / "logs")))
        self.assert_done(poolbench("merge", "--status", str(directory)))

    def test_each_replicate_has_a_host_of_its_own_whatever_name_its_directory_has(self) -> None:
        directory = self.folder / BAD_NAME
        self.assert_refused(self.submit("--replicate", "--nodes", "3"), "bad --nodes '3'; allowed: 1 to 2")
        shell = self.folder / "rsh"
        mended = self.folder / "mended"
        fails = f'[ "$host" != h2 ] || [ "$*" = true ] || [ -e {mended} ] || exit 255'
        shell.write_text(shell.read_text(encoding="utf-8").replace("case $host in", f"{fails}\ncase $host in"), "utf-8")
        self.assertEqual(self.submit("--replicate", directory=directory).returncode, 1)  # nor is it tried on h1
        mended.touch()
        self.hosts.write_text("h1\n", encoding="utf-8")
        self.assert_refused(
            self.submit("--replicate", directory=directory), "replicate 2 is of host 2 of the list, which"
        )
        self.hosts.write_text("h1\nh2\n", encoding="utf-8")
        self.assert_done(self.submit("--replicate", directory=directory))
        merged = self.folder / "merged"
        self.assert_done(poolbench("merge", str(directory), "-o", str(merged)))
        self.assert_whole(merged, machines=2)

    def test_the_directory_of_a_run_or_of_a_merge_is_refused(self) -> None:
        run = self.folder / "run"
        self.assert_done(poolbench("run", str(self.suite), "-r", "1", "-w", "0", "-o", str(run)))
        self.assert_refused(self.submit(directory=run), f"'{run}' holds a run; allowed: a new directory")
        self.assertFalse((run / "sweep.json").exists())
        merged = self.folder / "merged"
        self.assert_done(poolbench("merge", str(run), "-o", str(merged)))
        self.assert_refused(self.submit(directory=merged), f"'{merged}' holds what `merge` made")

    def test_a_directory_goes_on_with_its_own_sweep_only(self) -> None:
        self.assert_done(self.submit("--nodes", "2", "-r", "1", "-w", "0"))
        same = ("-r", "1", "-w", "0")
        self.assert_refused(self.submit(*same, "--replicate"), "is of another sweep, `")
        self.assert_refused(self.submit(*same, "--nodes", "1"), "is of another sweep, `")
        self.assertIn("complete: nothing is missing", self.submit(*same).stdout)
        self.suite.write_text(self.suite.read_text(encoding="utf-8").replace("20ms", "21ms"), encoding="utf-8")
        self.assert_refused(self.submit(*same), "has changed since")

    def test_of_two_at_once_in_one_directory_the_second_is_refused(self) -> None:
        gate = self.folder / "gate"
        os.mkfifo(gate)
        shell = self.folder / "rsh"
        waits = f'[ "$*" = true ] || read -r go <{gate}'
        shell.write_text(shell.read_text(encoding="utf-8").replace("case $host in", f"{waits}\ncase $host in"), "utf-8")
        command = self.command("--nodes", "1", "-r", "1", "-w", "0")
        quiet: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
        }
        first = subprocess.Popen([PROGRAM, *command], env=self.environment, **quiet)
        self.addCleanup(first.kill)
        wait_until((self.parts / "part.sh").exists, "the first is at work")
        self.assert_refused(poolbench(*command, env=self.environment), "another `submit` is at work in '")
        gate.write_text("go\n", encoding="utf-8")
        self.assertEqual(first.wait(timeout=60), 0)

    def test_without_parallel_or_ssh_the_package_is_named(self) -> None:
        bare = self.folder / "bare"
        bare.mkdir()
        (bare / "sh").symlink_to("/bin/sh")
        environment = {**self.environment, "PATH": str(bare)}
        self.assert_refused(
            poolbench(*self.command(), env=environment), "there is no parallel", "apt-get install parallel"
        )
        self.assertFalse(self.parts.exists())


@unittest.skipIf(shutil.which("parallel") is None, "parallel is not on the PATH (Debian: parallel)")
@unittest.skipIf(SSH_MISSING, f"not on the PATH: {', '.join(SSH_MISSING)} (Debian: openssh-server openssh-client)")
class Interrupted(Attack):
    def setUp(self) -> None:
        super().setUp()
        shell: SecureShell = self.enterContext(SecureShell(self.folder / "ssh"))
        self.environment = {**shell.environment, "HOME": str(self.folder)}
        self.environment.pop("PARALLEL_SSH", None)

    def interrupted_by(self, number: signal.Signals) -> None:
        directory = self.folder / number.name
        process = subprocess.Popen(
            [PROGRAM, *self.command("--nodes", "2", "-r", "100", directory=directory)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(kill_what_runs_in, directory)
        begun = [directory / f"{i}of2" / "results.csv" for i in (1, 2)]
        wait_until(lambda: all(file.exists() and len(rows(file.parent)) > 2 for file in begun), "both have begun")
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, INTERRUPTED, errors)
        self.assertEqual(errors.splitlines()[-1], "poolbench: interrupted; the same command resumes")
        wait_until(lambda: not running_in(directory), "nothing is left, here or there")

    def test_ends_all_here_and_on_the_hosts(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.interrupted_by(number)

    def test_killed_it_leaves_nothing_either(self) -> None:
        process = subprocess.Popen(
            [PROGRAM, *self.command("--nodes", "2", "-r", "100")],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(kill_what_runs_in, self.parts)
        wait_until(lambda: (self.parts / "1of2" / "results.csv").exists(), "it has begun")
        process.kill()
        process.wait()
        wait_until(lambda: not running_in(self.parts), "nothing is left, here or there")


class FakeSlurm(Attack):
    """Programs of Slurm's names that fail, or lie."""

    def slurm(self, **programs: str) -> Mapping[str, str]:
        folder = self.folder / "slurm"
        folder.mkdir(exist_ok=True)
        for name, script in {"sinfo": "echo 2", "squeue": "exit 1", **programs}.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            (folder / name).chmod(0o755)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    def submit_to(self, **programs: str) -> subprocess.CompletedProcess[str]:
        arguments = ("submit", str(self.suite), "--on", "slurm", "-o", str(self.parts))
        return poolbench(*arguments, env=self.slurm(**programs))

    def test_what_sbatch_says_in_words_is_a_job_too(self) -> None:
        self.assertIn("submitted as job 17\n", self.submit_to(sbatch="echo Submitted batch job 17").stdout)
        self.assertEqual((self.parts / "logs" / "jobs").read_text(encoding="utf-8"), "17\n")

    def test_what_fails_or_lies_is_one_line(self) -> None:
        for script, words in (
            ("echo 'sbatch: error: no'; exit 1", "sbatch ended with 1 and said: sbatch: error: no"),
            ("exit 0", "sbatch ended with 0 and said: nothing"),
            ("kill -9 $$", "sbatch ended with 137 and said: nothing"),
            ("echo 12x", "sbatch ended with 0 and said: 12x"),
        ):
            self.assert_refused(self.submit_to(sbatch=script), words)
            self.assertFalse((self.parts / "logs" / "jobs").exists())
        self.assert_refused(self.submit_to(sbatch="echo 1", sinfo="echo -5"), "Slurm has no node that answers")


@unittest.skipIf(SLURM_MISSING, f"not on the PATH: {', '.join(SLURM_MISSING)} (Debian: slurm-wlm munge)")
@unittest.skipIf(os.geteuid() != 0, "munged and slurmd want root")
class OnSlurm(Attack):
    def setUp(self) -> None:
        super().setUp()
        self.slurm: Slurm = self.enterContext(
            Slurm(Path(self.enterContext(tempfile.TemporaryDirectory(prefix="pb-slurm-"))))
        )

    def test_any_name_that_the_file_system_has_will_do(self) -> None:
        directory = self.folder / BAD_NAME / "zwei\nZeilen"
        once = ("--nodes", "2", "-r", "1", "-w", "0")
        arguments = ("submit", str(self.suite), "--on", "slurm", *once, "-o", str(directory))
        self.assert_done(poolbench(*arguments, env=self.slurm.environment))
        wait_until(lambda: not self.slurm.queue(), "the queue is empty", 300, cluster.ASKED_EVERY)
        self.assertLessEqual({"1of2.log", "2of2.log"}, set(os.listdir(directory / "logs")))
        self.assert_done(poolbench("merge", "--status", str(directory)))


class Replicates(ClusterTest):
    def test_a_replicate_that_goes_on_on_another_node_measures_all_of_it_there(self) -> None:
        def run(node: str) -> Any:
            arguments = ("run", str(self.suite), "--replicate", "1/2", "-w", "0", "-o", str(self.parts / "1of2"))
            ended = poolbench(*arguments, env={**os.environ, "SLURMD_NODENAME": node})
            self.assertEqual(ended.returncode, 0, ended.stderr)
            return ended

        run("n1")
        self.assertIn("complete: all ", run("n1").stderr)
        self.assertEqual(len(rows(self.parts / "1of2")), CELLS * RUNS)
        run("n2")
        self.assertEqual(len(rows(self.parts / "1of2")), 2 * CELLS * RUNS)
        self.assertIn("complete: all ", run("n2").stderr)


if __name__ == "__main__":
    unittest.main()
