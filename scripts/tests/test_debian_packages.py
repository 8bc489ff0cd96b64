"""cpack makes two Debian packages: complete, with the right dependencies, without what lintian calls an error;
installed into a fresh Debian they work, and removed they leave nothing."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

BUILD = os.environ.get("POOLBENCH_BUILD", "")
CONSUMER = Path(__file__).resolve().parent.parent.parent / "tests" / "consumer"
GENEROUS = 600  # seconds; only a hang reaches it


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=GENEROUS, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return str(done.stdout)


@unittest.skipIf(shutil.which("dpkg-shlibdeps") is None, "dpkg-shlibdeps is not on the PATH (Debian: dpkg-dev)")
class DebianPackages(unittest.TestCase):
    directory: Path
    program: Path
    library: Path

    @classmethod
    def setUpClass(cls) -> None:
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = Path(directory.name)
        run("cpack", "--config", f"{BUILD}/CPackConfig.cmake", "-B", directory.name)
        cls.program = next(cls.directory.glob("poolbench_*.deb"))
        cls.library = next(cls.directory.glob("libpoolbench-dev_*.deb"))

    def files(self, package: Path) -> set[str]:
        return {line.split()[5][1:] for line in run("dpkg-deb", "--contents", str(package)).splitlines()}

    def field(self, package: Path, name: str) -> str:
        return run("dpkg-deb", "--field", str(package), name).strip()

    def test_the_program_s_package_has_program_manual_completions_and_scripts(self) -> None:
        files = self.files(self.program)
        for wanted in (
            "/usr/bin/poolbench",
            "/usr/share/man/man1/poolbench.1.gz",
            "/usr/share/man/man1/poolbench-run.1.gz",
            "/usr/share/man/man5/poolbench-suite.5.gz",
            "/usr/share/bash-completion/completions/poolbench",
            "/usr/share/zsh/vendor-completions/_poolbench",
            "/usr/share/fish/vendor_completions.d/poolbench.fish",
            "/usr/share/poolbench/scripts/plot.py",
            "/usr/share/doc/poolbench/copyright",
        ):
            self.assertIn(wanted, files)
        self.assertFalse([name for name in files if name.endswith((".a", ".h")) or "__pycache__" in name])

    def test_the_library_s_package_has_headers_and_what_build_systems_read(self) -> None:
        files = self.files(self.library)
        for pattern in (
            r"/include/poolbench/pools/pools\.h$",
            r"/libpoolbench_pools\.a$",
            r"/poolbench-config\.cmake$",
        ):
            self.assertTrue([name for name in files if re.search(pattern, name)], pattern)
        self.assertTrue([name for name in files if name.endswith("/pkgconfig/poolbench-pools.pc")])
        self.assertNotIn("/usr/bin/poolbench", files)

    def test_they_depend_on_what_they_need(self) -> None:
        needed = self.field(self.program, "Depends")
        for library in ("libc6", "libfmt", "python3"):
            self.assertIn(library, needed)
        self.assertIn("libboost-filesystem-dev", self.field(self.library, "Depends"))
        self.assertIn("libcereal-dev", self.field(self.library, "Depends"))

    @unittest.skipIf(shutil.which("lintian") is None, "lintian is not on the PATH (Debian: lintian)")
    def test_lintian_finds_no_error(self) -> None:
        options = ["--allow-root"] if os.getuid() == 0 else []
        run("lintian", "--fail-on", "error", *options, str(self.program), str(self.library))

    @unittest.skipIf("POOLBENCH_FRESH_DEBIAN" not in os.environ, "three minutes: POOLBENCH_FRESH_DEBIAN=1 asks for it")
    @unittest.skipIf(shutil.which("debootstrap") is None, "debootstrap is not on the PATH (Debian: debootstrap)")
    @unittest.skipIf(os.getuid() != 0, "only root makes a fresh Debian")
    def test_in_a_fresh_debian_they_work_and_leave_nothing(self) -> None:
        root = self.directory / "debian"
        run("debootstrap", "--variant=minbase", "bookworm", str(root), mirror())
        for name in ("proc", "dev", "sys"):
            run("mount", "--bind", f"/{name}", str(root / name))
            self.addCleanup(run, "umount", "-l", str(root / name))
        shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
        for settings in Path("/etc/apt/apt.conf.d").iterdir():  # how this machine reaches the mirror
            if "Acquire::" in settings.read_text(encoding="utf-8", errors="replace"):
                shutil.copy(settings, root / "etc" / "apt" / "apt.conf.d")
        packages = root / "packages"
        packages.mkdir()
        for package in (self.program, self.library):
            shutil.copy(package, packages)
        shutil.copytree(CONSUMER, packages / "consumer")

        def inside(*lines: str) -> str:
            script = "\n".join(["export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8; cd /tmp", *lines])
            return run("chroot", str(root), "sh", "-ec", script)

        def ours() -> set[str]:
            found = inside(
                "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /packages \\) -prune -o -print"
            )
            return {name for name in found.splitlines() if "poolbench" in name}

        inside(
            "apt-get -qq update",
            "apt-get -qq install -y --no-install-recommends /packages/*.deb python3-matplotlib python3-pandas"
            " g++ cmake ninja-build pkg-config",
        )
        inside("poolbench run quick -o run", "poolbench show run > shown", "man -w poolbench-run > shown || true")
        inside("/usr/share/poolbench/scripts/python /usr/share/poolbench/scripts/plot.py run")
        self.assertTrue(list((root / "tmp" / "run" / "plots").iterdir()))
        inside("cmake -S /packages/consumer -B consumer -G Ninja", "cmake --build consumer", "consumer/consumer")
        inside(
            "g++ -std=c++20 /packages/consumer/main.cpp -o by_pkg_config $(pkg-config --cflags --libs poolbench-pools)",
            "./by_pkg_config",
        )
        inside("rm -rf run shown consumer by_pkg_config /var/cache/apt/archives")
        inside("apt-get -qq purge -y poolbench libpoolbench-dev")
        self.assertEqual(ours(), set())


def mirror() -> str:
    """The first of Debian's that this machine's apt uses."""
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Created-By: Packages")
    return next((uri for uri in listed.splitlines() if "security" not in uri), "http://deb.debian.org/debian")


if __name__ == "__main__":
    unittest.main()
