#include "harness/sweep/sinks/evidence_csv.h"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <system_error>
#include <utility>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/read_file.h"
#include "harness/sweep/sinks/csv.h"

namespace harness {
namespace {

// The one list of the columns after cell_id and rep.
struct EvidenceColumn {
  std::string_view name;
  std::int64_t Evidence::*field;
};
constexpr std::array kColumns{
    EvidenceColumn{"callbacks", &Evidence::callbacks},
    EvidenceColumn{"own_worker_ns", &Evidence::own_worker_ns},
    EvidenceColumn{"other_worker_ns", &Evidence::other_worker_ns},
    EvidenceColumn{"submitter_ns", &Evidence::submitter_ns},
    EvidenceColumn{"main_ns", &Evidence::main_ns},
    EvidenceColumn{"elsewhere_ns", &Evidence::elsewhere_ns},
    EvidenceColumn{"overlap_ns", &Evidence::overlap_ns},
    EvidenceColumn{"callback_threads", &Evidence::callback_threads},
    EvidenceColumn{"workers", &Evidence::workers},
    EvidenceColumn{"tasks_at_once", &Evidence::tasks_at_once},
};

std::string header() {
  std::string text = "cell_id,rep";
  for (const EvidenceColumn& column : kColumns) text += fmt::format(",{}", column.name);
  return text + "\n";
}

std::int64_t integer(const std::string& text, std::string_view column, const std::filesystem::path& path, int line) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= 0) return value;
  throw ConfigError(
      fmt::format("{}:{}: '{}' in column {}; allowed: a number, 0 or more", path.string(), line, printable(text, 60), column));
}

void read_evidence_of(const std::filesystem::path& path, EvidenceOf& evidence) {
  const std::string text = read_file(path, "table", kMostTableBytes);
  if (text.empty()) return;  // a run that was interrupted before it wrote anything
  if (!text.starts_with(header())) {
    throw ConfigError(fmt::format("'{}' has a foreign header; allowed: '{}'", path.string(),
                                  printable(header().substr(0, header().size() - 1))));
  }
  const CsvRecords parsed = parse_csv(text);
  for (std::size_t i = 1; i < parsed.records.size(); ++i) {
    const std::vector<std::string>& record = parsed.records[i];
    const int line = parsed.lines[i];
    if (record.size() != kColumns.size() + 2) {
      throw ConfigError(fmt::format("{}:{}: {} fields instead of {}", path.string(), line, record.size(), kColumns.size() + 2));
    }
    Evidence row;
    for (std::size_t column = 0; column < kColumns.size(); ++column) {
      row.*kColumns[column].field = integer(record[column + 2], kColumns[column].name, path, line);
    }
    evidence[{path.stem().string(), record[0], integer(record[1], "rep", path, line)}] = row;
  }
}

bool counts(const Sample& sample, const Trace* trace) {
  return trace != nullptr && sample.status == "ok" && sample.is_warmup == 0;
}

}  // namespace

EvidenceCsvSink::EvidenceCsvSink(const std::filesystem::path& run_directory, const std::string& run_id)
    : file_(made_path_of_run(run_directory, "evidence", run_id)) {
  file_.append(header());
}

void EvidenceCsvSink::row(const Cell& /*cell*/, const Sample& sample, const Trace* trace) {
  if (!counts(sample, trace)) return;
  const Evidence evidence = evidence_of(*trace);
  std::string text = fmt::format("{},{}", csv_field(sample.cell_id), sample.rep);
  for (const EvidenceColumn& column : kColumns) text += fmt::format(",{}", evidence.*column.field);
  file_.append(text + "\n");
}

void EvidenceSink::row(const Cell& /*cell*/, const Sample& sample, const Trace* trace) {
  if (counts(sample, trace)) evidence[{sample.run_id, sample.cell_id, sample.rep}] = evidence_of(*trace);
}

EvidenceOf read_evidence(const std::filesystem::path& run_directory) {
  EvidenceOf evidence;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run_directory / "evidence", error)) {
    if (entry.path().extension() == ".csv") read_evidence_of(entry.path(), evidence);
  }
  return evidence;
}

}  // namespace harness
