"""The header check accepts a good header and refuses one that lacks an include or a guard."""

import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path
from typing import Any

import headers_alone

COMPILER = os.environ.get("CXX", "c++")


class HeadersAlone(unittest.TestCase):
    def run_on(self, text: str) -> Any:
        with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(io.StringIO()) as output:
            (Path(directory) / "pools").mkdir()
            (Path(directory) / "pools" / "some.h").write_text(text, encoding="utf-8")
            return headers_alone.main([directory, "--compiler", COMPILER]), output.getvalue()

    def test_a_header_that_includes_what_it_needs_passes(self) -> None:
        self.assertEqual(
            self.run_on("#pragma once\n#include <vector>\nstruct Some { std::vector<int> numbers; };\n")[0], 0
        )

    def test_a_header_that_lacks_an_include_fails(self) -> None:
        code, output = self.run_on("#pragma once\nstruct Some { std::vector<int> numbers; };\n")
        self.assertEqual(code, 1)
        self.assertIn("pools/some.h does not stand alone", output)

    def test_a_header_without_a_guard_fails(self) -> None:
        self.assertEqual(self.run_on("struct Some {};\n")[0], 1)

    def test_a_tree_without_headers_is_an_error(self) -> None:
        with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(headers_alone.main([directory, "--compiler", COMPILER]), 2)


if __name__ == "__main__":
    unittest.main()
