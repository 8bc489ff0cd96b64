"""poolbench.report: what is in the page, where its links lead, what becomes of bad input; without a browser."""

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest import mock

from poolbench.data import run_data
from poolbench.report import cells, page, raw_rows, traces
from tests import program, synthetic_run
from tests.with_directory import WithDirectory

SCRIPTS = Path(__file__).resolve().parent.parent
MOST_BYTES = 4 << 20


def findings(*directories: Path, **more: Any) -> dict[str, Any]:
    """What the program would say of them, but for what it found."""
    runs = [
        {
            "directory": str(each),
            "last_started_utc": f"2026-01-0{n}T00:00:00Z",
            "other_rows": 0,
            "answers": ["For work that waits (sleep): threads, 4 workers."],
            "noise": "",
            "disturbed": [],
            "verdict": "",
            "claims": [],
        }
        for n, each in enumerate(directories, 1)
    ]
    comparisons = [{"a": str(a), "b": str(b), "refused": "no cell"} for a, b in zip(directories, directories[1:])]
    return {"runs": runs, "comparisons": comparisons, "by_time": len(runs) > 2, **more}


class Parsed(HTMLParser):
    """The elements of a page: ids, links, what could be loaded, headings, tables, text per id of a table body."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.headings: list[str] = []
        self.pictures = 0
        self.untitled = 0
        self.bodies: dict[str, list[list[str]]] = {}
        self._body = ""
        self._into: list[str] | None = None
        self._heading = False
        self._svg = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        self.loaded += [found[name] for name in ("src", "srcset", "data", "action", "poster") if name in found]
        if tag in ("link", "use", "image"):
            self.loaded += [value for name, value in found.items() if name.endswith("href")]
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")
            self._heading = True
        if tag == "svg":
            self.pictures += 1
            self.untitled += "aria-label" not in found and "aria-labelledby" not in found
        if tag == "tbody":
            self._body = found.get("id", "")
            self.bodies.setdefault(self._body, [])
        if tag == "tr" and self._body:
            self.bodies[self._body].append([])
        if tag in ("td", "th") and self._body:
            self.bodies[self._body][-1].append("")
            self._into = self.bodies[self._body][-1]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h1", "h2", "h3"):
            self._heading = False
        if tag in ("td", "th"):
            self._into = None
        if tag == "tbody":
            self._body = ""

    def handle_data(self, data: str) -> None:
        if self._heading:
            self.headings[-1] += data
        if self._into is not None:
            self._into[-1] += data


def run_directory(parent: Path, kind: str = "tutorial", name: str = "run", **more: Any) -> Path:
    options: dict[str, Any] = {"traced": (0, 1, 2, 3), **more}
    return synthetic_run.write(parent / name, synthetic_run.KINDS[kind](), **options)


@cache
def default_page() -> str:
    """Of a run with everything: failures, traces, claims, many strategies. Drawing it takes seconds."""
    with tempfile.TemporaryDirectory() as directory:
        given = findings(run_directory(Path(directory), "default", traced=range(30, 36)))
        given["runs"][0]["claims"] = [
            claim(cells=["0000000000000003"]),
            claim(id="other", verdict="refuted", violated="n > k"),
        ]
        return page.make(given)[0]


class Report(WithDirectory):
    def make(self, *directories: Path, **more: Any) -> str:
        """A page without the pictures that matplotlib draws."""
        with mock.patch("poolbench.report.pictures.of_scenario", return_value=[]):
            with mock.patch("poolbench.report.pictures.timelines", return_value=[]):
                return page.make(findings(*directories, **more))[0]

    def expect_links_to_lead_somewhere(self, text: str) -> Parsed:
        parsed = Parsed(text)
        self.assertEqual(len(parsed.ids), len(set(parsed.ids)))
        self.assertEqual([link for link in parsed.links if not link.startswith("#")], [])
        self.assertEqual({link[1:] for link in parsed.links} - set(parsed.ids), set())
        return parsed

    def test_where_tasks_arrive_it_says_how_long_clients_were_there(self) -> None:
        directory = self.directory / "arriving"
        synthetic_run.write(directory, synthetic_run.arriving_cells())
        text = page.make(findings(directory))[0]
        parsed = self.expect_links_to_lead_somewhere(text)
        self.assertIn("How long clients were there", parsed.headings)
        self.assertIn("queue of 5: reject", text)
        self.assertIn("Latency against load", text)
        self.assertEqual(parsed.untitled, 0)
        self.assertNotIn("of another build or machine", text)
        self.assertNotIn("Decision table", parsed.headings)  # there is no batch
        self.assertNotIn("All 0 repetitions", text)

    def test_of_batches_nothing_is_said_of_clients(self) -> None:
        headings = Parsed(self.make(run_directory(self.directory))).headings
        self.assertNotIn("How long clients were there", headings)

    def test_equal_input_gives_equal_bytes(self) -> None:
        directory = run_directory(self.directory, traced=(1,))
        self.assertEqual(*(page.make(findings(directory))[0] for _ in range(2)))

    def test_the_page_loads_nothing_and_each_link_has_its_target(self) -> None:
        parsed = self.expect_links_to_lead_somewhere(default_page())
        self.assertEqual([url for url in parsed.loaded if not url.startswith(("data:", "#"))], [])
        self.assertNotRegex(re.sub(r"url\(#[^)]*\)", "", default_page()), r"url\(|@import")
        self.assertLessEqual(len(default_page().encode()), MOST_BYTES)
        for kind in ("single", "failed", "many"):
            with self.subTest(kind):
                self.expect_links_to_lead_somewhere(self.make(run_directory(self.directory, kind, kind, traced=(0,))))

    def test_its_parts_come_in_the_order_in_which_a_reader_wants_them(self) -> None:
        parsed = Parsed(default_page())
        self.assertEqual(
            parsed.headings[1:],
            [
                "What this run says",
                "The answer",
                "Machine and noise",
                "Decision table",
                "Workload by workload",
                "Claims on trial",
                "Who ran what, and when",
                "How long clients were there",
                "What failed",
                "Every row",
            ],
        )
        self.assertGreater(parsed.pictures, 8)
        self.assertEqual(parsed.untitled, 0)

    def test_the_rows_are_those_of_the_file(self) -> None:
        directory = run_directory(self.directory, "failed")
        with open(directory / "results.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        shown = raw_rows.read(directory, [])
        parsed = Parsed(self.make(directory))
        found = [
            {**shown.constant, **dict(zip(shown.varying, cells))}
            for body, lines in parsed.bodies.items()
            if body
            for cells in lines[1:]
        ]

        def key(row: dict[str, str]) -> tuple[str, int]:
            return row["cell_id"], int(row["run_order"])

        self.assertEqual(sorted(found, key=key), sorted(rows, key=key))

    def test_what_more_than_a_page_carries_is_said_to_be_left_out(self) -> None:
        directory = run_directory(self.directory)
        self.assertEqual(raw_rows.read(directory, [], most=10).left_out, raw_rows.read(directory, []).count - 10)
        run = run_data.load(directory)
        scenarios = cells.scenarios(run)
        everything = traces.of_run(run, scenarios)
        some = traces.of_run(run, scenarios, most=20)
        self.assertEqual((everything.left_out, len(everything.listed)), (0, 20))
        self.assertEqual(len(some.listed), 5)
        self.assertEqual(some.left_out, 15)
        self.assertEqual(sum(trace["median"] for trace in some.listed), 4)

    def test_workloads_of_one_cell_have_their_table_and_too_many_are_said_to_have_no_picture(self) -> None:
        with mock.patch("poolbench.report.page.MOST_PICTURES", 3):
            text = self.make(run_directory(self.directory))
        self.assertTrue("1 further workloads have their tables only" in text)
        self.assertFalse("have their tables only" in self.make(run_directory(self.directory, "failed", "of_two")))
        with mock.patch("poolbench.report.pictures.of_scenario") as drawn:
            page.make(findings(run_directory(self.directory, "single", "of_one", traced=())))
        drawn.assert_not_called()

    def test_failures_are_seen_in_the_answer_and_listed(self) -> None:
        shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", default_page()))
        self.assertRegex(shown, r"\b8 of \d+ repetitions failed")
        self.assertIn("worker 3 died, &#34;signal 11&#34;", default_page())
        without = self.make(run_directory(self.directory, "single"))
        self.assertIn("Nothing: all 5 repetitions of 1 cell ended well", without)

    def test_few_repetitions_are_called_neither_best_nor_equal(self) -> None:
        few = self.make(run_directory(self.directory, name="few", repetitions=3))
        self.assertIn("Too few repetitions to call it best", few)
        self.assertFalse("★ 1×" in few)
        self.assertTrue("★ 1×" in self.make(run_directory(self.directory, name="enough")))

    def test_names_with_markup_stay_text(self) -> None:
        directory = run_directory(self.directory, "failed")
        path = directory / "results.csv"
        path.write_text(path.read_text().replace("worker 3 died", "</script><script>alert(1)</script> died"))
        text = self.make(directory)
        self.assertNotIn("<script>alert", text)
        self.assertEqual(text.count("</script>"), text.count("<script"))

    def test_a_claim_has_its_verdict_numbers_evidence_and_picture(self) -> None:
        text = default_page()
        for words in (
            "✓ holds",
            "✗ refuted",
            "contradicts the model",
            "N &gt; k",
            "longest + c",
            'href="#r1-0000000000000003"',
        ):
            self.assertTrue(words in text, words)
        self.assertIn("measured 104 ms, 4 ms above", text.replace("\u00a0", " "))

    def test_two_directories_are_put_side_by_side(self) -> None:
        a, b = (run_directory(self.directory, name=name) for name in "ab")
        text = self.make(a, b, comparisons=[comparison()])
        parsed = self.expect_links_to_lead_somewhere(text)
        self.assertIn("Side by side", parsed.headings)
        self.assertIn("1.25× [1.20, 1.30]", text)

    def test_of_more_each_cell_is_shown_over_time(self) -> None:
        runs = [run_directory(self.directory, "single", name) for name in "abc"]
        text = self.make(*runs, comparisons=[comparison(), comparison()])
        parsed = self.expect_links_to_lead_somewhere(text)
        self.assertIn("Over time", parsed.headings)
        self.assertIn("Medians, run by run", text)
        self.assertEqual(text.count('class="change slower"'), 2)

    def test_directories_without_derived_files_or_context_are_shown_as_far_as_they_go(self) -> None:
        directory = run_directory(self.directory, "single", derived=False, context=False)
        text, notes = page.make(findings(directory))
        self.assertIn("Every row", text)
        self.assertTrue(any("summary.csv is not there" in note for note in notes), notes)


def comparison() -> dict[str, Any]:
    """What the program says of two runs: the first cell is slower."""
    cell = {
        "cell_id": "0000000000000000",
        "verdict": "slower",
        "ratio": 1.25,
        "ratio_low": 1.2,
        "ratio_high": 1.3,
        "p_holm": 0.01,
        "a_median_ns": 1000000,
        "b_median_ns": 1250000,
    }
    return {
        "summary": {"slower": 1, "faster": 0, "same": 0, "undecided": 0},
        "significance": 0.05,
        "minimum_effect": 0.05,
        "across_machines": False,
        "powerless": "",
        "cells": [cell],
        "unmeasured": [],
        "only_in_a": [],
        "only_in_b": [],
    }


def claim(**more: Any) -> dict[str, Any]:
    return {
        "id": "thread_equal",
        "verdict": "holds",
        "expected": "holds",
        "predicted_ns": 100_000_000,
        "measured_ns": 104_000_000,
        "interval_ns": [103_000_000, 106_000_000],
        "tolerance_ns": 10_000_000,
        "violated": None,
        "open": None,
        "formula": "longest + c",
        "case": "thread k=4",
        "repetitions": 5,
        "failed": 0,
        "facts": "",
        "claim": "thread pool, equal durations",
        "tutorial": "",
        "cells": [],
        **more,
    }


class Module(WithDirectory):
    """`python -m poolbench.report`, which the program starts."""

    def start(self, given: dict[str, Any], *before: str, output: str = "out.html") -> subprocess.CompletedProcess[str]:
        path = self.directory / "findings.json"
        path.write_text(json.dumps(given), encoding="utf-8")
        code = "\n".join(
            [*before, "import runpy", "runpy.run_module('poolbench.report', run_name='__main__', alter_sys=True)"]
        )
        return subprocess.run(
            [sys.executable, "-c", code, "--findings", str(path), "--output", str(self.directory / output)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        )

    def expect_one_line(self, done: subprocess.CompletedProcess[str], *words: str) -> None:
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_a_missing_package_is_one_line_that_names_it(self) -> None:
        done = self.start(findings(self.directory), "import sys", "sys.modules['jinja2'] = None")
        self.expect_one_line(done, "'jinja2'", "install python3-jinja2")

    def test_a_directory_that_cannot_be_read_is_one_line(self) -> None:
        self.expect_one_line(self.start(findings(self.directory / "nothing")), "nothing/results.csv does not exist")

    def test_an_output_that_cannot_be_written_is_one_line(self) -> None:
        run = synthetic_run.write(self.directory / "run", synthetic_run.KINDS["single"]())
        self.expect_one_line(self.start(findings(run), output="none/out.html"), "none/out.html")


@unittest.skipUnless(program.PROGRAM, "POOLBENCH_PROGRAM names no program")
class Program(WithDirectory):
    def test_a_run_becomes_a_page(self) -> None:
        output = self.directory / "out.html"
        done = program.poolbench("report", str(SCRIPTS.parent / "results/validate"), "-o", str(output))
        self.assertEqual((done.returncode, done.stdout), (0, f"{output}\n"), done.stderr)
        text = output.read_text(encoding="utf-8")
        parsed = Parsed(text)
        self.assertEqual({link[1:] for link in parsed.links} - set(parsed.ids), set())
        self.assertIn("Claims on trial", parsed.headings)
        # Each claim leads to the rows that it was decided by.
        self.assertGreater(len([link for link in parsed.links if link.startswith("#r1-")]), 500)

    def test_two_runs_are_compared(self) -> None:
        output = self.directory / "out.html"
        results = SCRIPTS.parent / "results"
        done = program.poolbench("report", str(results / "default"), str(results / "tutorial"), "-o", str(output))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Side by side", output.read_text(encoding="utf-8"))

    def test_bad_input_is_one_line(self) -> None:
        default = str(SCRIPTS.parent / "results/default")
        for arguments, words in (
            ([str(self.directory)], "holds no results.csv"),
            ([default, default], "is named twice"),
            ([default, "-o", str(self.directory / "none/out.html")], "none/out.html"),
        ):
            with self.subTest(arguments):
                done = program.poolbench("report", *arguments)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(words, done.stderr)

    def test_without_an_interpreter_it_is_one_line_and_2(self) -> None:
        done = program.poolbench(
            "report",
            str(SCRIPTS.parent / "results/default"),
            "-o",
            str(self.directory / "out.html"),
            env={**os.environ, "POOLBENCH_PYTHON": "/none/python3"},
        )
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("python3-jinja2", done.stderr)


if __name__ == "__main__":
    unittest.main()
