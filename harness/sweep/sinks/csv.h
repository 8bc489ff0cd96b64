#pragma once

// results.csv: the header and every row are made from sample_columns(); text is quoted as RFC 4180 has it, lines end in
// LF. The file is only ever appended to, one write(2) per row.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/sample.h"
#include "harness/sweep/sinks/file.h"
#include "harness/sweep/sinks/sink.h"

namespace harness {

// `text` as a field: quoted if it holds a comma, a quote, CR or LF, or a blank at either end.
std::string csv_field(std::string_view text);

// The fields of every complete record of `text` (quotes resolved) and the number of bytes they span: what follows is a
// torn record. Never throws.
struct CsvRecords {
  std::vector<std::vector<std::string>> records;
  std::vector<int> lines;      // of each record's first byte, from 1
  std::size_t complete = 0;    // bytes
};
CsvRecords parse_csv(std::string_view text);

std::string csv_header();                  // with its line end
std::string csv_row(const Sample& sample);

// The rows of results.csv in file order. A torn last record is moved to <path>.torn-<n> first and said on stderr. A file
// that does not exist has no rows. Throws ConfigError for a foreign header and for a row that cannot be read (file, line,
// column); OutputError when a torn record cannot be moved.
std::vector<Sample> read_results(const std::filesystem::path& path);

// The same for somebody who only looks: a torn last record (of a run that is writing right now, perhaps) is left out, and
// nothing is moved or said.
std::vector<Sample> peek_results(const std::filesystem::path& path);

// Appends rows. Holds an advisory lock on the file, so that two runs cannot write into one directory.
class CsvSink : public Sink {
 public:
  // Opens or creates the file, sets a torn last record aside, writes the header into an empty one. Throws ConfigError:
  // cannot be opened or created, foreign header, another run holds it.
  explicit CsvSink(const std::filesystem::path& path);

  // A row that was written in part (full disk) is taken back, so that the file ends in a whole row. Throws OutputError.
  void row(const Cell& cell, const Sample& sample, const Trace* trace) override;

 private:
  AppendFile file_;
};

}  // namespace harness
