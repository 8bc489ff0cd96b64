"""Tests that have a directory or other contexts of their own, which are gone when they end."""

import tempfile
import unittest
from pathlib import Path
from typing import Any


class WithContexts(unittest.TestCase):
    def enterContext(self, context: Any) -> Any:  # unittest has it from Python 3.11 on
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value


class WithDirectory(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
