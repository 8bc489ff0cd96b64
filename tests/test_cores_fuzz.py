"""The fuzz target that needs a directory leaves none behind, however it ends."""

import os
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

FUZZ = os.environ["POOLBENCH_CORES_FUZZ"]


class Leftovers(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.seeds, self.temporary = (Path(directory.name, name) for name in ("seeds", "tmp"))
        self.seeds.mkdir()
        self.temporary.mkdir()
        (self.seeds / "1").write_bytes(b"0::/group\n\x00200000 100000\n")

    def test_a_run_to_the_end_leaves_nothing(self) -> None:
        subprocess.run(
            [FUZZ, self.seeds], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(self.temporary)}
        )
        self.assertEqual(list(self.temporary.iterdir()), [])

    def test_a_signal_leaves_nothing(self) -> None:
        os.mkfifo(self.seeds / "2")
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGABRT):
            with self.subTest(number.name):
                process = subprocess.Popen(
                    [FUZZ, self.seeds],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "TMPDIR": str(self.temporary)},
                    start_new_session=True,
                )
                assert process.stdout
                # Opened once the first input is done and the second begun.
                with process.stdout, open(self.seeds / "2", "wb"):
                    self.assertEqual(len(list(self.temporary.iterdir())), 1)
                    os.killpg(process.pid, number)
                    process.stdout.read()  # to its end: nobody who held it is left
                self.assertEqual(process.wait(), -number)
                self.assertEqual(list(self.temporary.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
