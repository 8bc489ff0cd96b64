"""The tools that judge the dialect see every file and notice what is wrong with one. The rules are this tree's own."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

import dialect

ROOT = Path(__file__).resolve().parent.parent


class Dialect(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name).resolve()
        for name in ("pyproject.toml", ".flake8", ".clang-format"):
            shutil.copy(ROOT / name, self.root)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def passes(self, language: str, tool: Any, *arguments: str) -> bool:
        if not shutil.which(tool):
            self.skipTest(f"{tool} is not installed")
        command = [sys.executable, ROOT / "tests/dialect.py", self.root, language, tool, *arguments]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def test_all_that_is_python_is_judged_also_without_a_suffix(self) -> None:
        self.write("tool", "#!/usr/bin/env python3\nprint(1)\n")
        self.write("room/module.py", "X = 1\n")
        self.write("script", "#!/usr/bin/env bash\n")
        self.write("build/generated.py", "X=1\n")
        self.assertEqual([str(name) for name in dialect.sources(self.root, "python")], ["room/module.py", "tool"])

    def test_in_a_clone_what_git_tracks_is_judged(self) -> None:
        self.write("tracked.cpp", "int x;\n")
        subprocess.run(["git", "init", "--quiet", self.root], check=True)
        subprocess.run(["git", "-C", self.root, "add", "."], check=True)
        self.write("scratch.cpp", "int  x;\n")
        self.assertEqual([str(name) for name in dialect.sources(self.root, "c++")], ["tracked.cpp"])

    def test_a_misformatted_line_of_python_is_found(self) -> None:
        self.write("tool", '#!/usr/bin/env python3\nprint("a line")\n')
        self.assertTrue(self.passes("python", "black", "--check"))
        self.write("tool", "#!/usr/bin/env python3\nprint( 'a line' )\n")
        self.assertFalse(self.passes("python", "black", "--check"))

    def test_a_name_that_nobody_uses_is_found(self) -> None:
        self.write("module.py", "import os\n\nprint(os.name)\n")
        self.assertTrue(self.passes("python", "flake8"))
        self.write("module.py", "import os\nimport sys\n\nprint(os.name)\n")
        self.assertFalse(self.passes("python", "flake8"))

    def test_a_misformatted_line_of_cpp_is_found(self) -> None:
        self.write("room/file.cpp", "int twice(int n) { return 2 * n; }\n")
        self.assertTrue(self.passes("c++", "clang-format", "--dry-run", "--Werror"))
        self.write("room/file.cpp", "int twice(int n) { return 2*n; }\n")
        self.assertFalse(self.passes("c++", "clang-format", "--dry-run", "--Werror"))

    def test_a_function_without_types_is_found(self) -> None:
        self.write("module.py", "def twice(number: int) -> int:\n    return 2 * number\n")
        self.assertTrue(self.passes("python", "mypy", "--cache-dir", "cache"))
        self.write("module.py", "def twice(number):\n    return 2 * number\n")
        self.assertFalse(self.passes("python", "mypy", "--cache-dir", "cache"))


if __name__ == "__main__":
    unittest.main()
