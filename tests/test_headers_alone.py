"""The header check accepts a good header and refuses one that lacks an include or a guard."""

import contextlib
import io
import os
import subprocess
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

    def test_of_four_commits_each_header_is_looked_at_once_and_a_changed_one_at_once(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            (root / "pools").mkdir()
            headers = [root / "pools" / f"h{number}.h" for number in range(8)]
            for header in headers:
                header.write_text("#pragma once\n", encoding="utf-8")

            def commit() -> None:
                who = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
                subprocess.run(["git", "-C", root, "add", "."], check=True)
                subprocess.run(["git", "-C", root, *who, "commit", "-q", "--allow-empty", "-m", "."], check=True)

            subprocess.run(["git", "-C", root, "init", "-q"], check=True)
            self.assertEqual(headers_alone.of_this_commit(root, headers, 4), headers)  # no commit: all
            commit()
            looked_at = []
            for _ in range(4):
                commit()
                looked_at.append(headers_alone.of_this_commit(root, headers, 4))
            self.assertEqual(sorted(header for some in looked_at for header in some), headers)
            missing = next(header for header in headers if header not in looked_at[-1])
            missing.write_text("#pragma once\n// changed\n", encoding="utf-8")
            self.assertIn(missing, headers_alone.of_this_commit(root, headers, 4))

    def test_a_tree_without_headers_is_an_error(self) -> None:
        with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(headers_alone.main([directory, "--compiler", COMPILER]), 2)


if __name__ == "__main__":
    unittest.main()
