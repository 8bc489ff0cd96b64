"""The include check finds each kind of violation: a check that cannot fail proves nothing."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import include_directions

GOOD = {
    "pools/future.h": "#pragma once\n#include <vector>\n",
    "pools/thread_pool.cpp": '#include "pools/future.h"\n#include <boost/process.hpp>\n',
    "workloads/work.h": "#include <string>\n",
    "harness/model/simulate.cpp": '#include "harness/model/simulate.h"\n#include <algorithm>\n',
    "harness/model/simulate.h": "#include <cstdint>\n",
    "harness/plan/suite.h": "#include <string>\n",
    "harness/cli/cli.h": "#include <string>\n",
    "harness/main.cpp": '#include "harness/cli/cli.h"\n',
    "harness/engine/backends/thread.cpp": '#include "pools/future.h"\n#include "workloads/work.h"\n',
}


class IncludeDirections(unittest.TestCase):
    def check(self, **changed):
        """The reasons found in GOOD with some files replaced; __ stands for / in a name, the extension is the last _."""
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            files = dict(GOOD)
            for name, text in changed.items():
                stem, _, extension = name.replace("__", "/").rpartition("_")
                files[f"{stem}.{extension}"] = text
            for name, text in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return [f"{name}:{line}: {why}" for name, line, _, why in include_directions.violations(root)]

    def assert_found(self, found, where, words):
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(where), found)
        self.assertIn(words, found[0])

    def test_a_tree_that_keeps_the_directions_has_no_violation(self):
        self.assertEqual(self.check(), [])

    def test_pools_may_not_include_workloads(self):
        self.assert_found(self.check(pools__future_h='#pragma once\n#include "workloads/work.h"\n'), "pools/future.h:2:",
                          "knows nothing of the rest")

    def test_pools_may_not_include_the_harness(self):
        self.assert_found(self.check(pools__future_h='#include "harness/plan/suite.h"\n'), "pools/future.h:1:", "knows nothing")

    def test_workloads_may_not_include_pools(self):
        self.assert_found(self.check(workloads__work_h='#include "pools/future.h"\n'), "workloads/work.h:1:", "knows no pool")

    def test_the_model_may_not_include_the_rest_of_the_harness(self):
        self.assert_found(self.check(harness__model__simulate_h='#include "harness/plan/suite.h"\n'), "harness/model/simulate.h:1:",
                          "lies below")

    def test_the_model_may_not_include_what_has_units(self):
        self.assert_found(self.check(harness__model__simulate_h='#include "harness/base/quantity.h"\n', harness__base__quantity_h=""),
                          "harness/model/simulate.h:1:", "numbers only")

    def test_the_model_may_not_include_a_library(self):
        self.assert_found(self.check(harness__model__simulate_h="#include <fmt/core.h>\n"), "harness/model/simulate.h:1:",
                          "standard library")

    def test_a_backend_may_not_include_a_suite(self):
        self.assert_found(self.check(harness__engine__backends__thread_cpp='#include "harness/plan/suite.h"\n'),
                          "harness/engine/backends/thread.cpp:1:", "engine/ lies below")

    def test_base_knows_nothing_of_poolbench(self):
        self.assert_found(self.check(harness__base__errors_h='#include "workloads/work.h"\n'), "harness/base/errors.h:1:",
                          "knows nothing of poolbench")

    def test_what_an_include_includes_in_turn_counts(self):
        found = self.check(pools__future_h='#include "examples/seam.h"\n', examples__seam_h='#include "harness/plan/suite.h"\n')
        self.assert_found(found, "pools/future.h:1:", "it leads to harness/plan/suite.h")

    def test_nobody_includes_a_test(self):
        self.assert_found(self.check(pools__future_h='#include "pools/tests/gate.h"\n', pools__tests__gate_h="#pragma once\n"),
                          "pools/future.h:1:", "tests and fuzz")

    def test_fuzz_targets_are_looked_at(self):
        self.assert_found(self.check(fuzz__wire_fuzz_cpp='#include "wire_types.h"\n'), "fuzz/wire_fuzz.cpp:1:", "from the root")

    def test_only_the_program_includes_the_command_line(self):
        self.assert_found(self.check(harness__plan__suite_h='#include "harness/cli/cli.h"\n'), "harness/plan/suite.h:1:", "plan/ lies below")

    def test_an_include_in_quotes_names_a_file_from_the_root(self):
        self.assert_found(self.check(pools__thread_pool_cpp='#include "future.h"\n'), "pools/thread_pool.cpp:1:", "from the root")

    def test_a_header_that_others_include_may_not_include_a_heavy_library(self):
        self.assert_found(self.check(pools__future_h="#include <boost/asio.hpp>\n", pools__wait_h='#include "pools/future.h"\n'),
                          "pools/future.h:1:", "slow to compile")

    def test_a_header_for_source_files_alone_may(self):
        self.assertEqual(self.check(pools__future_h="#include <boost/asio.hpp>\n"), [])

    def test_an_include_in_a_comment_is_none(self):
        self.assertEqual(self.check(pools__future_h='// #include "harness/plan/suite.h"\n/*\n#include "workloads/work.h"\n*/\n'), [])

    def test_what_looks_like_a_comment_in_a_string_hides_nothing(self):
        self.assert_found(self.check(pools__future_h='auto accept = "*/*";\n#include "harness/plan/suite.h"\n/* */\n'),
                          "pools/future.h:2:", "knows nothing")

    def test_the_command_line_fails_on_a_violation_and_on_an_empty_tree(self):
        with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(io.StringIO()), \
                contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(include_directions.main([directory]), 2)
            (Path(directory) / "pools").mkdir()
            source = Path(directory) / "pools" / "future.h"
            source.write_text("#include <vector>\n", encoding="utf-8")
            self.assertEqual(include_directions.main([directory]), 0)
            source.write_text('#include "harness/plan/suite.h"\n', encoding="utf-8")
            self.assertEqual(include_directions.main([directory]), 1)


if __name__ == "__main__":
    unittest.main()
