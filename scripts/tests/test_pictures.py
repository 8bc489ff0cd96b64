"""Every picture is drawn from small runs: failures, a single cell, one repetition, missing derived files."""

import contextlib
import importlib
import io
import json
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

import plot
from poolbench.data import run_data, schema
from poolbench.data.quantities import NBSP
from poolbench.plots import OF_ARRIVALS, PICTURES, prediction, style
from tests import synthetic_run
from tests.synthetic_run import cell
from tests.with_directory import WithDirectory

MS = 1_000_000
PNG = b"\x89PNG\r\n\x1a\n"


def texts(figure: Any) -> list[str]:
    """Everything that is written anywhere in a figure."""
    return [
        text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")) if text.get_visible()
    ]


class Pictures(WithDirectory):
    def setUp(self) -> None:
        super().setUp()
        style.apply_defaults()

    def write(self, cells: list[synthetic_run.Cell], **options: Any) -> Any:
        options.setdefault("traced", range(2))
        return synthetic_run.write(self.directory / "run", cells, **options)

    def run_driver(self, *arguments: str) -> tuple[int, str, str]:
        with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(io.StringIO()) as errors:
            code = plot.main([str(self.directory / "run"), *arguments])
        return code, output.getvalue(), errors.getvalue()

    def draw(self, name: str, laid_out: bool = True) -> Any:
        """The picture's figures; those that are not laid out have everything but the labels of their ticks."""
        run = run_data.load(self.directory / "run")
        figures = importlib.import_module(f"poolbench.plots.{name}").draw(run)
        for _, figure in figures if laid_out else ():
            figure.draw_without_rendering()
        return figures

    # A run that has something for every picture.
    FULL = [
        cell(backend, workers, "http_page", strategy, parsers, tasks=4, callback_ms=2, failures=failed)
        for backend in ("thread", "process")
        for workers in (1, 2)
        for strategy, parsers, failed in (("worker", 0, 0), ("main", 0, 1), ("extra", 2, 0), ("extra", 4, 5))
    ] + [*synthetic_run.arriving_cells(), cell("thread", 2)]

    def test_every_picture_is_drawn_as_png_and_svg_and_the_same_run_gives_the_same_bytes(self) -> None:
        self.write(self.FULL)
        code, output, errors = self.run_driver()
        self.assertEqual((code, errors), (0, ""))
        drawn = {path.name for path in (self.directory / "run" / "plots").iterdir()}
        for name in PICTURES:
            for suffix in ("png", "svg"):
                self.assertTrue(
                    any(file.startswith(name) and file.endswith(suffix) for file in drawn), f"{name}.{suffix}"
                )
        self.assertEqual(len(output.splitlines()), len(drawn))
        for path in (self.directory / "run" / "plots").iterdir():
            content = path.read_bytes()
            self.assertTrue(content.startswith(PNG) if path.suffix == ".png" else b"<svg" in content[:2000], path)
        self.run_driver("-o", str(self.directory / "again"))
        for name in drawn:
            first, again = (self.directory / folder / name for folder in ("run/plots", "again"))
            self.assertTrue(first.read_bytes() == again.read_bytes(), name)

    def test_only_the_pictures_asked_for_are_drawn(self) -> None:
        self.write(self.FULL)
        code, output, _ = self.run_driver("decision")
        self.assertEqual(code, 0)
        self.assertEqual([Path(line).name for line in output.splitlines()], ["decision.png", "decision.svg"])

    def test_an_unknown_picture_is_bad_usage(self) -> None:
        self.write(self.FULL)
        code, _, errors = self.run_driver("makespam")
        self.assertEqual(code, 2)
        self.assertIn("no picture 'makespam'; there are makespan,", errors)

    def test_an_unreadable_directory_is_bad_usage(self) -> None:
        code, _, errors = self.run_driver()
        self.assertEqual(code, 2)
        self.assertEqual(len(errors.splitlines()), 1)

    def test_every_picture_names_the_machine(self) -> None:
        self.write(self.FULL)
        for name in PICTURES:
            for _, figure in self.draw(name, laid_out=False):
                self.assertIn(synthetic_run.MACHINE_LINE, " ".join(texts(figure)).replace("\n", " "), name)

    def test_the_footer_says_how_many_repetitions_were_disturbed(self) -> None:
        self.write([cell(workers=1), cell(workers=2)])
        ((_, quiet),) = self.draw("makespan")
        self.assertNotIn("NOISY", " ".join(texts(quiet)))
        path = self.directory / "run" / "derived" / "summary.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        self.assertTrue(lines[1].endswith(",0"))
        path.write_text("\n".join([lines[0], lines[1][:-1] + "3", *lines[2:]]) + "\n", encoding="utf-8")
        ((_, noisy),) = self.draw("makespan")
        self.assertIn("disturbed 3 of 10 repetitions", " ".join(texts(noisy)).replace("\n", " "))

    def test_a_single_cell_draws_what_it_can_and_says_what_it_cannot(self) -> None:
        self.write([cell()])
        code, output, errors = self.run_driver()
        self.assertEqual(code, 0)
        self.assertIn("makespan.png", output)
        self.assertIn("timeline.png", output)
        for name in ("speedup", "ratio", "callbacks"):
            self.assertEqual(sum(f"{name} is skipped: " in line for line in errors.splitlines()), 1, errors)
            self.assertNotIn(f"{name}.png", output)

    def test_the_ratio_that_is_drawn_is_that_of_the_medians_between_what_both_intervals_allow(self) -> None:
        self.write([cell(workers=2), cell("process", 2)])
        run = run_data.load(self.directory / "run")
        cells = run.cells().set_index("backend")
        thread, process = cells.loc["thread"], cells.loc["process"]
        ((_, figure),) = self.draw("ratio")
        drawn = [tuple(line.get_xdata()) for axes in figure.axes for line in axes.lines]
        self.assertIn((process.median_ns / thread.median_ns,), drawn)
        whiskers = (process.ci_low_ns / thread.ci_high_ns, process.ci_high_ns / thread.ci_low_ns)
        self.assertIn(whiskers, drawn)
        self.assertLess(whiskers[0], whiskers[1])

    def test_one_repetition_is_enough(self) -> None:
        self.write(self.FULL[:1] + self.FULL[4:5] + self.FULL[8:9], repetitions=1)
        code, output, _ = self.run_driver()
        self.assertEqual(code, 0)
        for name in ("makespan", "speedup", "ratio", "decision", "model_fit", "cost", "timeline"):
            self.assertIn(f"{name}.png", output)

    def test_without_derived_files_the_repetitions_are_drawn_and_the_rest_is_said(self) -> None:
        self.write(self.FULL, derived=False)
        code, output, errors = self.run_driver()
        self.assertEqual(code, 0)
        for name in ("makespan", "callbacks", "cost", "timeline"):
            self.assertIn(f"/{name}", output)
        for name in ("speedup", "ratio", "decision", "model_fit"):
            self.assertIn(f"{name} is skipped: ", errors)
        self.assertIn("derived/summary.csv is not there", errors)

    def test_claims_stand_as_far_from_their_formula_as_they_are_in_tolerances(self) -> None:
        self.write([cell()])
        ((_, figure),) = self.draw("claims")
        drawn = [tuple(line.get_xdata()) for axes in figure.axes for line in axes.lines]
        for wanted in ((0.1,), (12.0,), (-24.0,), (0.0, 0.2), (11.9, 12.1)):
            self.assertTrue(
                any(len(x) == len(wanted) and max(abs(a - b) for a, b in zip(x, wanted)) < 1e-9 for x in drawn)
            )
        self.assertIn("240 ms, 360 ms", " ".join(texts(figure)).replace("\u00a0", " "))

    def test_workloads_of_one_cell_are_no_decision_and_the_largest_difference_comes_first(self) -> None:
        self.write(
            [cell(workers=1), cell(workers=2), cell(workload="hash")]
            + [cell(backend, 2, "spin") for backend in ("thread", "process")]
        )
        ((_, figure),) = self.draw("decision")
        written = " ".join(texts(figure)).replace("\n", " ")
        self.assertNotIn("hash", written)
        self.assertLess(written.index("sleep"), written.index("spin"))

    def test_the_cost_of_many_workloads_is_that_of_those_that_differ_most(self) -> None:
        self.write([cell(workers=workers, tasks=tasks) for tasks in range(2, 20) for workers in (1, 2)], traced=())
        figures = self.draw("cost")
        self.assertEqual([name for name, _ in figures], ["cost-1", "cost-2", "cost-3", "cost-4"])
        self.assertIn("16 of 18 workloads", " ".join(texts(figures[0][1])).replace("\n", " "))

    def test_a_logarithmic_axis_says_so(self) -> None:
        self.write(self.FULL)
        self.assertIn("log", texts(self.draw("cost")[0][1]))
        self.assertIn("workers (log scale)", texts(self.draw("makespan")[0][1]))

    def test_a_prediction_is_drawn_task_by_task_and_a_sweep_as_a_line(self) -> None:
        task = {"start_ns": 0, "finish_ns": 50 * MS, "callback_start_ns": 50 * MS, "callback_finish_ns": 60 * MS}
        queued = {"start_ns": 50 * MS, "finish_ns": 100 * MS, "callback_start_ns": None, "callback_finish_ns": None}
        document = {
            "case": {"backend": "process"},
            "formula": "t + c",
            "makespan_ns": 100 * MS,
            "tasks": [task, queued],
        }
        ((_, figure),) = prediction.draw(document)
        bars = [(round(bar.get_x(), 6), round(bar.get_width(), 6)) for bar in figure.axes[0].patches]
        self.assertEqual(bars, [(0, 50), (50, 10), (50, 50)])
        self.assertIn("t + c", " ".join(texts(figure)))
        points = [{"workers": k, "parsers": 0, "makespan_ns": 120 * MS // k} for k in (1, 2, 3)]
        ((_, figure),) = prediction.draw({"sweep": points, "best": 2})
        self.assertEqual(tuple(figure.axes[0].lines[0].get_ydata()), (120, 60, 40))
        self.assertIn("workers = 3", " ".join(texts(figure)))
        others: list[dict[str, Any]] = [{"sweep": [], "best": 0}, {"tasks": [1]}, {}]
        for broken in others:
            with self.assertRaises(prediction.UnreadablePrediction):
                prediction.draw(broken)

    def test_a_file_that_is_no_prediction_is_bad_usage(self) -> None:
        path = self.directory / "prediction.json"
        path.write_text("[1]", encoding="utf-8")
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            self.assertEqual(prediction.main([str(path)]), 2)
        self.assertIn("prediction.json", errors.getvalue())

    def test_plot_py_takes_the_cell_of_the_timeline(self) -> None:
        self.write(self.FULL)
        code, output, _ = self.run_driver("--cell", "0" * 16, "--rep", "2")
        self.assertEqual(code, 0)
        self.assertEqual([Path(line).name for line in output.splitlines()], ["timeline.png", "timeline.svg"])

    def test_latency_has_the_percentiles_with_their_intervals_and_the_model(self) -> None:
        self.write(synthetic_run.arriving_cells())
        cells = run_data.load(self.directory / "run").arriving_cells()
        cells = cells[(cells.backend == "process") & (cells.workers == 2)]
        self.assertEqual(len(cells), 3)
        ((_, figure),) = self.draw("latency")
        lines = [tuple(line.get_ydata()) for axes in figure.axes for line in axes.lines]
        for column in ("p99_ns", "p50_ns", "p99_low_ns", "p99_high_ns", "predicted_p99_ns"):
            wanted = [round(value / 1e6, 6) for value in cells[column]]
            self.assertTrue(any([round(float(value), 6) for value in y] == wanted for y in lines), column)

    def test_closed_and_open_has_both_and_the_factor_between_them(self) -> None:
        self.write([*synthetic_run.arriving_cells(), cell("thread", 2), cell("thread", 8)])
        run = run_data.load(self.directory / "run")
        loop = run.closed_cells()
        self.assertEqual(list(loop.workers), [2])  # on eight workers nobody arrives
        opened = run.arriving_cells()
        opened = opened[(opened.backend == "thread") & (opened.workers == 2) & (opened.when_full != "reject")]
        ((_, figure),) = self.draw("closed_open")
        (panel,) = figure.axes
        heights = [round(float(line.get_ydata()[0]), 6) for line in panel.lines if len(line.get_ydata()) == 1]
        for value in (loop.p99_ns[0], loop.predicted_p99_ns[0], opened.p99_ns.max(), opened.predicted_p99_ns.max()):
            self.assertIn(round(value / 1e6, 6), heights)
        self.assertIn(f"×{style.plain(round(opened.p99_ns.max() / loop.p99_ns[0], 1))}", texts(figure))

    def test_rules_are_drawn_with_their_intervals_and_what_misses_the_bound_at_the_edge(self) -> None:
        self.write([cell()])
        ((_, figure),) = self.draw("rules")
        batch, rate = figure.axes
        drawn = [tuple(round(float(x), 6) for x in line.get_xdata()) for line in batch.lines]
        for wanted in ((1.8,), (1.72, 1.88), (8.8,), (0.99, 1.07)):
            self.assertIn(wanted, drawn)
        self.assertEqual([line.get_marker() for line in batch.lines].count("X"), 0)
        self.assertEqual([line.get_marker() for line in rate.lines].count("X"), 1)
        hollow = [line for line in batch.lines if line.get_markerfacecolor() == "white"]
        self.assertEqual(len(hollow), 3)  # what cannot be told apart
        self.assertLessEqual({"processes: cores", "anyio: 40", "W/C = 39"}, set(texts(figure)))

    def test_a_full_queue_that_turns_clients_away_is_in_the_goodput_only(self) -> None:
        self.write(synthetic_run.arriving_cells())
        ((_, goodput),) = self.draw("goodput")
        self.assertLessEqual({"block", "reject", "caller_runs"}, set(texts(goodput)))
        turned_away = [each for each in synthetic_run.arriving_cells() if each["factors"].get("queue")]
        self.write([each for each in turned_away if each["factors"]["when_full"] == "reject"])
        with self.assertRaisesRegex(run_data.Absent, "two rates of arrivals"):
            self.draw("latency")

    def test_goodput_is_of_clients_who_were_served_in_time(self) -> None:
        self.write(
            [
                cell(workers=2, tasks=40, deadline_ns=200_000_000, **synthetic_run.arrivals(120)),
                cell(workers=2, tasks=40, deadline_ns=200_000_000, **synthetic_run.arrivals(60)),
            ]
        )
        ((_, latency),) = self.draw("latency")
        self.assertIn("deadline", texts(latency))
        self.assertIn([200, 200], [list(line.get_ydata()) for line in latency.axes[0].lines])
        ((_, figure),) = self.draw("goodput")
        (panel,) = figure.axes
        self.assertIn((45.0, 90.0), [tuple(map(float, line.get_ydata())) for line in panel.lines])  # 150 of 200

    def test_where_all_tasks_arrive_the_pictures_of_batches_are_skipped(self) -> None:
        self.write(synthetic_run.arriving_cells(), traced=())
        code, output, errors = self.run_driver()
        self.assertEqual(code, 0)
        self.assertIn("/latency.png", output)
        self.assertIn("/latency_workers.png", output)
        self.assertIn("makespan is skipped: its tasks come over time", errors)

    def recommended(self, strategies: tuple[str, ...] = ("none",)) -> None:
        """What `recommend -o` leaves: a curve over both pools, of which some was run."""
        self.write([cell(), cell(workers=4), cell("process", 2)], traced=())
        lines = [",".join(schema.CURVE)]
        for strategy in strategies:
            for backend in ("thread", "process"):
                for workers in (1, 2, 4, 10, 20):
                    predicted = 400_000_000 // workers + 10_000_000 * (backend == "process")
                    run = f"{predicted},{predicted - 1_000_000},{predicted + 2_000_000},9" if workers > 2 else ",,,0"
                    chosen = int((backend, workers, strategy) == ("thread", 10, strategies[0]))
                    lines.append(f"{backend},{workers},{strategy},0,0,40,{predicted},{run},{chosen}")
        directory = self.directory / "run"
        (directory / "derived" / "curve.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        answer = {"work": "./convert {} $HOME $x", "cores": 2, "thread": {"knee": 8.5}, "process": {"knee": None}}
        (directory / "recommendation.json").write_text(json.dumps(answer), encoding="utf-8")

    def test_the_curve_of_a_recommendation_has_prediction_runs_knee_and_choice(self) -> None:
        self.recommended()
        code, output, errors = self.run_driver("curve")
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual([Path(line).name for line in output.splitlines()], ["curve.png", "curve.svg"])
        ((_, figure),) = self.draw("curve")
        (panel,) = figure.axes
        lines = [tuple(map(float, line.get_xdata())) for line in panel.lines]
        self.assertIn((1, 2, 4, 10, 20), lines)  # predicted
        self.assertIn((4, 10, 20), lines)  # run
        self.assertIn((8.5, 8.5), lines)  # the knee, of threads alone
        self.assertIn((10,), lines)  # the choice
        ring = next(line for line in panel.lines if tuple(line.get_xdata()) == (10,))
        self.assertEqual(tuple(ring.get_ydata()), (40.0,))
        self.assertIn("./convert {} $HOME $x", " ".join(texts(figure)))

    def test_the_curve_has_a_panel_per_strategy(self) -> None:
        self.recommended(("worker", "main", "extra"))
        ((_, figure),) = self.draw("curve")
        self.assertEqual(sum(panel.get_visible() for panel in figure.axes), 3)
        _, output, _ = self.run_driver()
        self.assertIn("/curve.png", output)

    def test_a_sweep_has_no_curve(self) -> None:
        self.write([cell()])
        with self.assertRaisesRegex(run_data.Absent, "recommend -o"):
            self.draw("curve")
        with mock.patch.object(style, "save", return_value=[]):
            _, _, errors = self.run_driver()
        self.assertIn("speedup is skipped", errors)
        self.assertNotIn("curve", errors)

    def test_work_of_one_s_own_is_drawn_under_its_name(self) -> None:
        own: dict[str, Any] = {"inputs": "urls.txt", "callback_workload": "command:jq $x.$y", "task_ms": 0}
        cells = [
            cell(backend, 2, "command:curl -s $a$ {}", strategy, tasks=3, **own)
            for backend in ("thread", "process")
            for strategy in ("worker", "main")
        ]
        self.write(cells, derived=False, traced=())
        written = " ".join(text for _, figure in self.draw("callbacks") for text in texts(figure))
        written = " ".join(written.replace(NBSP, " ").split())
        self.assertIn("command:curl -s $a$ {}: 3 tasks over urls.txt, then command:jq $x.$y", written)

    def test_batches_have_no_picture_of_arrivals(self) -> None:
        self.write([cell(), cell(workers=4)])
        for name in OF_ARRIVALS:
            with self.assertRaises(run_data.Absent):
                self.draw(name)

    def test_without_a_trace_only_the_timeline_is_skipped(self) -> None:
        self.write(self.FULL, traced=())
        _, _, errors = self.run_driver()
        self.assertEqual(
            errors.splitlines(), ["plot.py: timeline is skipped: the timeline needs a traced run (tasks/<run_id>.csv)"]
        )

    def test_failed_repetitions_are_drawn_as_failed(self) -> None:
        self.write([cell(workers=1), cell(workers=2, failures=2), cell("process", 1), cell("process", 2, failures=5)])
        for name, words in (
            ("makespan", ("2/5", "5/5", "failed repetitions")),
            ("speedup", ("2/5", "5/5")),
            ("decision", ("2/5 failed", "failed")),
            ("cost", ("failed:",)),
            ("ratio", ("failed: thread 2/5",)),
            ("model_fit", ("with failed repetitions",)),
        ):
            written = "\n".join(text for _, figure in self.draw(name) for text in texts(figure)).replace("\n", " ")
            for word in words:
                self.assertIn(word, written, name)

    def test_failed_callback_cells_are_drawn_as_failed(self) -> None:
        self.write([cell(strategy="main", callback_ms=2, failures=3), cell(strategy="worker", callback_ms=2)])
        self.assertIn("3/5", [text for _, figure in self.draw("callbacks") for text in texts(figure)])

    def test_a_run_in_which_everything_failed_is_drawn(self) -> None:
        self.write([cell(failures=5), cell("process", failures=5)])
        code, output, _ = self.run_driver()
        self.assertEqual(code, 0)
        self.assertIn("makespan.png", output)
        self.assertIn("decision.png", output)

    def test_the_best_and_its_ties_are_framed_and_nothing_else(self) -> None:
        self.write([cell(workers=1), cell(workers=10), cell("process", 10)])
        ((_, figure),) = self.draw("decision")
        frames = [patch for panel in figure.axes for patch in panel.patches if not patch.get_fill()]
        self.assertEqual(len(frames), 2)

    def test_a_backend_the_scripts_do_not_know_gets_a_look_of_its_own(self) -> None:
        looks = style.backends(["thread", "process", "asio", "onetbb"])
        self.assertEqual(len({(look.colour, look.marker) for look in looks.values()}), 4)

    def test_large_runs_are_spread_over_pages(self) -> None:
        self.write(
            [
                cell(backend, workers, workload, strategy)
                for strategy in ("worker", "main")
                for workload in ("sleep", "spin", "mixed", "sort", "hash", "tcp_echo", "file_io")
                for backend in ("thread", "process")
                for workers in (1, 2)
            ],
            traced=(),
        )
        self.assertEqual([name for name, _ in self.draw("makespan")], ["makespan-1", "makespan-2"])

    def test_text_stays_inside_the_picture(self) -> None:
        self.write(synthetic_run.default_cells(), traced=range(30, 32))
        for name in PICTURES:
            for file, figure in self.draw(name):
                renderer = FigureCanvasAgg(figure).get_renderer()
                frame = figure.bbox
                for panel in figure.axes:
                    if not panel.get_visible():
                        continue
                    for text in [
                        *panel.texts,
                        panel.title,
                        panel._left_title,
                        panel.xaxis.label,
                        panel.yaxis.label,
                        *panel.get_yticklabels(),
                    ]:
                        drawn = text.get_text() and text.get_visible() and text.figure is not None
                        if not drawn or (text in panel.get_yticklabels() and not self.in_view(panel, text)):
                            continue
                        box = text.get_window_extent(renderer)
                        self.assertTrue(
                            frame.x0 - 1 <= box.x0
                            and box.x1 <= frame.x1 + 1
                            and frame.y0 - 1 <= box.y0
                            and box.y1 <= frame.y1 + 1,
                            f"{file}: '{text.get_text()}' is cut off",
                        )

    @staticmethod
    def in_view(panel: Axes, label: Any) -> bool:
        """Whether a tick label belongs to a place on the axis: the others are kept but not drawn."""
        low, high = sorted(panel.get_ylim())
        return bool(low <= label.get_position()[1] <= high)

    def test_the_timeline_of_a_chosen_cell_and_repetition(self) -> None:
        from poolbench.plots import timeline

        self.write(self.FULL[:2])
        with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(io.StringIO()) as errors:
            good = timeline.main([str(self.directory / "run"), "--cell", "0" * 16, "--rep", "2"])
            unknown = timeline.main([str(self.directory / "run"), "--cell", "nonsense"])
        self.assertEqual((good, unknown), (0, 1))
        self.assertIn("timeline.svg", output.getvalue())
        self.assertIn("no trace of the cell nonsense", errors.getvalue())


if __name__ == "__main__":
    unittest.main()
