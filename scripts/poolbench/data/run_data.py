"""A run directory, read: results.csv, tasks/, context/ and derived/, and nothing else."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from poolbench.data import machines, scenarios, schema, text_files


class UnreadableRun(Exception):
    """The directory is not one that `poolbench run` left; the message says what is wrong with which file."""


class Absent(Exception):
    """A picture's data are not in this run; the message says which."""


@dataclass
class RunData:
    """Everything the pictures are drawn from.

    `rows` are the measured repetitions (no warm-ups), failed ones included, of the last machine and build in the file;
    a directory that several builds wrote into holds several experiments, and one picture shows one. They are those of
    batches; `arriving` are those whose tasks come over time. `summary`, `model`, `latency`, `closed_loop`, `rules`,
    `claims` and `tasks` are empty tables when their files are not there.
    """

    directory: Path
    rows: pd.DataFrame
    summary: pd.DataFrame
    model: pd.DataFrame
    tasks: pd.DataFrame
    machine: str
    arriving: pd.DataFrame
    latency: pd.DataFrame
    closed_loop: pd.DataFrame
    rules: pd.DataFrame
    claims: pd.DataFrame
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> pd.DataFrame:
        return self.rows[self.rows.status == schema.STATUS_OK]

    @property
    def failed(self) -> pd.DataFrame:
        return self.rows[self.rows.status != schema.STATUS_OK]

    def cells(self) -> pd.DataFrame:
        """One row per cell: its factors, scenario, number of failures, and what derived/ says of it (NaN without)."""
        groups = self.rows.groupby("cell_id", sort=False)
        cells = groups.first()[list(schema.FACTORS) + ["scenario"]]
        cells["repetitions"] = groups.size()
        cells["failures"] = groups.status.agg(lambda status: int((status != schema.STATUS_OK).sum()))
        for table, columns in ((self.summary, SUMMARY_USED), (self.model, MODEL_USED)):
            indexed = table.drop_duplicates("cell_id", keep="last").set_index("cell_id")
            cells = cells.join(indexed.reindex(columns=list(columns)))
        cells["tied"] = (cells.best == 1) | (cells.ties == 1)
        return cells.sort_values(list(ORDER), kind="stable").reset_index()

    def arriving_cells(self) -> pd.DataFrame:
        """The same of cells whose tasks arrive: factors, `work` (without arrivals and number) and the columns of
        derived/latency.csv (NaN without). Those of which nothing was measured are not in it."""
        return _with_table(self.arriving, self.latency, schema.LATENCY, [*ORDER, "offered_per_s", "queue"])

    def closed_cells(self) -> pd.DataFrame:
        """The same of the batches that derived/closed_loop.csv has, with its columns: empty without it."""
        return _with_table(self.rows, self.closed_loop, schema.CLOSED_LOOP, list(ORDER))


SUMMARY_USED = ("n", "median_ns", "ci_low_ns", "ci_high_ns", "best", "ties", "ratio")
MODEL_USED = ("predicted_ns", "residual_pct", "basis", "expected_ns", "expected_residual_pct")

ORDER = (
    "workload",
    "tasks",
    "task_ns",
    "callback_ns",
    "distribution",
    "payload_bytes",
    "strategy",
    "chunksize",
    "parsers",
    "backend",
    "workers",
)


def load(directory: Path | str) -> RunData:
    """Reads a run directory. Raises UnreadableRun."""
    directory = Path(directory)
    rows = _read(directory / "results.csv", schema.RESULTS, schema.RESULTS_TEXT, tuple(schema.RESULTS_LATER))
    if rows is None:
        raise UnreadableRun(f"{directory}/results.csv does not exist: is {directory} the directory of a run?")
    rows = rows.assign(**{name: value for name, value in schema.RESULTS_LATER.items() if name not in rows})
    _refuse_what_no_run_writes(directory / "results.csv", rows)
    notes = []
    rows = rows[rows.is_warmup == 0]
    if rows.empty:
        raise UnreadableRun(f"{directory}/results.csv holds no measured repetition (warm-ups do not count)")
    last = rows.iloc[-1]
    merged = machines.is_merged(directory)
    current = ((rows.machine_id == last.machine_id) | merged) & (rows.build_id == last.build_id)
    if not current.all():
        notes.append(
            f"{(~current).sum()} rows of other builds or machines are left out; drawn is build {last.build_id} on "
            f"machine {last.machine_id}"
        )
        rows = rows[current]
    # A repetition that was run again (after a failure, say) counts once, as it ended last.
    nodes = machines.nodes_of_runs(directory) if merged else {}
    rows["node"] = rows.run_id.map(nodes).fillna("")
    rows = rows.drop_duplicates(["cell_id", "rep", "machine_id", "node"], keep="last").reset_index(drop=True)

    derived = directory / "derived"
    summary = _read(derived / "summary.csv", schema.SUMMARY, schema.SUMMARY_TEXT, schema.SUMMARY_LATER)
    model = _read(derived / "model.csv", schema.MODEL, schema.MODEL_TEXT)
    latency = _read(derived / "latency.csv", schema.LATENCY, schema.LATENCY_TEXT, schema.LATENCY_LATER)
    closed_loop = _read(derived / "closed_loop.csv", schema.CLOSED_LOOP, schema.CLOSED_LOOP_TEXT)
    rules = _read(derived / "rules.csv", schema.RULES, schema.RULES_TEXT)
    claims = _read(derived / "claims.csv", schema.CLAIMS, schema.CLAIMS_TEXT)
    for name, table in (("summary.csv", summary), ("model.csv", model)):
        if table is None:
            notes.append(f"derived/{name} is not there: what it holds is not drawn")
    rows["scenario"] = scenarios.of(rows, summary)
    each = _read(derived / "machines.csv", schema.MACHINES, schema.MACHINES_TEXT) if merged else None
    if each is not None and not each.empty:
        rows = machines.rows_apart(rows, nodes, set(each.cell_id))
        summary = None if summary is None else machines.summary_apart(summary, each)
        model = None if model is None else machines.model_apart(model, each)
    batch = rows.arrivals == schema.CLOSED
    machine = _machines_line(nodes) if len(set(nodes.values())) > 1 else _machine_line(directory / "context", rows)
    return RunData(
        directory=directory,
        rows=rows[batch].reset_index(drop=True),
        summary=_or_empty(summary, schema.SUMMARY),
        model=_or_empty(model, schema.MODEL),
        tasks=_tasks(directory / "tasks"),
        machine=machine + _disturbed(summary, len(rows)),
        arriving=rows[~batch].reset_index(drop=True),
        latency=_or_empty(latency, schema.LATENCY),
        closed_loop=_or_empty(closed_loop, schema.CLOSED_LOOP),
        rules=_or_empty(rules, schema.RULES),
        claims=_or_empty(claims, schema.CLAIMS),
        notes=notes,
    )


def curve(directory: Path) -> pd.DataFrame | None:
    """derived/curve.csv of a recommendation; None where there is none. Raises UnreadableRun."""
    return _read(directory / "derived" / "curve.csv", schema.CURVE, schema.CURVE_TEXT)


def _or_empty(table: pd.DataFrame | None, columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns)) if table is None else table


def _read(path: Path, columns: Sequence[str], text: Sequence[str], later: Sequence[str] = ()) -> pd.DataFrame | None:
    """The complete lines of a CSV file, or None if it does not exist. Raises UnreadableRun for a foreign header.

    `later` are those of the columns that files of earlier versions do not have.
    """
    try:
        content = text_files.read(path).replace("\r\n", "\n")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableRun(f"{path}: {error}") from error
    content = content[: content.rfind("\n") + 1]  # a last line that was torn by a full disk or a kill is no row
    header = content.partition("\n")[0].split(",")
    missing = [column for column in columns if column not in header and column not in later]
    if missing:
        raise UnreadableRun(f"{path}: no column {', '.join(missing)}; it was not written by this version of poolbench")
    try:
        # Empty text is empty text; an empty number is NaN.
        numbers = {column: [""] for column in header if column not in text}
        return pd.read_csv(
            io.StringIO(content),
            dtype={column: str for column in text if column in header},
            keep_default_na=False,
            na_values=numbers,
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise UnreadableRun(f"{path}: {error}") from error


def _refuse_what_no_run_writes(path: Path, rows: pd.DataFrame) -> None:
    """Raises UnreadableRun with file, line, column and value, as the program does when it reads such a file."""
    versions = " or ".join(map(str, schema.SCHEMA_VERSIONS))
    wrong = [(~rows.schema_version.isin(schema.SCHEMA_VERSIONS), "schema_version", versions)]
    wrong += [
        (~(pd.to_numeric(rows[column], errors="coerce") >= 0), column, "a number, 0 or more") for column in schema.TIMES
    ]
    for mask, column, allowed in wrong:
        if mask.any():
            row = int(mask.to_numpy().argmax())
            raise UnreadableRun(f"{path}:{row + 2}: '{rows[column].iloc[row]}' in column {column}; allowed: {allowed}")


def _tasks(directory: Path) -> pd.DataFrame:
    found = [
        _read(path, schema.TASKS, schema.TASKS_TEXT, schema.TASKS_LATER) for path in sorted(directory.glob("*.csv"))
    ]
    tables = [table for table in found if table is not None and not table.empty]
    if not tables:
        return pd.DataFrame(columns=list(schema.TASKS))
    tasks = pd.concat(tables, ignore_index=True).drop_duplicates(["cell_id", "rep", "task"], keep="last")
    tasks = tasks[tasks.started_ns.notna()]  # one that was rejected never began
    return tasks.astype({"worker": int, "pid": int, "tid": int}).reset_index(drop=True)


def _with_table(rows: pd.DataFrame, table: pd.DataFrame, columns: tuple[str, ...], order: list[str]) -> pd.DataFrame:
    """The cells of the rows that the derived table has, with `work` (without their number) and its columns."""
    cells = rows.groupby("cell_id", sort=False).first()[list(schema.FACTORS)]
    cells["work"] = [scenarios.work(row, counted=False) for row in cells.itertuples()]
    indexed = table.drop_duplicates("cell_id", keep="last").set_index("cell_id")
    cells = cells.join(indexed.reindex(columns=list(columns[1:])), how="inner")
    return cells.sort_values(order, kind="stable").reset_index()


def _disturbed(summary: pd.DataFrame | None, repetitions: int) -> str:
    """For the footer: how many repetitions were no quiet machine's."""
    if summary is None or "disturbed" not in summary or not summary.disturbed.sum() > 0:
        return ""
    return (
        f"; NOISY: other programs or a quota disturbed {int(summary.disturbed.sum())} of {repetitions} repetitions "
        "(`poolbench show` says which)"
    )


def _machines_line(nodes: dict[str, str]) -> str:
    """Of a merged directory, for the footer."""
    names = sorted(set(nodes.values()))
    return f"{len(names)} machines: {', '.join(names)}"


def _machine_line(directory: Path, rows: pd.DataFrame) -> str:
    """What the context file of the last run says of the machine, for the footer."""
    run_id = rows.run_id.iloc[-1]
    try:
        context = json.loads(text_files.read(directory / f"{run_id}.json"))
    except (OSError, ValueError):
        return f"machine {rows.machine_id.iloc[-1]}, run {run_id} (its context file is not there)"
    return f"{context['machine_line']}, run {run_id}"
