"""The check of a run's files against the dictionary notices a column too many, one too few, and a torn row.

The reference runs in results/ agree with the dictionary.
"""

import json
import shutil
import tempfile
import unittest
from pathlib import Path
from typing import Any

import run_files
from poolbench.data import schema
from tests import synthetic_run

ROOT = Path(__file__).resolve().parent.parent
DICTIONARY = ROOT / "docs" / "data_dictionary.md"


class RunFiles(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name) / "run"
        synthetic_run.write(self.directory, [synthetic_run.cell()], traced=[0])
        (self.directory / "derived" / "claims.csv").write_text(",".join(schema.CLAIMS) + "\n", encoding="utf-8")
        self.dictionary = Path(directory.name) / "data_dictionary.md"
        shutil.copy(DICTIONARY, self.dictionary)

    def differences(self) -> list[str]:
        return list(run_files.differences(self.directory, self.dictionary))

    def test_a_run_that_agrees_has_no_difference(self) -> None:
        self.assertEqual(self.differences(), [])

    def test_a_column_that_the_dictionary_lacks_is_found(self) -> None:
        text = self.dictionary.read_text(encoding="utf-8").replace("| `makespan_ns` |", "| makespan |")
        self.dictionary.write_text(text, encoding="utf-8")
        self.assertEqual(len(self.differences()), 1)
        self.assertIn("has makespan_ns more and lacks nothing", self.differences()[0])

    def test_a_column_that_the_program_does_not_write_is_found(self) -> None:
        path = self.directory / "derived" / "summary.csv"
        path.write_text(
            path.read_text(encoding="utf-8").replace("median_ns,", "").replace("cell_id,n,", "cell_id,n,", 1),
            encoding="utf-8",
        )
        self.assertTrue(any("lacks median_ns" in line for line in self.differences()))

    def test_a_row_with_a_field_missing_is_found(self) -> None:
        path = self.directory / "derived" / "model.csv"
        path.write_text(path.read_text(encoding="utf-8") + "0,none,\n", encoding="utf-8")
        self.assertEqual(len(self.differences()), 1)
        self.assertIn("record 3 has 3 fields", self.differences()[0])

    def test_a_key_of_a_cell_that_the_dictionary_lacks_and_one_too_few_are_found(self) -> None:
        (self.directory / "cells").mkdir()
        path = self.directory / "cells" / "run.json"
        cell: dict[str, Any] = dict.fromkeys(schema.FACTORS, "")
        durations: dict[str, Any] = {key: [] for key in schema.CELL_DURATIONS}
        for changed, wrong in (
            (cell, None),
            ({**cell, "distribution": "explicit", **durations}, None),
            ({**cell, "mood": ""}, "has mood more"),
            ({**cell, "distribution": "explicit"}, "lacks task_durations_ns, callback_durations_ns"),
        ):
            path.write_text(json.dumps({"run_id": "run", "cells": {"0" * 16: changed}}), encoding="utf-8")
            if wrong is None:
                self.assertEqual(self.differences(), [])
            else:
                self.assertEqual(len(self.differences()), 2)
                self.assertTrue(all(wrong in line for line in self.differences()))

    def test_a_key_of_the_context_that_the_dictionary_lacks_is_found(self) -> None:
        path = next((self.directory / "context").iterdir())
        path.write_text(path.read_text(encoding="utf-8").replace('"hostname"', '"host"'), encoding="utf-8")
        self.assertTrue(any("environment.host more" in line for line in self.differences()))


class ReferenceRuns(unittest.TestCase):
    def test_every_one_agrees_with_the_dictionary(self) -> None:
        runs = sorted(path.parent for path in (ROOT / "results").glob("*/results.csv"))
        self.assertIn("validate", [run.name for run in runs])
        untraced = {f"{run}: no tasks/*.csv" for run in runs}  # not every run is --trace'd, or keeps what that leaves
        found = [line for run in runs for line in run_files.differences(run, DICTIONARY) if line not in untraced]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
