"""scripts/lib/setup.sh with a pretended dpkg and apt: what is installed, what is said, and what a signal does."""

import os
import signal
import stat
import subprocess
import unittest
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.with_directory import WithDirectory

SCRIPTS = Path(__file__).resolve().parent.parent
PACKAGES = [
    line
    for line in (SCRIPTS / "packages.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def sourcing(commands: str) -> list[str]:
    """A script in strict mode that sources setup.sh and runs the commands."""
    return ["bash", "-c", f'set -euo pipefail; . "{SCRIPTS}/lib/setup.sh"; {commands}', "setup"]


class Setup(WithDirectory):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.directory / "apt.log"
        self.fake("id", "echo 0")
        self.fake("apt-get", f'echo "$@" >>"{self.log}"')

    def fake(self, name: str, body: str) -> None:
        path = self.directory / name
        path.write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def installed(self, packages: Iterable[str]) -> None:
        """dpkg-query says that these are installed and the others are not known or only removed."""
        names = " ".join(packages)
        self.fake(
            "dpkg-query",
            f'for p in {names}; do [[ $p == "${{@: -1}}" ]] && echo -n "install ok installed" && exit; done\n'
            'echo -n "deinstall ok config-files"',
        )

    def bash(self, commands: str, path: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            sourcing(commands),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PATH": path or f"{self.directory}:{os.environ['PATH']}", **environment},
        )

    def install(self, **options: Any) -> subprocess.CompletedProcess[str]:
        return self.bash("install_packages", **options)

    def apt_calls(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []

    def test_nothing_is_said_or_done_when_all_packages_are_there(self) -> None:
        self.installed(PACKAGES)
        done = self.install()
        self.assertEqual((done.returncode, done.stdout, done.stderr, self.apt_calls()), (0, "", "", []))

    def test_exactly_the_missing_packages_are_named_and_installed(self) -> None:
        self.installed([package for package in PACKAGES if package not in ("ninja-build", "libfmt-dev")])
        done = self.install()
        self.assertEqual((done.returncode, done.stderr), (0, "Installing with apt (2): ninja-build libfmt-dev\n"))
        update, install = self.apt_calls()
        self.assertTrue(update.endswith(" update"))
        self.assertTrue(install.endswith("--no-install-recommends ninja-build libfmt-dev"))

    def test_what_is_installed_meanwhile_is_waited_for_once(self) -> None:
        self.installed(PACKAGES)
        gate = self.directory / "gate"
        self.fake("apt-get", f'echo "$@" >>"{self.log}"; while [[ ! -e "{gate}" ]]; do sleep 0.01; done')
        done = self.bash(
            "extra_packages=(black mypy); install_packages_meanwhile; echo goes on; "
            f'touch "{gate}"; await_packages && echo waited; await_packages || echo once'
        )
        self.assertEqual((done.returncode, done.stdout), (0, "goes on\nwaited\nonce\n"), done.stderr)
        self.assertEqual(done.stderr.rstrip(), "Meanwhile apt installs: black mypy")
        self.assertTrue(self.apt_calls()[-1].endswith("--no-install-recommends black mypy"))

    def test_what_fails_meanwhile_ends_the_script_with_what_apt_said(self) -> None:
        self.installed(PACKAGES)
        self.fake("apt-get", "echo 'E: no network' >&2; exit 100")
        done = self.bash("extra_packages=(black); install_packages_meanwhile; sleep 0.2; await_packages; echo never")
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertIn("E: no network", done.stderr)

    def test_a_script_that_ends_before_waits_for_what_is_installed(self) -> None:
        self.installed(PACKAGES)
        self.fake("apt-get", f'sleep 0.2; echo "$@" >>"{self.log}"')
        done = self.bash("extra_packages=(black); install_packages_meanwhile; exit 3")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(len(self.apt_calls()), 2)

    def test_a_failing_apt_is_an_error_that_shows_what_apt_said(self) -> None:
        self.installed(PACKAGES[1:])
        self.fake("apt-get", "echo 'E: no network' >&2; exit 100")
        done = self.install()
        self.assertEqual(done.returncode, 1)
        self.assertIn("E: no network", done.stderr)
        self.assertIn("apt-get failed", done.stderr)

    def test_sudo_is_used_by_who_is_not_root(self) -> None:
        self.installed(PACKAGES[1:])
        self.fake("id", "echo 1000")
        self.fake("sudo", f'[[ $1 == -n ]] && shift; echo "sudo $*" >>"{self.log}"; [[ $1 == -v ]] || "$@"')
        done = self.install()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("sudo -v", self.apt_calls())
        self.assertTrue(
            any(line.startswith("sudo env DEBIAN_FRONTEND=noninteractive apt-get") for line in self.apt_calls())
        )

    def test_a_refused_sudo_is_an_error_that_says_what_to_do(self) -> None:
        self.installed(PACKAGES[1:])
        self.fake("id", "echo 1000")
        self.fake("sudo", "exit 1")
        done = self.install()
        self.assertEqual((done.returncode, len(done.stderr.splitlines()), self.apt_calls()), (1, 1, []))
        self.assertIn(f"as root: apt-get install {PACKAGES[0]}", done.stderr)

    def test_without_root_and_sudo_it_says_what_to_do(self) -> None:
        self.installed(PACKAGES[1:])
        self.fake("id", "echo 1000")
        tools = self.directory / "tools"  # a PATH on which there is no sudo
        tools.mkdir()
        for name in ("bash", "dirname", "basename", "mktemp", "tail", "rm", "env"):
            (tools / name).symlink_to(
                subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
            )
        done = self.install(path=f"{self.directory}:{tools}")
        self.assertEqual(done.returncode, 1)
        self.assertIn(
            f"neither root nor sudo to install them with; as root: apt-get install {PACKAGES[0]}", done.stderr
        )

    def test_nothing_is_touched_when_told_so(self) -> None:
        self.installed([])
        done = self.install(POOLBENCH_NO_INSTALL="1")
        self.assertEqual((done.returncode, done.stderr, self.apt_calls()), (0, "", []))

    def test_a_job_s_exit_code_is_passed_on(self) -> None:
        self.assertEqual(self.bash("run_job bash -c 'exit 3'").returncode, 3)

    def interrupt(self, name: signal.Signals, job: str) -> Any:
        """Starts a job, sends the script the signal once the job runs, and returns the script's process and what it
        said."""
        process = subprocess.Popen(
            sourcing(f"run_job bash -c '{job}' || exit; echo after"),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.addCleanup(process.stdout.close)
        pid = int(process.stdout.readline())  # the job says its pid when it is ready for the signal
        process.send_signal(name)
        output = process.stdout.read()
        process.wait()
        return process.returncode, output, pid

    def test_an_interrupt_reaches_the_job_once_and_ends_the_script_with_130(self) -> None:
        code, output, pid = self.interrupt(
            signal.SIGINT, 'sleep 1000 & trap "echo tidied; exit 130" INT; echo $$; wait'
        )
        self.assertEqual((code, output), (130, "tidied\n"))
        self.assertFalse(Path(f"/proc/{pid}").exists())

    def test_a_termination_ends_the_script_with_143(self) -> None:
        code, output, pid = self.interrupt(signal.SIGTERM, "echo $$; exec sleep 1000")
        self.assertEqual((code, output), (143, ""))
        self.assertFalse(Path(f"/proc/{pid}").exists())

    def test_a_signal_that_comes_before_the_script_knows_the_job_reaches_it_all_the_same(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number.name):
                # After the fork and before `job=$!`: the shell signals itself there, once the job has made the file.
                ready = self.directory / number.name
                done = self.bash(
                    'set -T; trap \'if [[ $BASH_COMMAND == "job=\\$!" ]]; then until [[ -e $READY ]]; do :; done; '
                    f"kill -{number.value} $$; fi' DEBUG; "
                    "run_job bash -c 'echo $$; >\"$READY\"; exec sleep 1000' || exit; echo after",
                    READY=str(ready),
                )
                self.assertEqual((done.returncode, done.stderr), (128 + number.value, ""))
                self.assertFalse(Path(f"/proc/{int(done.stdout)}").exists())

    def test_what_a_job_leaves_behind_after_an_interrupt_is_killed(self) -> None:
        code, output, _ = self.interrupt(signal.SIGINT, '(trap "" INT; exec sleep 1000) & echo $$; wait')
        self.assertEqual((code, output), (130, ""))  # the pipe is closed: nobody who held it is left


if __name__ == "__main__":
    unittest.main()
