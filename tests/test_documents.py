"""The check of the documents notices what is wrong with one; and what the pages quote is true of this program.

POOLBENCH_PROGRAM names the program.
"""

import os
import re
import shlex
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

import tomllib

import documents

ROOT = Path(__file__).resolve().parent.parent


class Checks(unittest.TestCase):
    PAGE = "# A page\n\nIt says something.\n"

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name).resolve()
        self.write("README.md", "# A project\n\nIt does something; see [a page](docs/page.md).\n")
        self.write("docs/page.md", self.PAGE)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def problems(self, links_only: bool = False) -> list[str]:
        return list(documents.problems(self.root, links_only))

    def page(self, text: str) -> list[str]:
        self.write("docs/page.md", self.PAGE + text)
        return self.problems()

    def test_a_tree_in_order_has_no_problem(self) -> None:
        self.assertEqual(self.problems(), [])

    def test_a_link_to_a_file_that_is_not_there_is_found(self) -> None:
        self.assertEqual(self.page("\n[x](nothing.md)\n"), ["docs/page.md:5: there is no nothing.md"])
        self.assertEqual(self.page("![x](nothing.png)\n"), ["docs/page.md:4: there is no nothing.png"])
        self.assertEqual(self.problems(links_only=True), ["docs/page.md:4: there is no nothing.png"])

    def test_a_link_to_a_heading_that_is_not_there_is_found(self) -> None:
        self.assertEqual(
            self.page("[x](../README.md#nothing)\n"), ["docs/page.md:4: there is no heading #nothing in README.md"]
        )
        self.assertEqual(self.page("[x](#nothing)\n"), ["docs/page.md:4: there is no heading #nothing in page.md"])

    def test_a_link_to_a_heading_is_right_as_github_spells_it(self) -> None:
        self.assertEqual(
            self.page(
                "## `wait`, as_completed: (two) [words](page.md)!\n\n## Twice\n\n## Twice\n\n"
                "[a](#wait-as_completed-two-words) [b](#twice) [c](page.md#twice-1)\n"
            ),
            [],
        )

    def test_a_link_out_of_the_tree_is_found(self) -> None:
        self.assertEqual(self.page("[x](../../etc)\n"), ["docs/page.md:4: the link to ../../etc leads out of the tree"])

    def test_what_looks_like_a_link_in_code_and_what_leads_into_the_web_is_none(self) -> None:
        self.assertEqual(self.page("`[x](nothing)` [y](https://example.org/nothing)\n\n```\n[x](nothing)\n```\n"), [])

    def test_a_long_line_is_found_but_in_a_table(self) -> None:
        self.assertEqual(self.page("x" * 121 + "\n"), ["docs/page.md:4: 121 columns; at most 120, tables aside"])
        self.assertEqual(self.page("| " + "x" * 121 + " |\n"), [])

    def test_a_page_that_does_not_say_what_it_is_is_found(self) -> None:
        self.write("docs/page.md", "# A page\n\n* a list\n")
        self.assertEqual(
            self.problems(),
            ["docs/page.md:1: a page opens with its title, an empty line and a sentence that says what it is"],
        )

    def test_a_page_that_nobody_finds_is_found(self) -> None:
        self.write("docs/other.md", self.PAGE)
        self.assertEqual(self.problems(), ["docs/other.md:1: no link leads here from README.md"])
        self.assertEqual(self.page("[x](other.md)\n"), [])

    def test_a_readme_that_is_too_large_is_found(self) -> None:
        self.write("README.md", "# A project\n\nSee [a page](docs/page.md).\n" + 1000 * "0123456789\n")
        self.assertEqual(
            self.problems(), ["README.md:1: 11,041 bytes; at most 10,000: what is longer belongs into docs/"]
        )

    def test_a_block_that_is_not_what_its_command_prints_is_found_and_made_again(self) -> None:
        found = self.page("<!-- made by: printf 'two\\nlines\\n' -->\nstale\n<!-- end -->\n")
        self.assertEqual(len(found), 1)
        self.assertIn("docs/page.md:4: this is not what `printf", found[0])
        page = self.root / "docs" / "page.md"
        page.write_text(documents.written(self.root, page.read_text(encoding="utf-8")), encoding="utf-8")
        self.assertIn("-->\n\ntwo\nlines\n\n<!-- end -->", page.read_text(encoding="utf-8"))
        self.assertEqual(self.problems(), [])

    def test_each_of_several_blocks_has_its_own_command(self) -> None:
        one, two = (f"<!-- made by: printf '{name}\\n' -->\n\n{name}\n\n<!-- end -->\n" for name in ("one", "two"))
        self.assertEqual(self.page(one + "\nBetween them.\n\n" + two), [])

    def test_a_command_that_fails_and_a_block_without_an_end_are_found(self) -> None:
        self.assertEqual(
            self.page("<!-- made by: ls nothing -->\n<!-- end -->\n")[0][:36], "docs/page.md:4: `ls nothing` failed:"
        )
        self.assertEqual(self.page("<!-- made by: true -->\n"), ["docs/page.md:1: a block that is made has no end"])


def blocks(page: Any, language: str) -> Any:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )


class Tutorial(unittest.TestCase):
    def test_as_many_claims_hold_and_are_refuted_as_the_pages_say(self) -> None:
        page, readme = ((ROOT / name).read_text(encoding="utf-8") for name in ("docs/tutorial.md", "README.md"))
        rows = re.findall(
            r"^\| .* \|$", page.partition("| claim | case |")[2].partition("<!-- end -->")[0], flags=re.MULTILINE
        )
        refuted = sum("| **refuted**" in row for row in rows)
        self.assertIn(f"{len(rows) - refuted} of {len(rows)} claims hold, {refuted} are refuted", page)
        self.assertIn(f"[{len(rows) - refuted} hold, {refuted} are refuted](docs/tutorial.md)", readme)
        self.assertIn(f"puts {len(rows)} claims", readme)


class Suites(unittest.TestCase):
    def test_what_the_page_quotes_stands_in_a_built_in_suite(self) -> None:
        built_in = [
            tomllib.loads(path.read_text(encoding="utf-8"))
            for path in (ROOT / "harness" / "plan" / "suites").glob("*.toml")
        ]
        quoted = blocks("docs/suites.md", "toml")
        self.assertGreater(len(quoted), 3)
        for text in quoted:
            for kind, parts in tomllib.loads(text).items():
                if kind in ("grid", "case"):
                    for part in parts:
                        if ":" in part.get("workload", ""):
                            continue  # the reader's own
                        self.assertTrue(
                            any(part in suite.get(kind, []) for suite in built_in),
                            f"no built-in suite has this {kind}:\n{part}",
                        )

    def test_every_one_is_in_the_table(self) -> None:
        names = {path.stem for path in (ROOT / "harness" / "plan" / "suites").glob("*.toml")}
        page = (ROOT / "docs" / "suites.md").read_text(encoding="utf-8")
        self.assertEqual(set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)), names)


@unittest.skipUnless(os.environ.get("POOLBENCH_PROGRAM"), "this build has no program")
class Program(unittest.TestCase):
    def run_it(self, *arguments: str) -> Any:
        return subprocess.run(
            [os.environ["POOLBENCH_PROGRAM"], *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.directory,
            env={**os.environ, "PATH": f"{self.directory}/bin:{os.environ['PATH']}"},
        )

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def listed(self, what: str) -> Any:
        return {line.split()[0] for line in self.run_it("list", what).stdout.splitlines()}

    def test_it_takes_the_suites_that_the_page_shows(self) -> None:
        (Path(self.directory) / "bin").mkdir()  # what the reader has
        for name in ("urls.txt", "libx.so", "bin/curl", "bin/jq"):
            (Path(self.directory) / name).write_text("one\ntwo\n", encoding="utf-8")
            (Path(self.directory) / name).chmod(0o755)
        for text in blocks("docs/suites.md", "toml"):
            (Path(self.directory) / "shown.toml").write_text(
                text if text.startswith("name") else f'name = "shown"\n{text}', encoding="utf-8"
            )
            done = self.run_it("run", "shown.toml", "--dry-run")
            self.assertEqual((done.returncode, done.stderr.partition("error")[1]), (0, ""), text + done.stderr)

    def test_it_has_the_commands_of_the_page_and_no_other(self) -> None:
        page = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
        listed = re.findall(
            r"^  ([a-z-]+) {2,}\S", self.run_it("--help").stdout.partition("Subcommands:")[2], flags=re.MULTILINE
        )
        self.assertEqual(set(re.findall(r"^\| `poolbench ([a-z-]+)", page, flags=re.MULTILINE)), set(listed))

    def test_it_predicts_what_the_page_says_how_to_predict(self) -> None:
        commands = re.findall(
            r"^\$ poolbench (predict .*)$",
            (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
        self.assertTrue(commands)
        for command in commands:
            self.assertEqual(self.run_it(*shlex.split(command)).returncode, 0, command)

    def test_it_has_the_strategies_and_backends_of_the_page_and_no_other(self) -> None:
        page = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
        self.assertEqual(set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)), self.listed("strategies"))
        bullets = re.findall(r"^\* (.*?)(?: is| are| has)", page, flags=re.MULTILINE)
        self.assertEqual(
            {name for bullet in bullets for name in re.findall(r"`(\w+)`", bullet)}, self.listed("backends")
        )


if __name__ == "__main__":
    unittest.main()
