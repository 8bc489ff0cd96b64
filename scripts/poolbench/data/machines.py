"""A directory that was merged from several machines: each machine's cells as cells of their own, so that every picture
has a facet per machine."""

import json
from pathlib import Path

import pandas as pd

from poolbench.data import text_files

RECORD = "merge.json"


def is_merged(directory: Path) -> bool:
    return (directory / RECORD).exists()


def nodes_of_runs(directory: Path) -> dict[str, str]:
    """The node that each run was on, by its id; runs of earlier versions have the hostname."""
    nodes = {}
    for path in sorted((directory / "context").glob("*.json")):
        try:
            context = json.loads(text_files.read(path))
        except (OSError, ValueError):
            continue
        environment = context["environment"]
        nodes[context["run_id"]] = environment.get("node") or environment["hostname"]
    return nodes


def name(cell_id: str, node: str) -> str:
    """What a cell is called that several machines measured."""
    return f"{cell_id}@{node}"


def rows_apart(rows: pd.DataFrame, nodes: dict[str, str], several: set[str]) -> pd.DataFrame:
    """The rows, those of cells in `several` under their machine's names, in scenarios of their own."""
    rows = rows.copy()
    node = rows.run_id.map(nodes).fillna("another machine")
    apart = rows.cell_id.isin(several)
    rows.loc[apart, "scenario"] = rows.scenario[apart] + ", on " + node[apart]
    rows.loc[apart, "cell_id"] = [name(cell, where) for cell, where in zip(rows.cell_id[apart], node[apart])]
    return rows


def summary_apart(summary: pd.DataFrame, machines: pd.DataFrame) -> pd.DataFrame:
    """A line per cell and machine where several measured it: of `machines`, whose columns are the summary's."""
    own = machines.assign(cell_id=[name(cell, where) for cell, where in zip(machines.cell_id, machines.machine)])
    own = own.reindex(columns=list(summary.columns))
    return pd.concat([summary[~summary.cell_id.isin(set(machines.cell_id))], own], ignore_index=True)


def model_apart(model: pd.DataFrame, machines: pd.DataFrame) -> pd.DataFrame:
    """The prediction of a cell is the same on each machine; how far off it was is not."""
    own = machines[["cell_id", "machine"]].merge(model, on="cell_id")
    own["cell_id"] = [name(cell, where) for cell, where in zip(own.cell_id, own.machine)]
    medians = dict(zip([name(c, m) for c, m in zip(machines.cell_id, machines.machine)], machines.median_ns))
    measured = own.cell_id.map(medians)
    for residual, predicted in (("residual_pct", "predicted_ns"), ("expected_residual_pct", "expected_ns")):
        own[residual] = 100 * (measured - own[predicted]) / own[predicted].where(own[predicted] > 0)
    own = own.drop(columns="machine")
    return pd.concat([model[~model.cell_id.isin(set(machines.cell_id))], own], ignore_index=True)
