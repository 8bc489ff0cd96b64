// First looks at a Python function: one that is kept is not taken again, unless something that it depends on has changed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "harness/base/errors.h"
#include "harness/recommend/looks.h"

namespace harness::recommend {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::ThrowsMessage;

class RecommendLooks : public testing::Test {
 protected:
  RecommendLooks() {
    work_.function = "crawler:fetch";
    std::ofstream(directory_ / "driver") << "#!/bin/sh\nread line\nprintf x >>\"${0%/*}/calls\"\n"
                                         << R"(echo '{"tasks": [[10, 1, 3, 1, 20, 5]], "callbacks": [], "is_async": false, )"
                                         << R"("unpicklable": "", "import_ns": 9, "memory_bytes": 1, "bare_bytes": 5, )"
                                         << R"("threads": 0, "variables": [], "prints": false}')" << '\n';
    std::filesystem::permissions(directory_ / "driver", std::filesystem::perms::owner_all);
  }
  ~RecommendLooks() override { std::filesystem::remove_all(directory_); }

  void look_and_keep(const std::string& circumstances) {
    Looks looks(directory_, circumstances);
    EXPECT_EQ(looks.look(work_, {(directory_ / "driver").string()}, 2, 1s, 60s).import_ns, 9);
    std::ofstream(Looks::path(directory_)) << looks.text();
  }
  std::uintmax_t calls() const { return std::filesystem::file_size(directory_ / "calls"); }

  const std::filesystem::path directory_ = [] {
    std::string path = (std::filesystem::temp_directory_path() / "poolbench-looks-XXXXXX").string();
    return std::filesystem::path(::mkdtemp(path.data()));
  }();
  PythonWork work_;
};

TEST_F(RecommendLooks, AreTakenOnceWhileNothingChanges) {
  look_and_keep("this machine");
  look_and_keep("this machine");
  EXPECT_EQ(calls(), 1U);
  look_and_keep("another machine");
  EXPECT_EQ(calls(), 2U);
  work_.inputs = R"(["another"])";
  look_and_keep("another machine");
  EXPECT_EQ(calls(), 3U);
}

TEST_F(RecommendLooks, OfAFileThatHasNoneAreRefused) {
  std::ofstream(Looks::path(directory_)) << "nonsense";
  EXPECT_THAT([&] { Looks(directory_, "this machine"); },
              ThrowsMessage<ConfigError>(testing::AllOf(HasSubstr("looks.json"), HasSubstr("--fresh"))));
}

}  // namespace
}  // namespace harness::recommend
