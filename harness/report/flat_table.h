#pragma once

// An array of a JSON document as a table, for those who want CSV or Markdown of what `--json` has: a row per element, a column per key in
// the order of appearance.
//
// Thread safety: pure functions.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace harness {

// A header, then a line per object; "" of no rows. An object within is taken apart ("latency.p50"), a list is joined with blanks, null is empty.
// REQUIRES: `rows` is an array of objects.
std::string csv_of(const nlohmann::ordered_json& rows);

// The same as a Markdown table.
std::string markdown_of(const nlohmann::ordered_json& rows);

// The text as a cell of a Markdown table shows it: what would be markup is escaped, and it stays on its line.
std::string markdown_cell(std::string_view text);

}  // namespace harness
