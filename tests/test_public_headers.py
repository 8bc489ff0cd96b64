"""The check of the public face accepts a closed one and refuses each kind of opening."""

import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path
from typing import Any

import public_headers

COMPILER = os.environ.get("CXX", "c++")


class PublicHeaders(unittest.TestCase):
    def run_on(self, **files: str) -> Any:
        """Of a tree with these files below pools/; __ stands for / in a name, the extension is .h."""
        with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(io.StringIO()) as output:
            for name, text in {"src__guard": "#pragma once\n", **files}.items():
                path = Path(directory) / "pools" / (name.replace("__", "/") + ".h")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return public_headers.main([directory, "--compiler", COMPILER]), output.getvalue()

    def test_a_header_that_reaches_public_ones_and_the_standard_library_passes(self) -> None:
        self.assertEqual(
            self.run_on(
                include__pools__future='#pragma once\n#include <vector>\n#include "pools/detail/state.h"\n',
                include__pools__detail__state="#pragma once\n",
            )[0],
            0,
        )

    def test_a_header_that_names_an_internal_one_fails(self) -> None:
        code, output = self.run_on(include__pools__future='#include "pools/src/guard.h"\n')
        self.assertEqual(code, 1)
        self.assertIn("future.h: ", output)
        self.assertIn("pools/src/guard.h", output)

    def test_a_header_that_reaches_an_internal_one_by_another_way_fails(self) -> None:
        code, output = self.run_on(
            include__pools__future='#include "pools/detail/state.h"\n',
            include__pools__detail__state='#include "../../../src/guard.h"\n',
        )
        self.assertEqual(code, 1)
        self.assertIn("future.h: reaches pools/src/guard.h, which is not installed", output)

    def test_only_headers_of_process_pools_reach_their_libraries(self) -> None:
        library = {"include__cereal__cereal": ""}
        self.assertEqual(self.run_on(include__pools__remote='#include "cereal/cereal.h"\n', **library)[0], 0)
        code, output = self.run_on(include__pools__thread_pool='#include "cereal/cereal.h"\n', **library)
        self.assertEqual(code, 1)
        self.assertIn("which only process pools need", output)

    def test_a_tree_without_public_headers_is_an_error(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(self.run_on()[0], 2)


if __name__ == "__main__":
    unittest.main()
