"""Agents of a RemotePool that are started over ssh, with a real sshd, and by Slurm, with a real Slurm of three nodes:
they work, one that is killed is a host that is lost, and with the pool all of them end."""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from collections.abc import Mapping
from pathlib import Path

from tests import cluster, secure_shell
from tests.cluster import NODES, Slurm
from tests.processes import processes_where, wait_until
from tests.secure_shell import SecureShell
from tests.with_directory import WithContexts

PROGRAM = os.environ.get("POOLBENCH_REMOTE_LAUNCHERS", "")  # tests/remote_launchers
SLURM_MISSING = cluster.missing_programs()
SSH_MISSING = secure_shell.missing_programs()


def processes_of(program: Path) -> list[int]:
    """Heads, agents and workers."""
    return processes_where(
        lambda entry: os.readlink(entry / "exe") == str(program) and (entry / "cmdline").read_bytes() != b""
    )


class Head:
    """The program, told what to do line by line."""

    def __init__(self, *command: str | Path, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"it has ended: {self.process.communicate()[1]}")
        return line.rstrip("\n")

    def tell(self, order: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        return self.hear()

    def agents(self) -> dict[int, str]:
        """Their names by their process numbers."""
        hosts = (host.rpartition(":") for host in self.tell("hosts").split()[1:])
        return {int(pid): name for name, _, pid in hosts}


@unittest.skipUnless(PROGRAM, "built without libzmq3-dev and cppzmq-dev")
class Launchers(WithContexts):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="pb-launchers-")))
        # A copy, so that all that runs it is this test's.
        self.program = shutil.copy(PROGRAM, self.folder / "program")

    def start(self, *command: str | Path, environment: Mapping[str, str]) -> Head:
        head = Head(*command, environment=environment)
        self.addCleanup(self.clean_up, head)
        return head

    def clean_up(self, head: Head) -> None:
        head.process.kill()
        head.process.communicate()
        for pid in processes_of(self.program):
            cluster.kill(pid)

    def end(self, head: Head) -> None:
        _, errors = head.process.communicate(timeout=60)
        self.assertEqual(head.process.returncode, 0, errors)
        wait_until(lambda: not processes_of(self.program), "nothing is left")


@unittest.skipIf(SSH_MISSING, f"not on the PATH: {', '.join(SSH_MISSING)} (Debian: openssh-server openssh-client)")
class OverSecureShell(Launchers):
    def setUp(self) -> None:
        super().setUp()
        self.shell: SecureShell = self.enterContext(SecureShell(self.folder / "ssh"))

    def start_on(self, *hosts: str) -> Head:
        return self.start(self.program, "ssh", "tcp://127.0.0.1:*", *hosts, environment=self.shell.environment)

    def test_agents_work_one_that_is_killed_is_started_again_and_all_end_with_the_pool(self) -> None:
        head = self.start_on("h1", "h2")
        self.assertEqual(head.hear(), "there 2")
        self.assertEqual(head.tell("work"), "worked 400")
        first, second = head.agents()
        os.kill(first, signal.SIGKILL)
        self.assertEqual(head.tell("lost 1"), "lost 1")
        self.assertEqual(head.tell("await 2"), "there 2")
        agents = head.agents()
        self.assertIn(second, agents)
        self.assertNotIn(first, agents)
        self.assertEqual(head.tell("work"), "worked 400")
        self.end(head)

    def test_nothing_is_left_of_a_head_that_is_killed(self) -> None:
        head = self.start_on("h1", "h2")
        self.assertEqual(head.hear(), "there 2")
        head.process.kill()
        head.process.communicate()
        wait_until(lambda: not processes_of(self.program), "nothing is left")

    def test_a_host_that_is_none_and_a_key_that_is_refused_are_said(self) -> None:
        (self.shell.folder / "user_key.pub").write_text("")
        for host, words in (("nowhere.invalid", "Could not resolve hostname"), ("h1", "Permission denied")):
            head = self.start_on(host)
            _, errors = head.process.communicate(timeout=120)
            self.assertEqual(head.process.returncode, 1)
            self.assertEqual(errors.splitlines()[-1].split(":")[0], "remote_launchers", errors)
            self.assertIn(f"the command for host '{host}' exited with status 255", errors.splitlines()[-1])
            self.assertIn(words, errors)
            self.assertEqual(processes_of(self.program), [])


@unittest.skipIf(SLURM_MISSING, f"not on the PATH: {', '.join(SLURM_MISSING)} (Debian: slurm-wlm munge)")
@unittest.skipIf(os.geteuid() != 0, "munged and slurmd want root")
class OnSlurm(Launchers):
    def setUp(self) -> None:
        super().setUp()
        self.slurm: Slurm = self.enterContext(
            Slurm(Path(self.enterContext(tempfile.TemporaryDirectory(prefix="pb-slurm-"))))
        )

    def check(self, head: Head) -> None:
        self.assertEqual(head.hear(), f"there {NODES}")
        self.assertEqual(head.tell("work"), "worked 400")
        victim = next(iter(head.agents()))
        os.kill(victim, signal.SIGKILL)
        self.assertEqual(head.tell("lost 1"), "lost 1")
        self.assertNotIn(victim, head.agents())
        self.assertEqual(head.tell("work"), "worked 400")
        self.end(head)
        wait_until(lambda: not self.slurm.queue(), "no job is left", every=cluster.ASKED_EVERY)

    def test_a_job_for_each_node(self) -> None:
        self.check(
            self.start(self.program, "slurm", "tcp://127.0.0.1:*", str(NODES), environment=self.slurm.environment)
        )

    def test_a_task_for_each_node_of_an_allocation(self) -> None:
        allocation = ("salloc", "--quiet", f"--nodes={NODES}", "--exclusive")
        self.check(
            self.start(
                *allocation,
                self.program,
                "slurm",
                "tcp://127.0.0.1:*",
                str(NODES),
                environment=self.slurm.environment,
            )
        )

    def test_nothing_is_left_of_a_head_that_is_killed(self) -> None:
        head = self.start(self.program, "slurm", "tcp://127.0.0.1:*", str(NODES), environment=self.slurm.environment)
        self.assertEqual(head.hear(), f"there {NODES}")
        head.process.kill()
        head.process.communicate()
        wait_until(lambda: not processes_of(self.program), "nothing is left")
        wait_until(lambda: not self.slurm.queue(), "no job is left", every=cluster.ASKED_EVERY)


if __name__ == "__main__":
    unittest.main()
