#include "harness/sweep/sinks/sojourns_csv.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>
#include <system_error>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/read_file.h"
#include "harness/core/sojourns.h"
#include "harness/sweep/sinks/csv.h"

namespace harness {
namespace {

constexpr std::string_view kSojournsHeader = "cell_id,rep,sojourns_ns\n";
constexpr std::string_view kRejectedMark = "-";

[[noreturn]] void refuse_sojourn(const std::filesystem::path& path, int line, std::string_view column, std::string_view text) {
  throw ConfigError(fmt::format("{}:{}: '{}' in column {}; allowed: {}", path.string(), line, printable(text, 60), column,
                                column == "rep" ? "a number, 0 or more" : "numbers, 0 or more, and '-'"));
}

std::int64_t whole_number(std::string_view text, std::string_view column, const std::filesystem::path& path, int line) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) refuse_sojourn(path, line, column, text);
  return value;
}

std::vector<std::int64_t> listed_sojourns(std::string_view text, const std::filesystem::path& path, int line) {
  std::vector<std::int64_t> sojourns;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view one = text.substr(0, end);
    sojourns.push_back(one == kRejectedMark ? kNoStamp : whole_number(one, "sojourns_ns", path, line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return sojourns;
}

void read_sojourns_of(const std::filesystem::path& path, SojournsOf& sojourns) {
  const std::string text = read_file(path, "table", kMostTableBytes);
  if (text.empty()) return;  // a run that was interrupted before it wrote anything
  if (!text.starts_with(kSojournsHeader)) {
    throw ConfigError(fmt::format("'{}' has a foreign header; allowed: '{}'", path.string(),
                                  kSojournsHeader.substr(0, kSojournsHeader.size() - 1)));
  }
  const CsvRecords parsed = parse_csv(text);
  for (std::size_t i = 1; i < parsed.records.size(); ++i) {
    const std::vector<std::string>& record = parsed.records[i];
    const int line = parsed.lines[i];
    if (record.size() != 3) throw ConfigError(fmt::format("{}:{}: {} fields instead of 3", path.string(), line, record.size()));
    sojourns[{path.stem().string(), record[0], whole_number(record[1], "rep", path, line)}] =
        listed_sojourns(record[2], path, line);
  }
}

}  // namespace

SojournsCsvSink::SojournsCsvSink(const std::filesystem::path& run_directory, const std::string& run_id)
    : file_(made_path_of_run(run_directory, "sojourns", run_id)) {
  file_.append(kSojournsHeader);
}

void SojournsCsvSink::row(const Cell& /*cell*/, const Sample& sample, const Trace* trace) {
  if (trace == nullptr || !has_arrivals(*trace) || sample.status != "ok" || sample.is_warmup != 0) return;
  fmt::memory_buffer row;
  auto out = std::back_inserter(row);
  fmt::format_to(out, "{},{},", csv_field(sample.cell_id), sample.rep);
  std::string_view between;
  for (const std::int64_t sojourn : sojourns_ns(*trace)) {
    if (sojourn == kNoStamp) {
      fmt::format_to(out, "{}{}", between, kRejectedMark);
    } else {
      fmt::format_to(out, "{}{}", between, sojourn);
    }
    between = " ";
  }
  row.push_back('\n');
  file_.append({row.data(), row.size()});
}

SojournsOf read_sojourns(const std::filesystem::path& run_directory) {
  SojournsOf sojourns;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run_directory / "sojourns", error)) {
    if (entry.path().extension() == ".csv") read_sojourns_of(entry.path(), sojourns);
  }
  return sojourns;
}

}  // namespace harness
