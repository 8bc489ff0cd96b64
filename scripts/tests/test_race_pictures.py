"""The pictures of the race, of synthetic rows."""

import contextlib
import io
import unittest
from pathlib import Path
from typing import Any

import plot
from poolbench.data import run_data
from poolbench.plots import race as pictures
from poolbench.plots import style
from poolbench.race import measurements
from tests import synthetic_race
from tests.with_directory import WithDirectory


class Pictures(WithDirectory):
    def draw(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        style.apply_defaults()
        figures = pictures.draw(
            measurements.Measurements(rows), {"cores": 2, "machine_line": synthetic_race.MACHINE_LINE}
        )
        for _, figure in figures:
            figure.draw_without_rendering()
        return dict(figures)

    def texts(self, figure: Any) -> str:
        return "\n".join(
            text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))
        ).replace("\n", " ")

    def test_both_are_written_as_png_and_svg(self) -> None:
        synthetic_race.write(self.directory, synthetic_race.rows(factors=(1, 1.1, 0.9)))
        with contextlib.redirect_stdout(io.StringIO()) as output:
            self.assertEqual(pictures.main([str(self.directory)]), 0)
        self.assertEqual(
            [Path(line).name for line in output.getvalue().splitlines()],
            [f"race-{name}.{suffix}" for name in ("threads", "processes") for suffix in ("png", "svg")],
        )

    def test_plot_py_draws_a_race_as_it_draws_a_run(self) -> None:
        synthetic_race.write(self.directory, synthetic_race.rows())
        with contextlib.redirect_stdout(io.StringIO()) as output:
            self.assertEqual(plot.main([str(self.directory), "-o", str(self.directory / "elsewhere")]), 0)
        self.assertEqual(
            [Path(line) for line in output.getvalue().splitlines()],
            [
                self.directory / f"elsewhere/race-{name}.{suffix}"
                for name in ("threads", "processes")
                for suffix in ("png", "svg")
            ],
        )

    def test_they_name_the_machine_everybody_and_the_side_run(self) -> None:
        figures = self.draw(synthetic_race.rows())
        for figure in figures.values():
            self.assertIn(synthetic_race.MACHINE_LINE, self.texts(figure))
        for word in (
            "thread_pool",
            "moodycamel",
            "openmp",
            "std_async",
            "dispenso (side run)",
            "detached (post), 4 producers",
            "with a future",
        ):
            self.assertIn(word, self.texts(figures["race-threads"]))
        for word in ("cpython_spawn", "loky", "1 MiB echoed", "12.2×"):
            self.assertIn(word, self.texts(figures["race-processes"]))

    def test_a_race_of_a_few_is_drawn_and_one_without_data_is_not(self) -> None:
        some = [row for row in synthetic_race.rows() if row["scenario"] == "future" and row["workers"] in (0, 2)]
        self.assertEqual(list(self.draw(some)), ["race-threads"])
        with self.assertRaises(run_data.Absent):
            self.draw([row for row in synthetic_race.rows() if row["scenario"] == "cpu"])

    def test_an_unreadable_directory_is_bad_usage(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            self.assertEqual(pictures.main([str(self.directory)]), 2)
        self.assertEqual(len(errors.getvalue().splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
