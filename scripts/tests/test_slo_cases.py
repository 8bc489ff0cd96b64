"""poolbench/experiments/slo_cases.py: what it counts as kept, and its own pool with its own clients."""

import math
import threading
import unittest
from typing import Any

from poolbench.experiments import slo_cases
from poolbench.experiments.slo_cases import Verified


def document(size: Verified, fewer: Verified | None, kept: bool = True) -> dict[str, Any]:
    return {
        "found": {"kept": kept, "holds_up_to_per_s": 336.71, "binds": "workers"},
        "size": vars(size),
        "fewer": vars(fewer) if fewer else None,
    }


class Cases(unittest.TestCase):
    def test_a_size_is_as_it_was_said_if_it_keeps_the_bound_and_one_fewer_does_not(self) -> None:
        keeps, fails = Verified("thread", 7, 60.0, True), Verified("thread", 6, 900.0, False)
        self.assertTrue(slo_cases.as_it_said(keeps, fails))
        self.assertTrue(slo_cases.as_it_said(keeps, None))
        self.assertFalse(slo_cases.as_it_said(keeps, keeps))
        self.assertFalse(slo_cases.as_it_said(fails, fails))

    def test_the_table_has_a_line_for_each_kind_that_was_run(self) -> None:
        good = document(Verified("thread", 7, 60.0, True), Verified("thread", 6, math.inf, False))
        lines = slo_cases.table({"sleep": good, "spin": document(Verified("thread", 2, 1.0, True), None, False)})
        self.assertEqual(len(lines.splitlines()), 4)
        self.assertIn("| thread x 7: 60 ms | thread x 6: does not end | 336.7/s, workers | yes |", lines)
        self.assertIn("| spin | 130/s, p99 <= 150 ms | nothing | | | no |", lines)

    def test_the_suite_of_a_fresh_run_has_clients_of_its_own(self) -> None:
        choice = {"backend": "process", "strategy": "none"}
        suite = slo_cases.suite_of(slo_cases.CASES["http"], choice, 5, 30)
        for line in ('workload = "http_page"', 'backend = "process"', "workers = 5", 'arrivals = "poisson:170/s"'):
            self.assertIn(line, suite)

    def test_its_own_pool_serves_every_client_once(self) -> None:
        lock = threading.Lock()
        served: list[int] = []

        def call(client: int) -> None:
            with lock:
                served.append(client)

        p99 = slo_cases.p99_of_threads(call, rate=1000, seconds=0.1, workers=2)
        self.assertEqual(sorted(served), list(range(len(served))))
        self.assertGreater(len(served), 10)
        self.assertTrue(0 <= p99 < math.inf)

    def test_percentiles_are_values_that_somebody_met_with(self) -> None:
        self.assertEqual(slo_cases.nearest_rank([float(value) for value in range(100, 0, -1)], 0.99), 99)
        self.assertEqual(slo_cases.nearest_rank([3.0], 0.99), 3)


if __name__ == "__main__":
    unittest.main()
