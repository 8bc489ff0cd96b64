"""poolbench/experiments/rule_verdicts.py: several runs of `validate --rules` against each other."""

import csv
import io
import unittest
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from poolbench.data import schema
from poolbench.experiments import rule_verdicts
from tests.with_directory import WithDirectory


class RuleVerdicts(WithDirectory):
    def run_of(self, name: str, **verdicts_of: tuple[str, Any]) -> str:
        directory = self.directory / name
        (directory / "derived").mkdir(parents=True)
        with (directory / "derived" / "rules.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, schema.RULES, restval="")
            writer.writeheader()
            for rule, (verdict, regret) in verdicts_of.items():
                missed = int(verdict == "fails")
                row = {"rule": rule, "kind": "batch", "wait_per_compute": 4, "missed": missed, "verdict": verdict}
                writer.writerow({**row, "regret_pct": regret})
        return str(directory)

    def call(self, *runs: str) -> tuple[Any, str, str]:
        out, err = io.StringIO(), io.StringIO()
        code: Any
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = rule_verdicts.main(list(runs))
            except SystemExit as stopped:
                code = stopped.code
        return code, out.getvalue(), err.getvalue()

    def test_what_cannot_be_told_apart_in_a_run_flips_nothing(self) -> None:
        code, out, err = self.call(
            self.run_of("a", goetz=("holds", 1), little=("fails", "")),
            self.run_of("b", goetz=(schema.RULE_OPEN, 7), little=("fails", "")),
        )
        self.assertEqual((code, err), (0, ""))
        self.assertIn("| goetz | batch | 4 | 1 to 7 % |  | holds / cannot be told apart |", out)
        self.assertIn("| little | batch | 4 | - | 1 | fails |", out)
        self.assertIn("2 verdicts in 2 runs: none flips", out)

    def test_a_flip_is_named(self) -> None:
        code, _, err = self.call(self.run_of("a", goetz=("holds", 1)), self.run_of("b", goetz=("costs", 9)))
        self.assertEqual(code, 1)
        self.assertEqual(err, "goetz batch 4 flips: holds, costs\n")

    def test_a_directory_without_rules_and_one_with_others_are_bad_usage(self) -> None:
        first = self.run_of("a", goetz=("holds", 1))
        for other in (str(self.directory / "none"), self.run_of("b", libuv=("holds", 1)), self.run_of("empty")):
            code, _, err = self.call(first, other)
            self.assertEqual(code, 2)
            self.assertIn("rules", err.splitlines()[-1])


if __name__ == "__main__":
    unittest.main()
