"""The include check finds each kind of violation: a check that cannot fail proves nothing."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from typing import Any

import include_directions

GOOD = {
    "pools/include/pools/future.h": "#pragma once\n#include <vector>\n",
    "pools/include/pools/thread_pool.h": '#include "pools/future.h"\n#include "pools/detail/state.h"\n',
    "pools/include/pools/detail/state.h": '#include "pools/errors.h"\n',
    "pools/include/pools/errors.h": "#include <string>\n",
    "pools/src/base/futex.h": '#include "pools/errors.h"\n',
    "pools/src/future/callbacks.h": '#include "pools/src/base/futex.h"\n',
    "pools/src/thread/thread_pool.cpp": (
        '#include "pools/thread_pool.h"\n#include "pools/src/future/callbacks.h"\n#include <boost/process.hpp>\n'
    ),
    "os/descriptor.h": "#include <utility>\n",
    "pools/src/process/os/spawn.h": '#include "pools/src/base/futex.h"\n',
    "pools/src/process/os/spawn.cpp": '#include "os/descriptor.h"\n#include "pools/src/process/os/spawn.h"\n',
    "pools/src/process/ipc/channel.h": '#include "pools/src/process/os/spawn.h"\n',
    "pools/src/process/core.h": '#include "pools/src/process/ipc/channel.h"\n#include "pools/src/future/callbacks.h"\n',
    "workloads/work.h": "#include <string>\n",
    "workloads/command.cpp": '#include "os/descriptor.h"\n',
    "harness/base/read_file.cpp": '#include "os/descriptor.h"\n',
    "harness/model/simulate.cpp": '#include "harness/model/simulate.h"\n#include <algorithm>\n',
    "harness/model/simulate.h": "#include <cstdint>\n",
    "harness/plan/suite.h": "#include <string>\n",
    "harness/cli/cli.h": "#include <string>\n",
    "harness/main.cpp": '#include "harness/cli/cli.h"\n',
    "harness/engine/backends/thread.cpp": '#include "pools/future.h"\n#include "workloads/work.h"\n',
}


class IncludeDirections(unittest.TestCase):
    def check(self, **changed: str) -> Any:
        """The reasons found in GOOD with some files replaced; __ stands for / in a name, the extension is the last
        _."""
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

    def assert_found(self, found: Any, where: Any, words: Any) -> None:
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(where), found)
        self.assertIn(words, found[0])

    def test_a_tree_that_keeps_the_directions_has_no_violation(self) -> None:
        self.assertEqual(self.check(), [])

    def test_a_public_header_reaches_nothing_inside(self) -> None:
        self.assert_found(
            self.check(
                pools__include__pools__errors_h='#include "pools/src/base/clock.h"\n', pools__src__base__clock_h=""
            ),
            "pools/include/pools/errors.h:1:",
            "nothing outside pools/include",
        )

    def test_a_public_header_has_one_name(self) -> None:
        self.assert_found(
            self.check(pools__include__pools__future_h='#include "pools/include/pools/errors.h"\n'),
            "pools/include/pools/future.h:1:",
            "from pools/include, and names a file",
        )

    def test_what_public_headers_need_knows_no_pool(self) -> None:
        found = self.check(pools__include__pools__detail__task_h='#include "pools/thread_pool.h"\n')
        self.assertTrue(found)
        self.assertIn("pools/include/pools/detail/task.h:1: what public headers need knows no pool", found[0])

    def test_the_base_of_pools_may_not_include_futures(self) -> None:
        self.assert_found(
            self.check(pools__src__base__clock_h='#include "pools/src/future/callbacks.h"\n'),
            "pools/src/base/clock.h:1:",
            "src/base lies below",
        )

    def test_futures_may_not_include_a_pool(self) -> None:
        self.assert_found(
            self.check(
                pools__src__future__state_cpp='#include "pools/src/thread/dispatch.h"\n',
                pools__src__thread__dispatch_h="",
            ),
            "pools/src/future/state.cpp:1:",
            "src/future lies below",
        )

    def test_the_two_pools_do_not_know_each_other(self) -> None:
        self.assert_found(
            self.check(
                pools__src__thread__dispatch_h='#include "pools/src/process/words.h"\n', pools__src__process__words_h=""
            ),
            "pools/src/thread/dispatch.h:1:",
            "knows no process pool",
        )
        self.assert_found(
            self.check(
                pools__src__process__core_cpp='#include "pools/src/thread/dispatch.h"\n',
                pools__src__thread__dispatch_h="",
            ),
            "pools/src/process/core.cpp:1:",
            "knows no thread pool",
        )

    def test_a_process_pool_does_not_know_the_one_that_stands_on_it(self) -> None:
        self.assert_found(
            self.check(
                pools__src__process__core_cpp='#include "pools/src/remote/links.h"\n', pools__src__remote__links_h=""
            ),
            "pools/src/process/core.cpp:1:",
            "knows no remote pool",
        )

    def test_os_knows_nothing_of_the_rest(self) -> None:
        self.assert_found(
            self.check(os__descriptor_h='#include "workloads/work.h"\n'),
            "os/descriptor.h:1:",
            "os lies below all the rest",
        )

    def test_of_pools_only_the_part_that_asks_the_system_includes_os(self) -> None:
        self.assert_found(
            self.check(pools__src__thread__dispatch_cpp='#include "os/descriptor.h"\n'),
            "pools/src/thread/dispatch.cpp:1:",
            "os is what src/process/os stands on",
        )
        found = self.check(pools__include__pools__errors_h='#include "os/descriptor.h"\n')
        self.assertIn("pools/include/pools/errors.h:1: within pools, os is what", found[0])

    def test_the_model_asks_nothing_of_the_system(self) -> None:
        self.assert_found(
            self.check(harness__model__simulate_h='#include "os/descriptor.h"\n'),
            "harness/model/simulate.h:1:",
            "sees numbers only",
        )

    def test_what_is_asked_of_the_system_knows_no_messages(self) -> None:
        self.assert_found(
            self.check(
                pools__src__process__os__guard_cpp='#include "pools/src/process/ipc/ring.h"\n',
                pools__src__process__ipc__ring_h="",
            ),
            "pools/src/process/os/guard.cpp:1:",
            "src/process/os lies below",
        )

    def test_messages_know_no_supervisor(self) -> None:
        self.assert_found(
            self.check(
                pools__src__process__ipc__ring_h='#include "pools/src/process/words.h"\n',
                pools__src__process__words_h="",
            ),
            "pools/src/process/ipc/ring.h:1:",
            "src/process/ipc lies below",
        )

    def test_pools_may_not_include_workloads(self) -> None:
        self.assert_found(
            self.check(pools__include__pools__future_h='#pragma once\n#include "workloads/work.h"\n'),
            "pools/include/pools/future.h:2:",
            "knows nothing of the rest",
        )

    def test_pools_may_not_include_the_harness(self) -> None:
        self.assert_found(
            self.check(pools__include__pools__future_h='#include "harness/plan/suite.h"\n'),
            "pools/include/pools/future.h:1:",
            "knows nothing",
        )

    def test_workloads_may_not_include_pools(self) -> None:
        self.assert_found(
            self.check(workloads__work_h='#include "pools/future.h"\n'), "workloads/work.h:1:", "knows no pool"
        )

    def test_the_model_may_not_include_the_rest_of_the_harness(self) -> None:
        self.assert_found(
            self.check(harness__model__simulate_h='#include "harness/plan/suite.h"\n'),
            "harness/model/simulate.h:1:",
            "lies below",
        )

    def test_the_model_may_not_include_what_has_units(self) -> None:
        self.assert_found(
            self.check(harness__model__simulate_h='#include "harness/base/quantity.h"\n', harness__base__quantity_h=""),
            "harness/model/simulate.h:1:",
            "numbers only",
        )

    def test_the_model_may_not_include_a_library(self) -> None:
        self.assert_found(
            self.check(harness__model__simulate_h="#include <fmt/core.h>\n"),
            "harness/model/simulate.h:1:",
            "standard library",
        )

    def test_a_backend_may_not_include_a_suite(self) -> None:
        self.assert_found(
            self.check(harness__engine__backends__thread_cpp='#include "harness/plan/suite.h"\n'),
            "harness/engine/backends/thread.cpp:1:",
            "engine/ lies below",
        )

    def test_base_knows_nothing_of_poolbench(self) -> None:
        self.assert_found(
            self.check(harness__base__errors_h='#include "workloads/work.h"\n'),
            "harness/base/errors.h:1:",
            "knows nothing of poolbench",
        )

    def test_what_an_include_includes_in_turn_counts(self) -> None:
        found = self.check(
            pools__include__pools__future_h='#include "examples/seam.h"\n',
            examples__seam_h='#include "harness/plan/suite.h"\n',
        )
        self.assert_found(found, "pools/include/pools/future.h:1:", "it leads to harness/plan/suite.h")

    def test_nobody_includes_a_test(self) -> None:
        self.assert_found(
            self.check(
                pools__include__pools__future_h='#include "pools/tests/gate.h"\n', pools__tests__gate_h="#pragma once\n"
            ),
            "pools/include/pools/future.h:1:",
            "tests and fuzz",
        )

    def test_fuzz_targets_are_looked_at(self) -> None:
        self.assert_found(
            self.check(fuzz__wire_fuzz_cpp='#include "wire_types.h"\n'), "fuzz/wire_fuzz.cpp:1:", "from the root"
        )

    def test_only_the_program_includes_the_command_line(self) -> None:
        self.assert_found(
            self.check(harness__plan__suite_h='#include "harness/cli/cli.h"\n'),
            "harness/plan/suite.h:1:",
            "plan/ lies below",
        )

    def test_an_include_in_quotes_names_a_file_from_the_root(self) -> None:
        self.assert_found(
            self.check(pools__src__thread__thread_pool_cpp='#include "future.h"\n'),
            "pools/src/thread/thread_pool.cpp:1:",
            "from the root",
        )

    def test_a_header_that_others_include_may_not_include_a_heavy_library(self) -> None:
        self.assert_found(
            self.check(
                pools__include__pools__future_h="#include <boost/asio.hpp>\n",
                pools__include__pools__wait_h='#include "pools/future.h"\n',
            ),
            "pools/include/pools/future.h:1:",
            "slow to compile",
        )

    def test_a_header_for_source_files_alone_may(self) -> None:
        self.assertEqual(self.check(pools__src__base__sockets_h="#include <boost/asio.hpp>\n"), [])

    def test_an_include_in_a_comment_is_none(self) -> None:
        self.assertEqual(
            self.check(
                pools__include__pools__future_h=(
                    '// #include "harness/plan/suite.h"\n/*\n#include "workloads/work.h"\n*/\n'
                )
            ),
            [],
        )

    def test_what_looks_like_a_comment_in_a_string_hides_nothing(self) -> None:
        self.assert_found(
            self.check(
                pools__include__pools__future_h='auto accept = "*/*";\n#include "harness/plan/suite.h"\n/* */\n'
            ),
            "pools/include/pools/future.h:2:",
            "knows nothing",
        )

    def test_the_command_line_fails_on_a_violation_and_on_an_empty_tree(self) -> None:
        with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(
            io.StringIO()
        ), contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(include_directions.main([directory]), 2)
            (Path(directory) / "pools").mkdir()
            source = Path(directory) / "pools" / "future.h"
            source.write_text("#include <vector>\n", encoding="utf-8")
            self.assertEqual(include_directions.main([directory]), 0)
            source.write_text('#include "harness/plan/suite.h"\n', encoding="utf-8")
            self.assertEqual(include_directions.main([directory]), 1)


if __name__ == "__main__":
    unittest.main()
