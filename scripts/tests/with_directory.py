"""A test that has a directory of its own, which is gone when it ends."""

import tempfile
import unittest
from pathlib import Path


class WithDirectory(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
