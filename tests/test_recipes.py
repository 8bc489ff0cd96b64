"""The test that follows a recipe notices one that cannot be followed, and one whose code is wrong."""

import json
import tempfile
import unittest
from pathlib import Path

import recipes

RECIPE = """# How to

New file `harness/new.cpp`:

```cpp
#include "harness/list.h"
int added() { return 1; }
```

In `harness/list.h`:

```diff
 int first();
+int added();
```

In `harness/CMakeLists.txt`:

```diff
-  list.cpp
+  list.cpp new.cpp
```
"""


class Recipes(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        top = Path(directory.name).resolve()
        self.root, self.build, self.copies, self.page = top / "tree", top / "build", top / "copies", top / "recipe.md"
        for folder in (*recipes.COPIED, "../build"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.write("harness/list.h", "#pragma once\nint first();\nint last();\n")
        self.write("harness/list.cpp", '#include "harness/list.h"\nint first() { return 0; }\n')
        self.write("harness/CMakeLists.txt", "add_library(list\n  list.cpp\n)\n")
        source = self.root / "harness" / "list.cpp"
        commands = [{"file": str(source), "command": f"c++ -I{self.root} -o list.o -c {source}"}]
        (self.build / "compile_commands.json").write_text(json.dumps(commands), encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")

    def complaints(self, text: str) -> list[str]:
        self.page.write_text(text, encoding="utf-8")
        return list(recipes.complaints(self.root, self.build, self.copies, self.page))

    def test_one_that_fits_is_followed_in_a_copy(self) -> None:
        self.assertEqual(self.complaints(RECIPE), [])
        copy = self.copies / "recipe" / "harness"
        self.assertEqual(
            (copy / "list.h").read_text(encoding="utf-8"), "#pragma once\nint first();\nint added();\nint last();\n"
        )
        self.assertIn("list.cpp new.cpp", (copy / "CMakeLists.txt").read_text(encoding="utf-8"))
        self.assertFalse((self.root / "harness" / "new.cpp").exists())

    def test_code_that_does_not_compile_is_found(self) -> None:
        found = self.complaints(RECIPE.replace("return 1;", "return nothing;"))
        self.assertEqual(len(found), 1)
        self.assertIn(
            "'nothing' was not declared",
            found[0].replace("\N{LEFT SINGLE QUOTATION MARK}", "'").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"),
        )

    def test_a_registration_that_breaks_the_file_beside_it_is_found(self) -> None:
        found = self.complaints(RECIPE.replace("+int added();", "+int added(;"))
        self.assertEqual(sorted(text.partition(":")[0] for text in found), ["harness/list.cpp", "harness/new.cpp"])

    def test_lines_that_the_tree_has_no_more_or_twice_are_found(self) -> None:
        self.assertIn("has this 0 times", self.complaints(RECIPE.replace(" int first();", " int second();"))[0])
        self.write("harness/list.h", "int first();\nint first();\n")
        self.assertIn("has this 2 times", self.complaints(RECIPE)[0])

    def test_a_new_file_that_is_there_or_is_listed_nowhere_is_found(self) -> None:
        self.assertIn(
            "harness/new.cpp is in no CMakeLists.txt",
            self.complaints(RECIPE.partition("In `harness/CMakeLists.txt`")[0])[0],
        )
        self.write("harness/new.cpp", "")
        self.assertIn("harness/new.cpp is there already", self.complaints(RECIPE)[0])

    def test_a_page_without_steps_and_a_block_of_no_file_are_found(self) -> None:
        self.assertEqual(self.complaints("# How to\n\nWords.\n"), ["the page has no step"])
        self.assertEqual(self.complaints("# How to\n\n```diff\n+x\n```\n"), ["a diff block belongs to no file"])


if __name__ == "__main__":
    unittest.main()
