"""Real shells complete the command line: a Tab is pressed in bash, zsh and fish."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from tests.program import PROGRAM, poolbench
from tests.with_directory import WithDirectory

GENEROUS = 60  # seconds; only a hang reaches it
READY, DONE = "ready-for-you", "that-was-it"


class Shell:
    """A shell on a terminal of its own."""

    def __init__(self, command: list[str], environment: dict[str, str], directory: Path) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(directory)
                os.execvpe(command[0], command, environment)
            finally:
                os._exit(127)
        self.said = ""

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def until(self, words: str, seconds: float = GENEROUS) -> str:
        """What it says up to the words, which it says within the time."""
        deadline = time.monotonic() + seconds
        while words not in self.said:
            ready, _, _ = select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"{words!r} never came: {self.said!r}")
            try:
                self.said += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:
                raise AssertionError(f"the shell ended before {words!r}: {self.said!r}") from None
        before, _, self.said = self.said.partition(words)
        return before

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


class InRealShells(WithDirectory):
    def setUp(self) -> None:
        super().setUp()
        self.home = Path(self.directory)
        binaries = self.home / "bin"
        binaries.mkdir()
        (binaries / "poolbench").symlink_to(PROGRAM)
        run = self.home / "runs" / "a_run"
        run.mkdir(parents=True)
        (run / "results.csv").touch()
        self.environment = {
            "PATH": f"{binaries}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
        }

    def script(self, shell: str) -> Path:
        path = self.home / f"completions.{shell}"
        path.write_text(poolbench("completions", shell).stdout, encoding="utf-8")
        return path

    def completed(self, shell: Shell, typed: str) -> list[str]:
        """The words of the line that has become of what was typed and a Tab: printed, not run."""
        shell.type(f"show_words {typed}\t")
        shell.type(f" {DONE}\n")
        shell.until("<<")
        return shell.until(">>").split("|")[:-1]


class Bash(InRealShells):
    def test_it_completes_commands_flags_values_and_directories(self) -> None:
        shell = Shell(["bash", "--norc", "--noprofile", "-i"], self.environment, self.home)
        self.addCleanup(shell.close)
        shell.type(
            f"source {self.script('bash')}; complete -F _poolbench show_words; bind 'set bell-style none'\n"
            "show_words() { printf '<''<'; printf '%s|' \"$@\"; printf '>''>\\n'; }\n"
            "_poolbench_program() { COMP_WORDS[0]=poolbench; _poolbench; }; complete -F _poolbench_program show_words\n"
            f"echo {READY[:5]}''{READY[5:]}\n"
        )
        shell.until(READY)
        for typed, wanted in (
            ("reco", ["recommend"]),
            ("run --dry", ["run", "--dry-run"]),
            ("case --strategy as_", ["case", "--strategy", "as_completed"]),
            ("submit --on=sl", ["submit", "--on=slurm"]),
            ("run --order rou", ["run", "--order", "round-robin"]),
            ("show runs/a", ["show", "runs/a_run"]),
            ("show ru", ["show", "runs/"]),
            ("run conten", ["run", "contenders"]),
        ):
            with self.subTest(typed):
                self.assertEqual(self.completed(shell, typed), wanted + [DONE])


@unittest.skipIf(shutil.which("zsh") is None, "zsh is not on the PATH (Debian: zsh)")
class Zsh(InRealShells):
    def test_it_completes_commands_flags_values_and_directories(self) -> None:
        shell = Shell(["zsh", "-f", "-i"], self.environment, self.home)
        self.addCleanup(shell.close)
        shell.type(
            "PS1=; autoload -Uz compinit; compinit -u -D\n"
            f"source {self.script('zsh')}\n"
            "show_words() { printf '<''<'; printf '%s|' \"$@\"; printf '>''>\\n' }\n"
            "_words() { words[1]=poolbench; _poolbench }; compdef _words show_words\n"
            f"echo {READY[:5]}''{READY[5:]}\n"
        )
        shell.until(READY)
        for typed, wanted in (
            ("reco", ["recommend"]),
            ("run --dry", ["run", "--dry-run"]),
            ("case --strategy as_", ["case", "--strategy", "as_completed"]),
            ("submit --on=sl", ["submit", "--on=slurm"]),
            ("show runs/a", ["show", "runs/a_run"]),
        ):
            with self.subTest(typed):
                self.assertEqual(self.completed(shell, typed), wanted + [DONE])


@unittest.skipIf(shutil.which("fish") is None, "fish is not on the PATH (Debian: fish)")
class Fish(InRealShells):
    def test_it_completes_commands_flags_values_and_directories(self) -> None:
        script = self.script("fish")
        for typed, wanted in (
            ("poolbench reco", "recommend"),
            ("poolbench run --dry", "--dry-run"),
            ("poolbench case --strategy as_", "as_completed"),
            ("poolbench submit --on=sl", "--on=slurm"),
            ("poolbench show runs/a", "runs/a_run"),
        ):
            with self.subTest(typed):
                said = subprocess.run(
                    ["fish", "--no-config", "-c", f"source {script}; complete -C '{typed}'"],
                    env=self.environment,
                    cwd=self.home,
                    capture_output=True,
                    text=True,
                    timeout=GENEROUS,
                    check=True,
                ).stdout
                self.assertIn(wanted, [re.split(r"\t", line)[0] for line in said.splitlines()])


if __name__ == "__main__":
    unittest.main()
