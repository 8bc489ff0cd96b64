"""What is read from a run directory, and what is refused."""

import csv
import os
import unittest
from typing import Any

from poolbench.data import quantities, run_data, schema
from tests import synthetic_run
from tests.with_directory import WithDirectory


class RunData(WithDirectory):
    def write(self, cells: list[synthetic_run.Cell], **options: Any) -> Any:
        return synthetic_run.write(self.directory, cells, **options)

    def results(self) -> str:
        return (self.directory / "results.csv").read_text(encoding="utf-8")

    def put_results(self, text: str) -> None:
        (self.directory / "results.csv").write_text(text, encoding="utf-8")

    def test_warm_ups_are_left_out_and_failures_kept(self) -> None:
        run = run_data.load(self.write([synthetic_run.cell(failures=2)]))
        self.assertEqual(len(run.rows), 5)
        self.assertEqual(len(run.failed), 2)
        self.assertEqual(run.failed.error.iloc[0], 'worker 3 died, "signal 11"')

    def test_identifiers_that_look_like_numbers_stay_text(self) -> None:
        run = run_data.load(self.write([synthetic_run.cell()]))
        self.assertEqual(run.rows.cell_id.iloc[0], "0" * 16)
        self.assertEqual(run.rows.seed.iloc[0], "18446744073709551557")

    def test_a_torn_last_line_is_no_row(self) -> None:
        self.write([synthetic_run.cell()])
        self.put_results(self.results()[:-20])
        self.assertEqual(len(run_data.load(self.directory).rows), 4)

    def test_a_foreign_header_is_refused_by_name(self) -> None:
        self.write([synthetic_run.cell()])
        self.put_results(self.results().replace("makespan_ns", "span", 1))
        with self.assertRaisesRegex(run_data.UnreadableRun, "results.csv: no column makespan_ns"):
            run_data.load(self.directory)

    def test_what_no_run_can_have_written_is_refused_with_line_column_and_value(self) -> None:
        for column, value, allowed in (
            ("schema_version", "3", "1 or 2"),
            ("makespan_ns", "-5", "a number, 0 or more"),
            ("submit_ns", "", "a number, 0 or more"),
            ("makespan_ns", "many", "a number, 0 or more"),
        ):
            self.write([synthetic_run.cell()])
            lines = self.results().splitlines()
            fields = lines[2].split(",")
            fields[schema.RESULTS.index(column)] = value
            lines[2] = ",".join(fields)
            self.put_results("\n".join(lines) + "\n")
            shown = "nan" if value == "" else value
            with self.assertRaisesRegex(
                run_data.UnreadableRun, f"results.csv:3: '{shown}(.0)?' in column {column}; allowed: {allowed}"
            ):
                run_data.load(self.directory)

    def test_a_device_a_pipe_and_a_huge_file_are_refused(self) -> None:
        results = self.directory / "results.csv"
        os.mkfifo(self.directory / "pipe")
        with open(self.directory / "huge", "wb") as file:
            file.truncate(10 << 30)
        for target, why in (("/dev/zero", "no regular file"), ("pipe", "no regular file"), ("huge", "at most 512 MiB")):
            results.symlink_to(target)
            with self.assertRaisesRegex(run_data.UnreadableRun, f"results.csv: .*{why}"):
                run_data.load(self.directory)
            results.unlink()

    def test_a_directory_without_results_is_refused(self) -> None:
        with self.assertRaisesRegex(run_data.UnreadableRun, "is .* the directory of a run"):
            run_data.load(self.directory)

    def test_a_header_alone_is_refused(self) -> None:
        self.put_results(",".join(schema.RESULTS) + "\n")
        with self.assertRaisesRegex(run_data.UnreadableRun, "no measured repetition"):
            run_data.load(self.directory)

    def test_rows_of_another_build_are_left_out_and_said(self) -> None:
        self.write([synthetic_run.cell()])
        header, _, rows = self.results().partition("\n")
        self.put_results(f"{header}\n{rows.replace(synthetic_run.BUILD_ID, 'cc' * 8)}{rows}")
        run = run_data.load(self.directory)
        self.assertEqual(set(run.rows.build_id), {synthetic_run.BUILD_ID})
        self.assertIn("5 rows of other builds", run.notes[0])

    def test_a_repetition_that_was_run_again_counts_once_as_it_ended_last(self) -> None:
        self.write([synthetic_run.cell(failures=1)])
        last = self.results().splitlines()[-1].split(",")
        last[schema.RESULTS.index("rep")] = "0"
        self.put_results(self.results() + ",".join(last) + "\n")
        run = run_data.load(self.directory)
        self.assertEqual(len(run.rows), 5)
        self.assertTrue(run.failed.empty)

    def test_missing_derived_files_are_said_and_leave_no_medians(self) -> None:
        run = run_data.load(self.write([synthetic_run.cell()], derived=False))
        self.assertTrue(run.cells().median_ns.isna().all())
        self.assertEqual(len(run.notes), 2)

    def test_the_machine_line_is_the_context_file_s(self) -> None:
        run = run_data.load(self.write([synthetic_run.cell()]))
        self.assertTrue(run.machine.startswith(synthetic_run.MACHINE_LINE))

    def test_without_the_context_file_the_footer_says_so(self) -> None:
        run = run_data.load(self.write([synthetic_run.cell()], context=False))
        self.assertIn("context file is not there", run.machine)

    def test_cases_that_differ_only_in_their_lists_of_durations_are_told_apart(self) -> None:
        cells = [
            synthetic_run.cell(distribution="explicit", tasks=3),
            synthetic_run.cell(distribution="explicit", tasks=3),
        ]
        run = run_data.load(self.write(cells))
        self.assertEqual(len(set(run.rows.scenario)), 2)

    def test_the_scenarios_are_those_of_the_derived_file(self) -> None:
        run = run_data.load(
            self.write([synthetic_run.cell(), synthetic_run.cell("process"), synthetic_run.cell(tasks=5)])
        )
        self.assertEqual(
            list(dict.fromkeys(run.rows.scenario)),
            ["sleep: 20 tasks of 10ms, no callbacks", "sleep: 5 tasks of 10ms, no callbacks"],
        )

    def test_a_summary_of_an_earlier_version_has_no_scenarios_and_is_read_all_the_same(self) -> None:
        cells = [
            synthetic_run.cell(),
            synthetic_run.cell("process"),
            synthetic_run.cell(distribution="explicit", tasks=3),
            synthetic_run.cell(distribution="explicit", tasks=3),
        ]
        path = self.write(cells) / "derived" / "summary.csv"
        with open(path, newline="", encoding="utf-8") as file:
            lines = [",".join(row[: -len(schema.SUMMARY_LATER)]) for row in csv.reader(file)]
        self.assertTrue(lines[0].endswith(",ratio_high"))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        run = run_data.load(self.directory)
        self.assertEqual(len(run.summary), 4)
        self.assertFalse(run.cells().median_ns.isna().any())
        self.assertEqual(len(set(run.rows.scenario)), 3)

    def test_quantities_for_people(self) -> None:
        self.assertEqual(
            [quantities.duration(ns).replace(quantities.NBSP, " ") for ns in (0, 999, 1500, 10**7, 1_234_567_890)],
            ["0 ns", "999 ns", "1.5 µs", "10 ms", "1.23 s"],
        )
        self.assertEqual(
            [quantities.size(count).replace(quantities.NBSP, " ") for count in (100, 65536, 2**30)],
            ["100 B", "64 KiB", "1 GiB"],
        )


if __name__ == "__main__":
    unittest.main()
