"""docs/cluster.md, followed as written: its sweeps on a real Slurm and over GNU parallel, where a host dies half-way,
and its program, on three hosts over ssh."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests import cluster, secure_shell
from tests.cluster import Slurm, write_remote_shell
from tests.processes import wait_until
from tests.program import PROGRAM
from tests.secure_shell import SecureShell
from tests.test_cluster import HOSTS, ClusterTest, rows

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
BUILD = os.environ.get("POOLBENCH_BUILD", "")
SLURM_MISSING = cluster.missing_programs()
SSH_MISSING = secure_shell.missing_programs()
CANNOT_BE_MADE = 77  # hosts: no namespaces here
SHARED = "/shared"  # of the page; here a directory of the test's


def block(heading: str, language: str = "") -> str:
    """The first block of that language below the heading."""
    found = re.search(rf"^#+ {re.escape(heading)}$.*?^```{re.escape(language)}\n(.*?)^```$", PAGE, re.M | re.S)
    assert found, heading
    return found.group(1)


def transcript(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command that follows a "$ ", and the lines that the page says it prints."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, *printed = part.splitlines()
        yield command, printed


def without_numbers(line: str, program: str) -> str:
    """What a line says but for how many, how long and where."""
    line = re.sub(r"about [^;]*;", "about T;", line.replace(program, "poolbench"))
    return re.sub(r" +", " ", re.sub(r"\d+", "0", line))


class Followed(ClusterTest):
    def setUp(self) -> None:
        super().setUp()
        self.shared = self.folder / "shared"
        self.shared.mkdir()
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "poolbench").symlink_to(PROGRAM)

    def in_folder(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {**environment, "PATH": f"{self.folder}/bin:{environment['PATH']}", "HOME": str(self.folder)}

    def here(self, text: str) -> str:
        return text.replace(SHARED, str(self.shared))

    def assert_each_repetition_once(self, merged: Path) -> None:
        planned = subprocess.run([PROGRAM, "run", "default", "--dry-run"], capture_output=True, text=True, check=True)
        cells = re.findall(r"^cell (\S+) .* runs=(\d+) ", planned.stdout, re.M)
        self.assertGreater(len(cells), 40)
        measured = Counter((row["cell_id"], row["rep"]) for row in rows(merged) if row["is_warmup"] == "0")
        self.assertEqual(set(measured.values()), {1})
        self.assertEqual(set(measured), {(cell, str(rep)) for cell, runs in cells for rep in range(int(runs))})


WHOLE_SWEEPS_MISSING = "POOLBENCH_WHOLE_SWEEPS" not in os.environ
NOT_ASKED_FOR = "a minute or two: POOLBENCH_WHOLE_SWEEPS=1 asks for it"


@unittest.skipIf(WHOLE_SWEEPS_MISSING, NOT_ASKED_FOR)
@unittest.skipIf(SLURM_MISSING, f"not on the PATH: {', '.join(SLURM_MISSING)} (Debian: slurm-wlm munge)")
@unittest.skipIf(os.geteuid() != 0, "munged and slurmd want root")
class OnSlurm(Followed):
    def test_from_nothing_to_a_merged_sweep(self) -> None:
        slurm: Slurm = self.enterContext(
            Slurm(Path(self.enterContext(tempfile.TemporaryDirectory(prefix="pb-slurm-"))))
        )
        environment = self.in_folder(slurm.environment)
        begun = 0
        for command, printed in transcript(block("From nothing to a merged sweep, on Slurm")):
            if begun == 2:  # "once its job has ended"
                wait_until(lambda: not slurm.queue(), "the queue is empty", 500, cluster.ASKED_EVERY)
            done = subprocess.run(
                ["sh", "-c", self.here(command)],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(done.returncode, 1 if "--status" in command else 0, (command, done.stdout, done.stderr))
            if begun == 0:
                self.assertEqual(
                    [without_numbers(line, PROGRAM) for line in done.stdout.splitlines()],
                    [without_numbers(self.here(line), PROGRAM) for line in printed],
                )
            if begun == 1:
                self.assertEqual(done.stdout.splitlines()[0].split(), printed[0].split())
                for part in range(1, 4):
                    self.assertIn(f"shard {part} of 3", done.stdout)
            begun += 1
        self.assertEqual(begun, 4)
        self.assert_each_repetition_once(self.shared / "sweep" / "merged")


# What a stand-in for ssh does on emulated hosts.
ON_HOSTS = 'SHELL=/bin/sh exec "$POOLS_HOSTS_SCRIPT" exec "$host" sh -c "$*"\n'


def at_work(parts: Path) -> str:
    """The node of a part that has measured something and goes on; empty where there is none."""
    for results in parts.glob("*of*/results.csv"):
        measured = [row for row in rows(results.parent) if row["is_warmup"] == "0"]
        if (results.parent / "derived").exists() or len(measured) < 5:
            continue
        context = json.loads(next((results.parent / "context").iterdir()).read_text(encoding="utf-8"))
        return str(context["environment"]["hostname"])
    return ""


@unittest.skipIf(WHOLE_SWEEPS_MISSING, NOT_ASKED_FOR)
@unittest.skipIf(shutil.which("parallel") is None, "parallel is not on the PATH (Debian: parallel)")
class OnParallel(Followed):
    def test_without_a_scheduler_and_with_a_host_that_dies_half_way(self) -> None:
        shell = self.folder / "rsh"
        write_remote_shell(shell, ON_HOSTS)
        commands = [self.here(command) for command, _ in transcript(block("Without a scheduler"))]
        self.assertEqual(len(commands), 3)
        hosts = shlex.split(commands[0].partition(" > ")[0])[2:]
        # Names of network links are short.
        environment = {**self.in_folder(os.environ), "PARALLEL_SSH": str(shell), "POOLS_HOSTS": f"pd{os.getpid()}"}
        script = self.folder / "followed.sh"
        script.write_text("set -e\n" + "\n".join(commands) + "\n", encoding="utf-8")
        with open(self.folder / "said", "w+", encoding="utf-8") as said:
            sweep = subprocess.Popen(
                [HOSTS, "run", " ".join(hosts), "sh", script],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            self.addCleanup(sweep.terminate)
            parts = self.shared / "sweep"

            wait_until(lambda: sweep.poll() is not None or at_work(parts), "a part is at work", 300, 0.05)
            if sweep.poll() == CANNOT_BE_MADE:
                self.skipTest((self.folder / "said").read_text(encoding="utf-8"))
            victim = at_work(parts)
            self.assertIn(victim, hosts)
            subprocess.run([HOSTS, "kill", victim], env=environment, check=True)
            code = sweep.wait(timeout=500)
            said.seek(0)
            text = said.read()
        self.assertEqual(code, 0, text)
        self.assert_each_repetition_once(parts / "merged")
        shards = [line for line in text.splitlines() if line.startswith("shard ")]
        nodes = {name for line in shards for name in hosts if f" {name}" in line}
        self.assertEqual(nodes, set(hosts), text)
        contexts = list((parts / "merged" / "context").iterdir())
        self.assertGreater(len(contexts), len(hosts))  # of the run that was cut off, and of the one that resumed it


@unittest.skipIf(SSH_MISSING, f"not on the PATH: {', '.join(SSH_MISSING)} (Debian: openssh-server openssh-client)")
@unittest.skipUnless(
    BUILD and (Path(BUILD) / "pools" / "libpoolbench_pools-remote.a").exists(),
    "built without libzmq3-dev and cppzmq-dev, or under a sanitizer",
)
class Program(Followed):
    def test_works_on_three_hosts_over_ssh(self) -> None:
        shell: SecureShell = self.enterContext(SecureShell(self.folder / "ssh"))
        source = self.folder / "program.cpp"
        source.write_text(block("A pool over several hosts", "c++"), encoding="utf-8")
        program = self.folder / "program"
        libraries = [f"{BUILD}/pools/libpoolbench_{name}.a" for name in ("pools-remote", "pools", "pools-thread")]
        compiler = [os.environ.get("CXX", "c++"), "-std=c++20", f"-I{ROOT}/pools/include", "-Wl,--build-id=sha1"]
        subprocess.run(
            [*compiler, source, "-o", program, *libraries, "-lboost_filesystem", "-lpthread", "-lrt"],
            check=True,
        )
        hosts = re.findall(r'"(\w)"', source.read_text(encoding="utf-8"))
        self.assertEqual(hosts, ["a", "b", "c"])
        configuration = (shell.folder / "sshd_config").read_text(encoding="utf-8")
        configuration = re.sub(r"^Port .*", "Port 22", configuration)
        configuration = re.sub(r"^(ListenAddress|PidFile) .*\n", "", configuration, flags=re.M)
        (shell.folder / "of_hosts").write_text(configuration, encoding="utf-8")
        script = self.folder / "followed.sh"
        script.write_text(
            "\n".join(
                [
                    "set -e",
                    *(
                        f'"$POOLS_HOSTS_SCRIPT" exec {host} {shutil.which("sshd", path=shell.environment["PATH"])} '
                        f"-f {shell.folder}/of_hosts -o PidFile={self.folder}/{host}.pid -E {self.folder}/{host}.log"
                        for host in hosts
                    ),
                    f"for host in {' '.join(hosts)}; do",
                    f"  until [ -s {self.folder}/$host.pid ]; do sleep 0.05; done",
                    "done",
                    str(program),
                    f"cd {self.folder}; kill $(cat {' '.join(f'{host}.pid' for host in hosts)})",
                ]
            )
            + "\n",
            encoding="utf-8",
        )
        done = subprocess.run(
            [HOSTS, "run", f"head {' '.join(hosts)}", "sh", script],
            env={**shell.environment, "POOLS_HOSTS": f"pp{os.getpid()}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode == CANNOT_BE_MADE:
            self.skipTest(done.stdout)
        self.assertEqual((done.returncode, done.stdout), (0, f"{sum(n * n for n in range(1000))}\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
