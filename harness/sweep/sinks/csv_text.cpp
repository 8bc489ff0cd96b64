// CSV as text: fields, records, samples. No files.

#include <fmt/core.h>

#include "harness/sweep/sinks/csv.h"

namespace harness {

std::string csv_field(std::string_view text) {
  const bool plain = text.find_first_of(",\"\r\n") == std::string_view::npos && !text.starts_with(' ') && !text.ends_with(' ');
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

CsvRecords parse_csv(std::string_view text) {
  CsvRecords found;
  std::vector<std::string> record;
  std::string field;
  bool quoted = false;       // within quotes
  bool after_quote = false;  // behind a quote within quotes: its end, or the first half of a quote
  int line = 1;
  int record_line = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (quoted && !after_quote) {
      if (c == '"') {
        after_quote = true;
      } else {
        field += c;
      }
      continue;
    }
    if (after_quote && c == '"') {
      field += '"';
      after_quote = false;
      continue;
    }
    if (after_quote) quoted = after_quote = false;
    if (c == '"' && field.empty()) {
      quoted = true;
    } else if (c == ',' || c == '\n') {
      record.push_back(std::move(field));
      field.clear();
      if (c == '\n') {
        found.records.push_back(std::move(record));
        found.lines.push_back(record_line);
        found.complete = i + 1;
        record.clear();
        record_line = line;
      }
    } else {
      field += c;
    }
  }
  return found;
}

std::string csv_header() {
  std::string header;
  for (const Column& column : sample_columns()) {
    if (!header.empty()) header += ',';
    header += csv_field(column.name);
  }
  return header + '\n';
}

std::string csv_row(const Sample& sample) {
  std::string row;
  bool first = true;
  for (const Column& column : sample_columns()) {
    if (!first) row += ',';
    first = false;
    row += std::visit([&sample](const auto member) { return csv_field(fmt::format("{}", sample.*member)); }, column.field);
  }
  return row + '\n';
}

}  // namespace harness
