"""The check of results/ notices what is too large and what nobody looks at."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import kept_results


class KeptResults(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name).resolve()
        self.write("docs/page.md", b"# A page\n\n![a picture](../results/run/plots/shown.png)\n")
        self.write("results/run/results.csv", b"makespan_ns\n1\n")
        self.write("results/run/plots/shown.png", b"a picture")

    def write(self, name: str, content: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def problems(self) -> list[str]:
        return list(kept_results.problems(self.root))

    def test_figures_and_pictures_that_a_page_shows_are_kept(self) -> None:
        self.assertEqual(self.problems(), [])

    def test_a_picture_that_no_page_shows_is_found(self) -> None:
        self.write("results/run/plots/shown.svg", b"<svg/>")
        self.assertEqual(
            self.problems(),
            ["results/run/plots/shown.svg: no page shows this picture, and scripts/plot.py draws it again"],
        )

    def test_more_than_four_mebibytes_are_found(self) -> None:
        self.write("results/run/tasks/1.csv", bytes(4 << 20))
        self.assertEqual(
            self.problems(),
            ["results: 4,194,327 bytes; at most 4,194,304: the largest file is results/run/tasks/1.csv"],
        )

    def test_one_report_is_kept_beside_them_if_it_is_small(self) -> None:
        self.write("results/default/report.html", bytes(2 << 20))
        self.write("results/run/tasks/1.csv", bytes(3 << 20))
        self.assertEqual(self.problems(), [])
        self.write("results/default/report.html", bytes((2 << 20) + 1))
        self.write("results/run/report.html", b"")
        self.assertEqual(
            self.problems(),
            [
                "results/default/report.html: 2,097,153 bytes; at most 2,097,152",
                "results/run/report.html: `poolbench report` makes it again; "
                "results/default/report.html is the one that is kept",
            ],
        )

    def test_what_git_does_not_track_does_not_count(self) -> None:
        subprocess.run(["git", "init", "--quiet", self.root], check=True)
        subprocess.run(["git", "-C", self.root, "add", "."], check=True)
        self.write("results/run/plots/drawn_again.svg", bytes(4 << 20))
        self.assertEqual(self.problems(), [])


if __name__ == "__main__":
    unittest.main()
