"""The test `tidy` judges what has changed, and notices what is wrong with it."""

import contextlib
import io
import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import tidy

ROOT = Path(__file__).resolve().parent.parent
GOOD = "int twice(int n) { return 2 * n; }\n"
BAD = "int* nothing() { return 0; }\n"  # modernize-use-nullptr


class Tidy(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name).resolve()
        self.build = self.root / "build"
        shutil.copy(ROOT / ".clang-tidy", self.root)
        self.sources: list[str] = []
        self.git("init", "--quiet")
        (self.root / ".gitignore").write_text("build/\n", encoding="utf-8")

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", "-C", self.root, *identity, *arguments], check=True, capture_output=True)

    def write_only(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        self.write_only(name, text)
        if name.endswith(".cpp") and name not in self.sources:
            self.sources.append(name)
        commands = [
            {"directory": str(self.root), "file": source, "command": f"c++ -I{self.root} -c {source}"}
            for source in self.sources
        ]
        self.build.mkdir(exist_ok=True)
        (self.build / "compile_commands.json").write_text(json.dumps(commands), encoding="utf-8")

    def commit(self) -> None:
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "one")

    def judged(self) -> list[str]:
        return tidy.to_judge(self.root, self.build, tidy.changed_files(self.root) or [])

    def run_tidy(self, *arguments: str) -> tuple[int, str]:
        if not shutil.which("clang-tidy"):
            self.skipTest("clang-tidy is not installed")
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = tidy.main([str(self.root), str(self.build), *arguments])
        return code, said.getvalue()

    def test_what_the_last_commit_and_nobody_has_committed_yet_is_judged(self) -> None:
        self.write("old.cpp", GOOD)
        self.commit()
        self.write("new.cpp", GOOD)
        self.commit()
        self.write("newest.cpp", GOOD)
        self.write("tests/newest_test.cpp", GOOD)
        self.assertEqual(self.judged(), ["new.cpp", "newest.cpp"])

    def test_a_header_is_judged_by_its_source_or_by_one_that_includes_it(self) -> None:
        self.write("room/own.cpp", GOOD)
        self.write("room/user.cpp", '#include "room/alone.h"\n')
        self.write("room/other.cpp", GOOD)
        self.commit()
        self.write("room/own.h", GOOD)
        self.write("room/alone.h", GOOD)
        self.commit()
        self.assertEqual(self.judged(), ["room/own.cpp", "room/user.cpp"])

    def test_nothing_to_compare_with_is_said(self) -> None:
        self.write("first.cpp", GOOD)
        self.commit()
        code, said = self.run_tidy()
        self.assertEqual(code, 0)
        self.assertIn("skipped: ", said)

    def test_a_finding_fails_and_a_file_that_did_not_change_is_left_alone(self) -> None:
        self.write("old.cpp", BAD)
        self.commit()
        self.write("new.cpp", GOOD)
        self.commit()
        self.assertEqual(self.run_tidy()[0], 0)
        self.write("new.cpp", BAD)
        code, said = self.run_tidy()
        self.assertEqual(code, 1)
        self.assertIn("modernize-use-nullptr", said)
        self.assertEqual(self.run_tidy("--all")[0], 1)

    def test_what_clang_cannot_compile_is_named(self) -> None:
        self.commit()
        self.write("old.cpp", GOOD)
        self.commit()
        self.write("new.cpp", "int f() { return undeclared; }\n")
        code, said = self.run_tidy()
        self.assertEqual(code, 0)
        self.assertIn("not judged, since this clang cannot compile it: new.cpp", said)

    def test_what_is_compiled_together_is_judged_one_by_one(self) -> None:
        self.commit()
        self.write("old.cpp", GOOD)
        self.commit()
        for name in ("a.cpp", "b.cpp"):
            self.write(name, GOOD)
        unit = self.build / "Unity" / "unity_0_cxx.cxx"
        unit.parent.mkdir()
        unit.write_text("".join(f'#include "{self.root}/{name}"\n' for name in ("a.cpp", "b.cpp")), encoding="utf-8")
        together = [{"directory": str(self.root), "file": str(unit), "command": f"c++ -DKNOWN -o u.o -c {unit}"}]
        (self.build / "compile_commands.json").write_text(json.dumps(together), encoding="utf-8")
        self.assertEqual(self.judged(), ["a.cpp", "b.cpp"])
        self.write_only("b.cpp", "int* f() {\n#ifdef KNOWN\n  return 0;\n#else\n  return nullptr;\n#endif\n}\n")
        code, said = self.run_tidy()
        self.assertEqual(code, 1, said)
        self.assertIn("b.cpp", said)
        self.assertNotIn("a.cpp", said)

    def test_what_is_beyond_the_bound_is_named(self) -> None:
        self.commit()
        self.write("old.cpp", GOOD)
        self.commit()
        for name in ("a.cpp", "b.cpp"):
            self.write(name, GOOD)
        said = self.run_tidy("--most", "1")[1]
        self.assertIn("sources have changed: b.cpp", said)


if __name__ == "__main__":
    unittest.main()
