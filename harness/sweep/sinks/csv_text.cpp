// CSV as text: fields, records, samples. No files.

#include <fmt/core.h>

#include <algorithm>

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

void CsvParser::end_field() {
  if (used_ == fields_.size()) fields_.emplace_back();
  std::swap(fields_[used_++], field_);
  field_.clear();
}

void CsvParser::feed(std::string_view piece) {
  for (std::size_t i = 0; i < piece.size();) {
    if (quoted_ && !after_quote_) {
      const std::size_t end = std::min(piece.find('"', i), piece.size());
      const std::string_view part = piece.substr(i, end - i);
      line_ += static_cast<int>(std::count(part.begin(), part.end(), '\n'));
      field_ += part;
      after_quote_ = end < piece.size();
      i = end + 1;
      continue;
    }
    const char c = piece[i];
    if (after_quote_ && c == '"') {
      field_ += '"';
      after_quote_ = false;
      ++i;
      continue;
    }
    if (after_quote_) quoted_ = after_quote_ = false;
    if (c == '"' && field_.empty()) {
      quoted_ = true;
      ++i;
    } else if (c == ',') {
      end_field();
      ++i;
    } else if (c == '\n') {
      end_field();
      record_({fields_.data(), used_}, record_line_);
      used_ = 0;
      record_line_ = ++line_;
      complete_ = fed_ + ++i;
    } else {
      const std::size_t end = std::min(piece.find_first_of(",\n\"", i + 1), piece.size());
      field_ += piece.substr(i, end - i);
      i = end;
    }
  }
  fed_ += piece.size();
}

CsvRecords parse_csv(std::string_view text) {
  CsvRecords found;
  CsvParser parser([&found](std::span<const std::string> fields, int line) {
    found.records.emplace_back(fields.begin(), fields.end());
    found.lines.push_back(line);
  });
  parser.feed(text);
  found.complete = parser.complete();
  return found;
}

std::string csv_header(std::span<const Column> columns) {
  std::string header;
  for (const Column& column : columns) {
    if (!header.empty()) header += ',';
    header += csv_field(column.name);
  }
  return header + '\n';
}

std::string csv_row(const Sample& sample, std::span<const Column> columns) {
  std::string row;
  bool first = true;
  for (const Column& column : columns) {
    if (!first) row += ',';
    first = false;
    if (column.field == Field(&Sample::schema_version)) {
      row += fmt::format("{}", column.least);
      continue;
    }
    row += std::visit([&sample](const auto member) { return csv_field(fmt::format("{}", sample.*member)); }, column.field);
  }
  return row + '\n';
}

}  // namespace harness
