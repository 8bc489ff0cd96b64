#include "harness/sinks/csv.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "harness/errors.h"

namespace harness {
namespace {

// Nothing where there is no such file.
std::optional<std::string> read_whole(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  if (std::filesystem::is_directory(path, error)) throw ConfigError(fmt::format("'{}' is a directory", path.string()));
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ConfigError(fmt::format("cannot read '{}': {}", path.string(), std::generic_category().message(errno)));
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 60;
  const std::string_view line = text.substr(0, text.find('\n'));
  return line.size() <= kMost ? std::string(line) : fmt::format("{}...", line.substr(0, kMost));
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
  fmt::print(stderr, "poolbench: the last line of {} was torn; it is now in {}\n", path.string(), aside.string());
  text.resize(complete);
}

// Refuses before anything is moved: a file of somebody else's stays as it is. A torn header of ours is no foreign one.
void require_our_header(const std::filesystem::path& path, std::string_view text) {
  const std::string header = csv_header();
  const bool ours = text.size() < header.size() ? std::string_view(header).starts_with(text) : text.starts_with(header);
  if (ours) return;
  throw ConfigError(fmt::format(
      "'{}' has a foreign header '{}'; allowed: the columns of schema version {}, '{}' (choose another directory with -o, or --fresh)",
      path.string(), shown(text), kSchemaVersion, shown(header)));
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read_field(const std::string& text, Sample& sample, const Field& field) {
  return std::visit(
      [&](const auto member) {
        if constexpr (std::is_same_v<decltype(member), std::string Sample::*const>) {
          sample.*member = text;
          return true;
        } else {
          return read_number(text, sample.*member);
        }
      },
      field);
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
      if (!read_field(record[c], sample, columns[c].field)) {
        throw ConfigError(fmt::format("{}: '{}' in column {}; allowed: a number", place, shown(record[c]), columns[c].name));
      }
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
