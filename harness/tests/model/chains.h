#pragma once

// What every critical path is: a chain from 0 to the makespan.

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "harness/model/critical_path.h"
#include "harness/tests/model/random_cases.h"

namespace harness::model::testing {

// Without a gap, and no link ends before it starts.
inline void expect_from_0_to_the_makespan(const Case& c, const Prediction& prediction, const std::vector<Link>& path) {
  ASSERT_FALSE(path.empty()) << show(c);
  EXPECT_EQ(path.front().start_ns, 0) << show(c);
  EXPECT_EQ(path.back().finish_ns, prediction.makespan_ns) << show(c);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const Link& link = path[i];
    EXPECT_LE(link.start_ns, link.finish_ns) << show(c);
    if (i > 0) {
      EXPECT_EQ(link.start_ns, path[i - 1].finish_ns) << show(c) << " link " << i << ", a " << name(link.activity);
    }
  }
}

}  // namespace harness::model::testing
