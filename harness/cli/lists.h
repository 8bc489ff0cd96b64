#pragma once

// What there is to name on the command line: backends, workloads, strategies, suites, columns, claims.
//
// Thread safety: pure functions.

#include <string>
#include <string_view>
#include <vector>

namespace harness {

struct ListEntry {
  std::string name;
  std::string summary;
};

// "backends", "workloads", "strategies", "suites", "columns": what `poolbench list` prints, in that order.
std::vector<std::string> list_names();

// The entries of one of them, or of "claims". Throws ConfigError: another name.
std::vector<ListEntry> list_of(std::string_view what);

}  // namespace harness
