"""A Slurm of three nodes on this machine, for tests: daemons of its own, no systemd, nothing of /etc. And a stand-in
for ssh."""

import os
import random
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests.processes import processes_where, state_of, wait_until

NEEDED = ("slurmctld", "slurmd", "sbatch", "munged", "munge")
NODES = 3


def missing_programs() -> list[str]:
    """What of Slurm is not on the PATH; Debian's slurm-wlm and munge have all of it."""
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    return [name for name in NEEDED if shutil.which(name, path=path) is None]


ASKED_EVERY = 0.3  # seconds: each look starts one of Slurm's programs


FIRST_PORT, LAST_PORT = 17000, 32000  # below those that the kernel gives to clients


def free_ports(count: int) -> int:
    """The first of so many neighbouring ports that nobody listens on. Clusters that start at the same time look at
    different ones first: nobody listens on them yet."""
    blocks = range(FIRST_PORT, LAST_PORT, count + 1)
    begin = random.randrange(len(blocks))
    for first in [*blocks[begin:], *blocks[:begin]]:
        taken = False
        for port in range(first, first + count):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    taken = True
        if not taken:
            return first
    raise RuntimeError("no free ports")


class Slurm:
    """Started on entry; on exit its daemons, and what they started, are gone. Root only: munged and slurmd want it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": os.environ.get("PATH", "") + ":/usr/sbin",
        }

    def __enter__(self) -> "Slurm":
        for name in ("state", "log", "sock", "munge"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        os.chmod(self.folder, 0o755)
        os.chmod(self.folder / "munge", 0o700)
        os.chmod(self.folder / "sock", 0o755)
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self._write_configuration()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _write_configuration(self) -> None:
        folder, host, port = self.folder, socket.gethostname().split(".")[0], free_ports(NODES + 1)
        nodes = "\n".join(
            f"NodeName=n{i} NodeAddr=127.0.0.1 NodeHostname={host} Port={port + i} CPUs=2 RealMemory=500 State=UNKNOWN"
            for i in range(1, NODES + 1)
        )
        # No cgroups, no accounting; a lost node is known after seconds, and its jobs' credentials expire after them.
        (folder / "slurm.conf").write_text(
            f"""ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/sock/munge,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
TmpFS={folder}/tmp.%n
SwitchType=switch/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmctldParameters=enable_configless
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=2,sched_interval=1
ReturnToService=2
SlurmdTimeout=5
SlurmctldTimeout=10
MessageTimeout=5
KillWait=2
JobRequeue=1
RebootProgram=/bin/true
{nodes}
PartitionName=all Nodes=n[1-{NODES}] Default=YES MaxTime=INFINITE State=UP
"""
        )

    def _start(self) -> None:
        folder = self.folder
        self.run(
            "munged",
            f"--key-file={folder}/munge/key",
            f"--socket={folder}/sock/munge",
            f"--pid-file={folder}/munged.pid",
            f"--log-file={folder}/log/munged.log",
            f"--seed-file={folder}/munge/seed",
            "--force",
        )
        wait_until(
            lambda: self.run("munge", "-n", "-S", f"{folder}/sock/munge", check=False).returncode == 0,
            "munge answers",
            every=ASKED_EVERY,
        )
        self.run("slurmctld", "-c")
        for node in range(1, NODES + 1):
            self.start_node(f"n{node}")
        self.wait_for_all_nodes()

    def wait_for_all_nodes(self) -> None:
        wait_until(lambda: self.idle_nodes() == NODES, "all nodes are idle", every=ASKED_EVERY)

    def start_node(self, node: str) -> None:
        (self.folder / f"tmp.{node}").mkdir(exist_ok=True)
        self.run("slurmd", "-N", node, "-c")

    def restart_node(self, node: str) -> None:
        """Of a node that was killed; returns when it can be given work again."""
        self.start_node(node)
        self.wait_for_all_nodes()

    def idle_nodes(self) -> int:
        found = self.run("sinfo", "-h", "-t", "idle", "-o", "%D", check=False).stdout.split()
        return sum(int(count) for count in found)

    def queue(self) -> list[str]:
        """Jobs and array tasks that have not ended."""
        return self.run("squeue", "-h", "-r", "-o", "%i %T %N").stdout.splitlines()

    def kill_node(self, node: str) -> None:
        """Its daemon and all that it started, by SIGKILL; and Slurm is told, which takes half a minute to see it.

        What runs in a job goes after the step's daemon: that would report a task that failed, and no node.
        """
        started = self.processes_of(node)
        steps = {parent_of(pid) for pid in started} - {0, 1, os.getpid()} - set(started)
        daemon = int((self.folder / f"slurmd.{node}.pid").read_text())
        for pid in [daemon, *steps, *started]:
            kill(pid)
        self.run("scontrol", "update", f"nodename={node}", "state=down", "reason=killed")

    def processes_of(self, node: str) -> list[int]:
        """What runs in the node's jobs."""
        told = {f"SLURM_CONF={self.folder}/slurm.conf".encode(), f"SLURMD_NODENAME={node}".encode()}
        return processes_where(lambda entry: told <= set((entry / "environ").read_bytes().split(b"\0")))

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if check and ended.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {ended.returncode}: {ended.stdout}{ended.stderr}")
        return ended

    def stop(self) -> None:
        files = [*self.folder.glob("slurmd.*.pid"), self.folder / "slurmctld.pid", self.folder / "munged.pid"]
        for node in range(1, NODES + 1):
            for pid in self.processes_of(f"n{node}"):
                kill(pid)
        daemons = [int(file.read_text()) for file in files if file.exists() and file.read_text().strip()]
        for pid in daemons:
            kill(pid)
        wait_until(lambda: not any(Path("/proc", str(pid)).exists() for pid in daemons), "the daemons are gone")
        for pid in started_with(self.folder / "slurm.conf"):  # steps are nobody's children
            kill(pid)


def parent_of(pid: int) -> int:
    try:
        return int(state_of(Path("/proc", str(pid)))[1])
    except OSError:
        return 0


def started_with(configuration: Path) -> list[int]:
    """The processes that were told of the configuration."""
    told = f"SLURM_CONF={configuration}".encode()
    return processes_where(lambda entry: told in (entry / "environ").read_bytes().split(b"\0"))


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


# What a stand-in for ssh does with $host: h1, h2, ... are this machine, and others cannot be reached.
HERE = """case $host in
  h[0-9]) SLURMD_NODENAME=$host SHELL=/bin/sh exec sh -c "$*" ;;
  *) echo "ssh: Could not resolve hostname $host: Name or service not known" >&2; exit 255 ;;
esac
"""


def write_remote_shell(path: Path, reach: str = HERE) -> None:
    """A stand-in for ssh that GNU parallel takes. It sets SHELL, as sshd does: where there is none GNU parallel runs
    nothing and calls it a success."""
    path.write_text(
        """#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    -o | -l | -p) shift 2 ;;
    -*) shift ;;
    *) break ;;
  esac
done
host=$1
shift
[ "$1" != -- ] || shift
"""
        + reach,
        encoding="utf-8",
    )
    path.chmod(0o755)
