#include "harness/sweep/sinks/csv.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
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

// Nothing where there is no such file.
std::optional<std::string> read_whole(const std::filesystem::path& path) {
  return read_file_if_there(path, "table", kMostTableBytes);
}

// A value in a message: escaped, its begin only if it is long.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 60;
  return text.size() <= kMost ? printable(text) : printable(text.substr(0, kMost)) + "...";
}

// Moves what follows the last complete record out of the way, so that the file ends in a whole one. `text` is the file's
// content and is shortened as well.
void set_torn_aside(const std::filesystem::path& path, std::string& text) {
  const std::size_t complete = parse_csv(text).complete;
  if (complete == text.size()) return;
  const std::filesystem::path aside = first_free(path, ".torn-");
  write_new_file(aside, std::string_view(text).substr(complete));
  if (::truncate(path.c_str(), static_cast<off_t>(complete)) != 0) {
    throw OutputError(fmt::format("cannot take the torn last line off '{}': {}", path.string(),
                                  std::generic_category().message(errno)));
  }
  say(fmt::format("poolbench: the last line of {} was torn; it is now in {}\n", path.string(), aside.string()));
  text.resize(complete);
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
  if (std::none_of(theirs.begin(), theirs.end(), among(ours))) return fmt::format("it begins with '{}'", shown(line.substr(0, line.size() - 1)));
  const auto missing = std::find_if_not(ours.begin(), ours.end(), among(theirs));
  if (missing != ours.end()) return fmt::format("it has no column '{}'", *missing);
  const auto unknown = std::find_if_not(theirs.begin(), theirs.end(), among(ours));
  if (unknown != theirs.end()) return fmt::format("its column {}, '{}', is unknown", unknown - theirs.begin() + 1, shown(*unknown));
  const auto moved = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end());
  if (moved.second == theirs.end()) return "its names are in quotes";
  if (moved.first == ours.end()) return fmt::format("its column {}, '{}', is there twice", ours.size() + 1, shown(*moved.second));
  return fmt::format("its column {} is '{}' and not '{}'", moved.first - ours.begin() + 1, shown(*moved.second), *moved.first);
}

// Refuses before anything is moved: a file of somebody else's stays as it is. A torn header of ours is no foreign one.
void require_our_header(const std::filesystem::path& path, std::string_view text) {
  const std::string header = csv_header();
  const bool ours = text.size() < header.size() ? std::string_view(header).starts_with(text) : text.starts_with(header);
  if (ours) return;
  throw ConfigError(fmt::format("'{}' has a foreign header: {}; allowed: the {} columns of schema version {}, see `poolbench list columns` "
                                "(choose another directory with -o, or --fresh)",
                                path.string(), difference_of_header(text), sample_columns().size(), kSchemaVersion));
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// What would have been right instead; empty when the text is a value of the column, which the sample then has. What the program
// never writes is not believed.
std::string read_field(const std::string& text, const Column& column, Sample& sample) {
  if (const auto* const field = std::get_if<std::string Sample::*>(&column.field)) {
    sample.**field = text;
    if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; })) {
      return "text without control characters";
    }
    const bool status = *field == &Sample::status;
    return status && text != "ok" && text != "timeout" && text != "crash" && text != "invalid" ? "ok, timeout, crash, invalid" : "";
  }
  if (const auto* const field = std::get_if<std::int64_t Sample::*>(&column.field)) {
    std::int64_t& value = sample.**field;
    if (read_number(text, value) && value >= column.least && value <= column.most) return {};
    if (column.least == column.most) return fmt::format("{}", column.least);
    if (column.most == std::numeric_limits<std::int64_t>::max()) return fmt::format("a number, {} or more", column.least);
    return fmt::format("a number from {} to {}", column.least, column.most);
  }
  if (const auto* const field = std::get_if<std::uint64_t Sample::*>(&column.field)) {
    return read_number(text, sample.**field) ? "" : "a number from 0 to 2^64-1";
  }
  double& value = sample.*std::get<double Sample::*>(column.field);
  return read_number(text, value) && value >= 0 && std::isfinite(value) ? "" : "a number, 0 or more";
}

// REQUIRES: the text begins with our header, or is a part of it.
std::vector<Sample> samples_in(const std::filesystem::path& path, std::string_view text) {
  const CsvRecords parsed = parse_csv(text);
  std::vector<Sample> samples;
  for (std::size_t i = 1; i < parsed.records.size(); ++i) {
    const std::vector<std::string>& record = parsed.records[i];
    const auto columns = sample_columns();
    const std::string place = fmt::format("{}:{}", path.string(), parsed.lines[i]);
    if (record.size() != columns.size()) {
      throw ConfigError(fmt::format("{}: {} fields; allowed: {}", place, record.size(), columns.size()));
    }
    Sample sample;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const std::string allowed = read_field(record[c], columns[c], sample);
      if (allowed.empty()) continue;
      throw ConfigError(fmt::format("{}: '{}' in column {}; allowed: {}", place, shown(record[c]), columns[c].name, allowed));
    }
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace

std::vector<Sample> read_results(const std::filesystem::path& path) {
  std::optional<std::string> text = read_whole(path);
  if (!text || text->empty()) return {};
  require_our_header(path, *text);
  set_torn_aside(path, *text);
  return samples_in(path, *text);
}

std::vector<Sample> peek_results(const std::filesystem::path& path) {
  const std::optional<std::string> text = read_whole(path);
  if (!text || text->empty()) return {};
  require_our_header(path, *text);
  return samples_in(path, *text);
}

CsvSink::CsvSink(const std::filesystem::path& path) : file_(path) {
  if (::flock(file_.fd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) throw ConfigError(fmt::format("another run is writing to '{}'", path.string()));
    // No locks on this file system: then two runs in one directory are the user's own affair.
  }
  std::string text = read_whole(path).value_or("");
  require_our_header(path, text);
  set_torn_aside(path, text);
  if (text.empty()) {
    try {
      file_.append(csv_header());
    } catch (const OutputError& error) {
      throw ConfigError(error.what());
    }
  }
}

void CsvSink::row(const Cell& /*cell*/, const Sample& sample, const Trace* /*trace*/) { file_.append(csv_row(sample)); }

}  // namespace harness
