#include "harness/sweep/sinks/csv.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <system_error>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/read_file.h"

namespace harness {
namespace {

// A value in a message: escaped, its begin only if it is long.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 60;
  return text.size() <= kMost ? printable(text) : printable(text.substr(0, kMost)) + "...";
}

// Moves what follows the last complete record out of the way, so that the file ends in a whole one.
void set_torn_aside(const std::filesystem::path& path, std::size_t complete) {
  const std::string text = read_file(path, "table", kMostTableBytes);
  if (complete >= text.size()) return;
  const std::filesystem::path aside = first_free(path, ".torn-");
  write_new_file(aside, std::string_view(text).substr(complete));
  if (::truncate(path.c_str(), static_cast<off_t>(complete)) != 0) {
    throw OutputError(
        fmt::format("cannot take the torn last line off '{}': {}", path.string(), std::generic_category().message(errno)));
  }
  say(fmt::format("poolbench: the last line of {} was torn; it is now in {}\n", path.string(), aside.string()));
}

// What makes the first line of a file another one than our header.
std::string difference_of_header(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) return "it begins with a byte order mark";
  std::string line(text.substr(0, text.find('\n')));
  const bool crlf = line.ends_with('\r');
  if (crlf) line.pop_back();
  line += '\n';
  if (crlf && line == csv_header()) return "its lines end in CR LF instead of LF, which sed -i 's/\\r$//' FILE mends";
  const CsvRecords parsed = parse_csv(line);
  const std::vector<std::string> theirs = parsed.records.empty() ? std::vector<std::string>{} : parsed.records.front();
  std::vector<std::string> ours;
  for (const Column& column : sample_columns()) ours.emplace_back(column.name);
  const auto among = [](const std::vector<std::string>& names) {
    return [&names](const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  };
  if (std::none_of(theirs.begin(), theirs.end(), among(ours)))
    return fmt::format("it begins with '{}'", shown(line.substr(0, line.size() - 1)));
  const auto missing = std::find_if_not(ours.begin(), ours.end(), among(theirs));
  if (missing != ours.end()) return fmt::format("it has no column '{}'", *missing);
  const auto unknown = std::find_if_not(theirs.begin(), theirs.end(), among(ours));
  if (unknown != theirs.end())
    return fmt::format("its column {}, '{}', is unknown", unknown - theirs.begin() + 1, shown(*unknown));
  const auto moved = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end());
  if (moved.second == theirs.end()) return "its names are in quotes";
  if (moved.first == ours.end()) return fmt::format("its column {}, '{}', is there twice", ours.size() + 1, shown(*moved.second));
  return fmt::format("its column {} is '{}' and not '{}'", moved.first - ours.begin() + 1, shown(*moved.second), *moved.first);
}

// Refuses before anything is moved: a file of somebody else's stays as it is. A torn header of ours is no foreign one.
// Returns the columns that the file has: those of this version, or of an earlier one.
std::span<const Column> require_our_header(const std::filesystem::path& path, std::string_view text) {
  for (int layout = kLayout; layout >= 0; --layout) {
    const std::span<const Column> columns = sample_columns(layout);
    const std::string header = csv_header(columns);
    if (text.size() < header.size() ? std::string_view(header).starts_with(text) : text.starts_with(header)) return columns;
  }
  throw ConfigError(
      fmt::format("'{}' has a foreign header: {}; allowed: the {} columns of schema version {}, see `poolbench list columns` "
                  "(choose another directory with -o, or --fresh)",
                  path.string(), difference_of_header(text), sample_columns().size(), kSchemaVersion));
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

template <class Integer>
std::string read_integer(const std::string& text, const Column& column, Integer& value) {
  const std::int64_t most = std::min<std::int64_t>(column.most, std::numeric_limits<Integer>::max());
  if (read_number(text, value) && value >= column.least && value <= most) return {};
  if (column.least == most) return fmt::format("{}", column.least);
  if (most == std::numeric_limits<std::int64_t>::max()) return fmt::format("a number, {} or more", column.least);
  return fmt::format("a number from {} to {}", column.least, most);
}

// What would have been right instead; empty when the text is a value of the column, which the sample then has. What the program
// never writes is not believed.
std::string read_field(const std::string& text, const Column& column, Sample& sample) {
  if (const auto* const field = std::get_if<std::string Sample::*>(&column.field)) {
    sample.** field = text;
    if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; })) {
      return "text without control characters";
    }
    const bool status = *field == &Sample::status;
    return status && text != "ok" && text != "timeout" && text != "crash" && text != "invalid" ? "ok, timeout, crash, invalid"
                                                                                               : "";
  }
  if (const auto* const field = std::get_if<int Sample::*>(&column.field)) return read_integer(text, column, sample.**field);
  if (const auto* const field = std::get_if<std::int64_t Sample::*>(&column.field))
    return read_integer(text, column, sample.**field);
  if (const auto* const field = std::get_if<std::uint64_t Sample::*>(&column.field)) {
    return read_number(text, sample.**field) ? "" : "a number from 0 to 2^64-1";
  }
  double& value = sample.*std::get<double Sample::*>(column.field);
  return read_number(text, value) && value >= 0 && std::isfinite(value) ? "" : "a number, 0 or more";
}

// A record as a sample. Every column is read, so that `sample` may be another row's.
void read_record(const std::filesystem::path& path, std::span<const Column> columns, std::span<const std::string> record,
                 int line, Sample& sample) {
  const auto place = [&] { return fmt::format("{}:{}", path.string(), line); };
  if (record.size() != columns.size()) {
    throw ConfigError(fmt::format("{}: {} fields; allowed: {}", place(), record.size(), columns.size()));
  }
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const std::string allowed = read_field(record[c], columns[c], sample);
    if (allowed.empty()) continue;
    throw ConfigError(fmt::format("{}: '{}' in column {}; allowed: {}", place(), shown(record[c]), columns[c].name, allowed));
  }
}

// Looks at the header first, and sets `columns` to those that the file has, then feeds the whole file to `parser`. Returns the number of
// bytes of the file.
std::size_t feed_file(const std::filesystem::path& path, CsvParser& parser, std::span<const Column>& columns) {
  std::size_t size = 0;
  columns = sample_columns();
  std::string begin;  // what was read, until it is enough to know the header
  bool known = false;
  const auto feed = [&](std::string_view text) {
    columns = require_our_header(path, text);
    known = true;
    parser.feed(text);
  };
  read_pieces_if_there(path, "table", kMostTableBytes, [&](std::string_view piece) {
    size += piece.size();
    if (known) return parser.feed(piece);
    begin += piece;
    constexpr std::size_t kLongLine = std::size_t{1} << 16;
    if (begin.find('\n') != std::string::npos || begin.size() >= kLongLine) feed(begin);
  });
  if (!known && size > 0) feed(begin);
  return size;
}

struct Extent {
  std::size_t complete = 0;  // bytes of all complete records: what follows is torn
  std::size_t size = 0;
};
Extent read_samples(const std::filesystem::path& path, const OnSample& row) {
  Sample sample;
  bool header = true;
  std::span<const Column> columns;
  CsvParser parser([&](std::span<const std::string> record, int line) {
    if (!header) {
      read_record(path, columns, record, line, sample);
      row(sample);
    }
    header = false;
  });
  const std::size_t size = feed_file(path, parser, columns);
  return {parser.complete(), size};
}

std::vector<Sample> collected(const std::filesystem::path& path,
                              void (*read)(const std::filesystem::path& path, const OnSample& row)) {
  std::vector<Sample> samples;
  read(path, [&samples](const Sample& sample) { samples.push_back(sample); });
  return samples;
}

}  // namespace

void read_results(const std::filesystem::path& path, const OnSample& row) {
  const Extent extent = read_samples(path, row);
  if (extent.complete < extent.size) set_torn_aside(path, extent.complete);
}

void peek_results(const std::filesystem::path& path, const OnSample& row) { read_samples(path, row); }

std::vector<Sample> read_results(const std::filesystem::path& path) { return collected(path, &read_results); }

std::vector<Sample> peek_results(const std::filesystem::path& path) { return collected(path, &peek_results); }

CsvSink::CsvSink(const std::filesystem::path& path) : file_(path) {
  lock_for_writing(file_.fd(), path);
  CsvParser parser([](std::span<const std::string> /*record*/, int /*line*/) {});
  const std::size_t size = feed_file(path, parser, columns_);
  if (parser.complete() < size) set_torn_aside(path, parser.complete());
  if (parser.complete() == 0) {
    columns_ = sample_columns();
    try {
      file_.append(csv_header());
    } catch (const OutputError& error) {
      throw ConfigError(error.what());
    }
  }
}

void CsvSink::row(const Cell& /*cell*/, const Sample& sample, const Trace* /*trace*/) {
  const auto has = [this](std::string_view name) {
    return std::any_of(columns_.begin(), columns_.end(), [name](const Column& column) { return column.name == name; });
  };
  for (const Factor& factor : all_factors()) {
    if (is_default(factor, sample) || factor.since == 0 || has(factor.name) || factor.in_cell_id == InCellId::never) continue;
    throw ConfigError(
        fmt::format("'{}' is of an earlier version and has no column {}; choose another directory with -o, or --fresh",
                    file_.path().string(), factor.name));
  }
  file_.append(csv_row(sample, columns_));
}

}  // namespace harness
