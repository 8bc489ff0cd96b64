#include "harness/report/flat_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <vector>

#include "harness/sweep/sinks/csv.h"

namespace harness {
namespace {

using TableJson = nlohmann::ordered_json;
using FlatRow = std::map<std::string, std::string>;

// Text as it is, numbers as JSON has them.
std::string value_text(const TableJson& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const TableJson& item : value) text += (text.empty() ? "" : " ") + value_text(item);
  return text;
}

void flatten(const TableJson& object, const std::string& prefix, FlatRow& row, std::vector<std::string>& columns) {
  for (const auto& [key, value] : object.items()) {
    const std::string name = prefix + key;
    if (value.is_object()) {
      flatten(value, name + '.', row, columns);
      continue;
    }
    if (std::ranges::find(columns, name) == columns.end()) columns.push_back(name);
    row[name] = value_text(value);
  }
}

struct FlatTable {
  std::vector<std::string> columns;
  std::vector<FlatRow> rows;
};

FlatTable flattened(const TableJson& rows) {
  FlatTable table;
  for (const TableJson& object : rows) flatten(object, "", table.rows.emplace_back(), table.columns);
  return table;
}

}  // namespace

std::string csv_of(const TableJson& rows) {
  const FlatTable table = flattened(rows);
  if (table.rows.empty()) return {};
  std::string out;
  const auto append = [&out, &table](const auto& text_of) {
    for (const std::string& column : table.columns) {
      out += csv_field(text_of(column));
      out += &column == &table.columns.back() ? '\n' : ',';
    }
  };
  append([](const std::string& column) { return column; });
  for (const FlatRow& row : table.rows) {
    append([&row](const std::string& column) { return row.contains(column) ? row.at(column) : std::string(); });
  }
  return out;
}

std::string markdown_of(const TableJson& rows) {
  const FlatTable table = flattened(rows);
  if (table.rows.empty()) return {};
  std::string out = "|";
  for (const std::string& column : table.columns) out += fmt::format(" {} |", markdown_cell(column));
  out += "\n|";
  for (std::size_t i = 0; i < table.columns.size(); ++i) out += "---|";
  out += '\n';
  for (const FlatRow& row : table.rows) {
    out += '|';
    for (const std::string& column : table.columns)
      out += fmt::format(" {} |", markdown_cell(row.contains(column) ? row.at(column) : ""));
    out += '\n';
  }
  return out;
}

std::string markdown_cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '*' || c == '_' || c == '<') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace harness
