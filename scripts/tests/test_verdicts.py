"""poolbench/experiments/verdicts.py: several runs of `validate` against each other."""

import csv
import io
import shutil
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from poolbench.data import schema
from poolbench.experiments import verdicts
from tests.with_directory import WithDirectory


class Verdicts(WithDirectory):
    def run_of(self, name: str, **verdicts_of: str) -> Any:
        directory = self.directory / name
        (directory / "derived").mkdir(parents=True)
        with (directory / "derived" / "claims.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, schema.CLAIMS, restval="")
            writer.writeheader()
            for claim, verdict in verdicts_of.items():
                writer.writerow(
                    {
                        "id": claim,
                        "claim": f"total = n*c of {claim}",
                        "case": "k=2",
                        "verdict": verdict,
                        "expected": "refuted" if claim == "wrong" else "holds",
                        "predicted_ns": 240_000_000,
                        "measured_ns": 240_400_000 + len(name),
                        "ci_low_ns": 1,
                        "ci_high_ns": 2,
                        "tolerance_ns": 10_000_000,
                        "violated": "n = 3 > k = 2",
                    }
                )
        return str(directory)

    def call(self, *runs: str) -> tuple[Any, str, str]:
        return self.call_with(*runs, "-o", str(self.directory / "out"))

    def call_with(self, *arguments: str) -> tuple[Any, str, str]:
        out, err = io.StringIO(), io.StringIO()
        code: Any
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = verdicts.main(list(arguments))
            except SystemExit as stopped:
                code = stopped.code
        return code, out.getvalue(), err.getvalue()

    def test_runs_that_agree_leave_a_row_per_run_and_claim_and_a_table(self) -> None:
        code, out, err = self.call(
            self.run_of("a", right="holds", wrong="refuted"), self.run_of("b", right="holds", wrong="refuted")
        )
        self.assertEqual((code, err), (0, ""))
        self.assertIn("2 claims in 2 runs: 1 hold and 1 are refuted in every one", out)
        with (self.directory / "out" / "verdicts.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(
            [(row["run"], row["id"], row["verdict"]) for row in rows],
            [("1", "right", "holds"), ("1", "wrong", "refuted"), ("2", "right", "holds"), ("2", "wrong", "refuted")],
        )
        table = (self.directory / "out" / "table.md").read_text(encoding="utf-8")
        self.assertIn("| total = n\\*c of right | k=2 | 240 ms | 240 ms | holds |", table)
        self.assertIn("| **refuted**: n = 3 > k = 2 |", table)

    def test_a_flip_an_open_verdict_and_one_against_the_model_are_named(self) -> None:
        first = self.run_of("a", flips="holds", open="inconclusive", wrong="holds")
        code, _, err = self.call(first, self.run_of("b", flips="refuted", open="holds", wrong="holds"))
        self.assertEqual(code, 1)
        self.assertIn("flips flips: holds, refuted", err)
        self.assertIn("open was inconclusive in 1 of 2 runs", err)
        self.assertIn("wrong is against the model in 2 of 2 runs", err)

    def test_what_is_no_run_of_validate_and_runs_of_other_claims_are_refused(self) -> None:
        one = self.run_of("a", right="holds")
        code, _, err = self.call(one, str(self.directory / "nothing"))
        self.assertEqual(code, 2)
        self.assertIn("nothing/derived/claims.csv: No such file", err)
        code, _, err = self.call(one, self.run_of("b", other="holds"))
        self.assertEqual(code, 2)
        self.assertIn("has other claims than", err)

    def test_the_table_is_made_again_from_what_was_left_and_the_last_run(self) -> None:
        first, last = self.run_of("a", right="holds", wrong="refuted"), self.run_of(
            "longer", right="inconclusive", wrong="refuted"
        )
        self.call(first, last)
        left = self.directory / "out"
        shutil.copytree(Path(last) / "derived", left / "derived")
        self.assertEqual(self.call_with("--show", str(left)), (0, (left / "table.md").read_text(encoding="utf-8"), ""))

    def test_the_table_of_the_reference_runs_follows_from_their_figures(self) -> None:
        reference = Path(__file__).resolve().parents[2] / "results" / "validate"
        self.assertEqual(
            self.call_with("--show", str(reference)), (0, (reference / "table.md").read_text(encoding="utf-8"), "")
        )

    def test_claims_that_only_one_of_the_files_has_are_refused(self) -> None:
        self.call(self.run_of("a", right="holds"), self.run_of("b", right="holds"))
        left = self.directory / "out"
        shutil.copytree(Path(self.run_of("c", right="holds", other="holds")) / "derived", left / "derived")
        code, _, err = self.call_with("--show", str(left))
        self.assertEqual(code, 2)
        self.assertIn("verdicts.csv lacks the claim 'other' of claims.csv", err)

    def test_runs_and_show_exclude_each_other(self) -> None:
        combinations: tuple[list[str], ...] = (
            ["a"],
            ["-o", "out"],
            ["a", "-o", "out", "--show", "b"],
            ["--show", "b", "-o", "out"],
            [],
        )
        for arguments in combinations:
            code, _, err = self.call_with(*arguments)
            self.assertEqual(code, 2, arguments)
            self.assertIn("give runs and -o DIRECTORY, or --show DIRECTORY", err)


if __name__ == "__main__":
    unittest.main()
