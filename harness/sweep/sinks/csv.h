#pragma once

// results.csv: the header and every row are made from sample_columns(); text is quoted as RFC 4180 has it, lines end in
// LF. The file is only ever appended to, one write(2) per row.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/core/sample.h"
#include "harness/sweep/sinks/file.h"
#include "harness/sweep/sinks/sink.h"

namespace harness {

// `text` as a field: quoted if it holds a comma, a quote, CR or LF, or a blank at either end.
std::string csv_field(std::string_view text);

// Splits CSV into records, fed in pieces of any size. Never throws but what `record` throws.
class CsvParser {
 public:
  // A complete record: its fields, quotes resolved, and the line of its first byte, from 1.
  using Record = std::function<void(std::span<const std::string> fields, int line)>;
  explicit CsvParser(Record record) : record_(std::move(record)) {}

  void feed(std::string_view piece);
  // Bytes that the complete records so far span: what follows is a torn record.
  std::size_t complete() const { return complete_; }

 private:
  void end_field();

  Record record_;
  std::vector<std::string> fields_;  // the first `used_` are the record's; the others keep their memory
  std::size_t used_ = 0;
  std::string field_;
  bool quoted_ = false;       // within quotes
  bool after_quote_ = false;  // behind a quote within quotes: its end, or the first half of a quote
  int line_ = 1;
  int record_line_ = 1;
  std::size_t fed_ = 0;
  std::size_t complete_ = 0;
};

// All of a text that is in memory. Never throws.
struct CsvRecords {
  std::vector<std::vector<std::string>> records;
  std::vector<int> lines;
  std::size_t complete = 0;
};
CsvRecords parse_csv(std::string_view text);

// With their line ends. `columns`: of one of the layouts, whose schema_version the row then has.
std::string csv_header(std::span<const Column> columns = sample_columns());
std::string csv_row(const Sample& sample, std::span<const Column> columns = sample_columns());

// The rows of results.csv in file order. A torn last record is moved to <path>.torn-<n> and said on stderr. A file
// that does not exist has no rows. Throws ConfigError for a foreign header and for a row that cannot be read (file, line,
// column); OutputError when a torn record cannot be moved.
std::vector<Sample> read_results(const std::filesystem::path& path);

// The same for somebody who only looks: a torn last record (of a run that is writing right now, perhaps) is left out, and
// nothing is moved or said.
std::vector<Sample> peek_results(const std::filesystem::path& path);

// The same, a row at a time: a sample is gone when `row` returns. A torn record is moved after the last row.
using OnSample = std::function<void(const Sample& row)>;
void read_results(const std::filesystem::path& path, const OnSample& row);
void peek_results(const std::filesystem::path& path, const OnSample& row);

// Appends rows. Holds an advisory lock on the file, so that two runs cannot write into one directory.
class CsvSink : public Sink {
 public:
  // Opens or creates the file, sets a torn last record aside, writes the header into an empty one. Throws ConfigError:
  // cannot be opened or created, foreign header, another run holds it.
  explicit CsvSink(const std::filesystem::path& path);

  // A row that was written in part (full disk) is taken back, so that the file ends in a whole row. Throws OutputError, and ConfigError
  // for a row that says what a file of an earlier version has no column for.
  void row(const Cell& cell, const Sample& sample, const Trace* trace) override;

 private:
  AppendFile file_;
  std::span<const Column> columns_;  // those that the file has
};

}  // namespace harness
