#pragma once

// What tests of `poolbench recommend` with real runs have in common: a folder of their own, and no process left behind.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/errors.h"
#include "harness/tests/cli/invocation.h"

namespace harness::testing_cli {

class RecommendTest : public testing::Test {
 protected:
  ~RecommendTest() override {
    std::filesystem::remove_all(directory_);
    // The runner is the heir of its descendants' orphans: one left behind would be a child now.
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a process was left behind";
  }

  static Invocation recommend(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "recommend");
    return poolbench(std::move(arguments));
  }

  // Exit code 2, nothing on stdout, one line on stderr.
  static std::string refused(std::vector<std::string> arguments) {
    const Invocation ending = recommend(std::move(arguments));
    EXPECT_EQ(ending.exit_code, kExitUsage);
    EXPECT_THAT(ending.out, testing::IsEmpty());
    EXPECT_EQ(std::count(ending.err.begin(), ending.err.end(), '\n'), 1) << ending.err;
    return ending.err;
  }

  std::string path_of(const std::string& name) const { return (directory_ / name).string(); }

  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(path_of(name)) << content;
    return path_of(name);
  }

 private:
  std::filesystem::path directory_ = [] {
    std::string path = (std::filesystem::temp_directory_path() / "poolbench-recommend-XXXXXX").string();
    return std::filesystem::path(::mkdtemp(path.data()));
  }();
};

}  // namespace harness::testing_cli
