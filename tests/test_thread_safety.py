"""The check of locks accepts a class that locks its mutex, and refuses one that forgets to."""

import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path

import thread_safety

CLANG = os.environ.get("POOLBENCH_CLANG", "")
ROOT = Path(__file__).resolve().parent.parent

CLASS = """
#include "pools/src/base/mutex.h"
namespace pools::detail {
class Count {
 public:
  void raise() { RAISE }
  void raise_twice() { TWICE }
 private:
  void raise_locked() REQUIRES(mutex_) { ++count_; }
  KIND mutex_;
  int count_ GUARDED_BY(mutex_) = 0;
};
void use(Count& count) { count.raise(); count.raise_twice(); }
}
"""


@unittest.skipUnless(CLANG, "clang is not installed")
class ThreadSafety(unittest.TestCase):
    def run_on(self, kind: str, once: str, twice: str = "") -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(io.StringIO()) as output:
            (Path(directory) / "pools/src").mkdir(parents=True)
            text = CLASS.replace("KIND", kind).replace("RAISE", once).replace("TWICE", twice)
            (Path(directory) / "pools/src/count.cpp").write_text(text, encoding="utf-8")
            includes = ["--include", str(ROOT), "--include", str(ROOT / "pools/include")]
            return thread_safety.main([directory, "--clang", CLANG, *includes]), output.getvalue()

    def test_who_holds_the_mutex_passes(self) -> None:
        for kind in ("Mutex", "AdaptiveMutex"):
            with self.subTest(kind):
                code, output = self.run_on(
                    kind, "const Lock lock(mutex_); ++count_;", "const Lock lock(mutex_); raise_locked();"
                )
                self.assertEqual(code, 0, output)

    def test_a_missing_lock_is_noticed(self) -> None:
        for kind in ("Mutex", "AdaptiveMutex"):
            with self.subTest(kind):
                code, output = self.run_on(kind, "++count_;")
                self.assertEqual(code, 1)
                self.assertIn("pools/src/count.cpp", output)
                self.assertIn("requires holding mutex 'mutex_'", output)

    def test_a_call_without_the_lock_that_it_requires_is_noticed(self) -> None:
        code, output = self.run_on("Mutex", "raise_locked();")
        self.assertEqual(code, 1)
        self.assertIn("calling function 'raise_locked' requires holding mutex 'mutex_'", output)

    def test_what_is_touched_between_unlock_and_lock_is_noticed(self) -> None:
        code, output = self.run_on("AdaptiveMutex", "Relock lock(mutex_); lock.unlock(); ++count_; lock.lock();")
        self.assertEqual(code, 1, output)

    def test_a_mutex_that_is_locked_twice_is_noticed(self) -> None:
        code, output = self.run_on("Mutex", "const Lock lock(mutex_); const Lock again(mutex_);")
        self.assertEqual(code, 1, output)

    def test_a_tree_without_sources_is_an_error(self) -> None:
        with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(thread_safety.main([directory, "--clang", CLANG]), 2)


if __name__ == "__main__":
    unittest.main()
