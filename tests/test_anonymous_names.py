"""The test `anonymous_names` finds a name that two sources of a unit have."""

import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path

import anonymous_names

ONE = """namespace {

// Adds to ms(5).
std::int64_t add(const Rows& rows, int ms = 5) {
  return other(rows);
}
constexpr int kMost = 5;
template <class T>
struct Box {
  int add;
};
using testing::HasSubstr;
[[nodiscard]] bool ready() { return true; }
std::atomic<int> reports{0};

TEST(Adds, once) { add({}); }

}  // namespace
"""


class Names(unittest.TestCase):
    def test_are_those_that_are_declared(self) -> None:
        self.assertEqual(list(anonymous_names.names_in(ONE)), ["add", "kMost", "Box", "ready", "reports"])
        self.assertEqual(list(anonymous_names.names_in(ONE.replace("namespace {", "namespace named {"))), [])

    def run_on(self, other: str) -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory).resolve()
            (root / "a.cpp").write_text(ONE, encoding="utf-8")
            (root / "b.cpp").write_text(other, encoding="utf-8")
            unit = root / "build" / "x" / "Unity" / "unity_0_cxx.cxx"
            unit.parent.mkdir(parents=True)
            unit.write_text("".join(f'#include "{root}/{name}.cpp"\n' for name in "ab"), encoding="utf-8")
            commands = [{"directory": str(root), "file": str(unit), "command": f"c++ -c {unit}"}]
            (root / "build" / "compile_commands.json").write_text(json.dumps(commands), encoding="utf-8")
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                code = anonymous_names.main([str(root), str(root / "build")])
            return code, said.getvalue()

    def test_that_two_sources_of_a_unit_have_are_found(self) -> None:
        code, said = self.run_on("namespace {\nvoid add(Rows& rows, double by) {\n}\n}  // namespace\n")
        self.assertEqual(code, 1)
        self.assertIn("add: in a.cpp and b.cpp", said)

    def test_that_differ_are_fine(self) -> None:
        self.assertEqual(self.run_on("namespace {\nvoid added(Rows& rows) {\n}\n}  // namespace\n")[0], 0)
        self.assertEqual(self.run_on("namespace {\nusing testing::HasSubstr;\n}  // namespace\n")[0], 0)


if __name__ == "__main__":
    unittest.main()
