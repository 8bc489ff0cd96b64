"""An sshd on this machine, for tests: a port and keys of its own, nothing of /etc or of anybody's home."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from tests.cluster import kill
from tests.processes import wait_until

PRIVILEGE_SEPARATION = Path("/run/sshd")  # where sshd wants to have it when it is root's


def missing_programs() -> list[str]:
    """What of OpenSSH is not there; Debian's openssh-server and openssh-client have it."""
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    return [name for name in ("sshd", "ssh", "ssh-keygen") if shutil.which(name, path=path) is None]


class SecureShell:
    """Started on entry; on exit it is gone. In its environment ssh takes hosts named h1, h2, ... for this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PATH": f"{folder}/bin:{os.environ.get('PATH', '')}:/usr/sbin",
        }
        self._made_folder = False

    def __enter__(self) -> "SecureShell":
        folder = self.folder
        (folder / "bin").mkdir(parents=True)
        for name in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        (folder / "sshd_config").write_text(
            f"""Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile {folder}/pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
""",
            encoding="utf-8",
        )
        (folder / "ssh_config").write_text(
            f"""Host h*
  HostName 127.0.0.1
  Port {port}
Host *
  IdentityFile {folder}/user_key
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
""",
            encoding="utf-8",
        )
        client = folder / "bin" / "ssh"
        client.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n', encoding="utf-8")
        client.chmod(0o755)
        if os.geteuid() == 0 and not PRIVILEGE_SEPARATION.exists():
            PRIVILEGE_SEPARATION.mkdir(mode=0o755)
            self._made_folder = True
        try:
            sshd = shutil.which("sshd", path=self.environment["PATH"])
            assert sshd is not None
            subprocess.run([sshd, "-f", folder / "sshd_config", "-E", folder / "log"], check=True)
            wait_until((folder / "pid").exists, "sshd listens")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if (self.folder / "pid").exists():
            kill(int((self.folder / "pid").read_text()))
        if self._made_folder:
            PRIVILEGE_SEPARATION.rmdir()
