"""poolbench/data/schema.py against the program's own column table, and the synthetic runs against both."""

import csv
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from poolbench.data import schema
from tests import synthetic_run


class Schema(unittest.TestCase):
    def test_the_columns_of_results_csv_are_the_program_s(self) -> None:
        program = os.environ.get("POOLBENCH_PROGRAM", "")
        self.assertTrue(os.access(program, os.X_OK), f"POOLBENCH_PROGRAM='{program}' is not the program poolbench")
        listed = subprocess.run([program, "list", "columns"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(tuple(line.split()[0] for line in listed.splitlines()), schema.RESULTS)

    def test_every_text_column_is_a_column(self) -> None:
        self.assertLessEqual(set(schema.RESULTS_TEXT), set(schema.RESULTS))
        self.assertLessEqual(set(schema.TASKS_TEXT), set(schema.TASKS))
        self.assertLessEqual(set(schema.MODEL_TEXT), set(schema.MODEL))

    def test_no_column_is_listed_twice(self) -> None:
        for columns in (
            schema.RESULTS,
            schema.TASKS,
            schema.SUMMARY,
            schema.MODEL,
            schema.CLAIMS,
            schema.VERDICTS,
            schema.RULES,
        ):
            self.assertEqual(len(columns), len(set(columns)))

    def test_the_synthetic_runs_that_the_pictures_are_tested_with_have_these_columns(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            synthetic_run.write(directory, [synthetic_run.cell()], traced=[0])
            for path, columns in (
                ("results.csv", schema.RESULTS),
                (f"tasks/{synthetic_run.RUN_ID}.csv", schema.TASKS),
                ("derived/summary.csv", schema.SUMMARY),
                ("derived/model.csv", schema.MODEL),
            ):
                with open(Path(directory) / path, newline="", encoding="utf-8") as file:
                    self.assertEqual(tuple(next(csv.reader(file))), columns)


if __name__ == "__main__":
    unittest.main()
