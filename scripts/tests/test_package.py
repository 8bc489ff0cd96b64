"""The package in scripts/poolbench: every module can be imported first, and imports lead from each room to those above
it only."""

import ast
import importlib
import os
import traceback
import unittest
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "poolbench"
ROOMS = ("data", "race", "plots", "report", "experiments")  # each knows itself and those before it


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room(module: str) -> str | None:
    return module.split(".")[1] if "." in module else None


def imported(source: str) -> Iterator[str]:
    """The modules of the package that the source imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in names]
        else:
            continue
        yield from (name for name in names if name in MODULES)


def imports_upwards(module: str, source: str) -> list[str]:
    """Those of its imports that lead to a room below its own."""
    return [name for name in imported(source) if room(name) and ROOMS.index(room(name)) > ROOMS.index(room(module))]


def imports_first(module: str) -> bool:
    """Whether a process that has imported nothing of the package can import it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            importlib.import_module(module)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class Package(unittest.TestCase):
    def test_its_rooms_are_these(self) -> None:
        self.assertEqual({room(module) for module in MODULES} - {None}, set(ROOMS))

    def test_every_module_can_be_imported_first(self) -> None:
        # Not the package's, so that each child need not pay for them.
        import matplotlib.figure  # noqa: F401
        import pandas  # noqa: F401

        for module in MODULES:
            with self.subTest(module):
                self.assertTrue(imports_first(module))

    def test_imports_lead_to_rooms_above_only(self) -> None:
        for module, path in MODULES.items():
            if room(module):
                self.assertEqual(imports_upwards(module, path.read_text(encoding="utf-8")), [], module)

    def test_an_import_of_a_room_below_is_found_also_in_a_function(self) -> None:
        source = "def draw():\n    from poolbench.plots import style\n    from poolbench.data import schema\n"
        self.assertEqual(imports_upwards("poolbench.race.table", source), ["poolbench.plots.style"])

    def test_no_imports_go_round_in_a_circle(self) -> None:
        graph = {module: set(imported(path.read_text(encoding="utf-8"))) for module, path in MODULES.items()}
        self.assertEqual(
            set(TopologicalSorter(graph).static_order()), set(MODULES)
        )  # raises CycleError, which names the circle


if __name__ == "__main__":
    unittest.main()
