"""What Doxygen is given of a header (docs/reference/filter.py)."""

import importlib.util
import unittest
from pathlib import Path

specification = importlib.util.spec_from_file_location(
    "reference_filter", Path(__file__).parent.parent / "docs" / "reference" / "filter.py"
)
assert specification is not None and specification.loader is not None
reference_filter = importlib.util.module_from_spec(specification)
specification.loader.exec_module(reference_filter)


class Filter(unittest.TestCase):
    def lines(self, text: str) -> list[str]:
        return list(reference_filter.filtered(text.splitlines(), "cores.h"))

    def test_the_first_block_describes_the_file_and_the_others_what_follows(self) -> None:
        self.assertEqual(
            self.lines("#pragma once\n// Cores.\n// More.\n\n  // Of a thing.\n  int thing();"),
            ["#pragma once", "/// @file cores.h Cores.", "/// More.", "", "  /// Of a thing.", "  int thing();"],
        )

    def test_a_comment_behind_code_is_about_that_code(self) -> None:
        self.assertEqual(self.lines("// F\nint a = 1;   // >= 1; units")[1], r"int a = 1;   ///< \>= 1; units")

    def test_what_looks_like_a_command_a_tag_or_a_link_is_text(self) -> None:
        self.assertEqual(self.lines("// F\n// @x <b> \\y #z")[1], r"/// \@x \<b\> \\y \#z")

    def test_strings_directives_and_ends_of_scopes_are_left_alone(self) -> None:
        for line in ('f("a // b");', "#endif  // GUARD", "}  // namespace pools"):
            self.assertEqual(self.lines("// F\n" + line)[1], line)

    def test_a_line_that_divides_the_file_says_nothing(self) -> None:
        self.assertEqual(self.lines("// F\n// --- ThreadPool ---")[1], "")

    def test_a_link_to_a_page_that_is_not_part_of_the_reference_is_its_text(self) -> None:
        guide = ["See [faults](../docs/faults.md#what), [below](#errors) and [tests](../pools/tests).", "", "End."]
        self.assertEqual(
            list(reference_filter.without_links_to_pages(guide)),
            ["See faults (`docs/faults.md`), [below](#errors) and [tests](../pools/tests).", "", "End."],
        )


if __name__ == "__main__":
    unittest.main()
