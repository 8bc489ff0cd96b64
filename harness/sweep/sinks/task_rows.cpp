#include "harness/sweep/sinks/task_rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/read_file.h"
#include "harness/sweep/sinks/csv.h"
#include "harness/sweep/sinks/tasks_csv.h"

namespace harness {
namespace {

constexpr std::int64_t kMostNs = std::int64_t{1} << 62;
constexpr std::string_view kArrived = "arrived_ns";  // files of earlier versions have none

// One tasks/<run_id>.csv, a record at a time.
class TaskFile {
 public:
  TaskFile(std::filesystem::path path, const std::function<void(const TaskRow& row)>& visit)
      : path_(std::move(path)), visit_(visit) {
    row_.run_id = path_.stem().string();
  }

  void record(std::span<const std::string> fields, int line) {
    if (columns_ == 0) return header(fields);
    if (fields.size() != columns_) {
      throw ConfigError(fmt::format("{}:{}: {} fields instead of {}", path_.string(), line, fields.size(), columns_));
    }
    fields_ = fields;
    line_ = line;
    if (field("started_ns").empty() && has(kArrived)) return;  // it was rejected: nobody ran it
    TaskTrace& trace = row_.trace;
    row_.cell_id = field("cell_id");
    row_.rep = integer<std::int64_t>("rep");
    row_.task = integer<std::int64_t>("task");
    row_.worker = integer<std::int64_t>("worker");
    trace.pid = integer<std::int32_t>("pid");
    trace.tid = integer<std::int32_t>("tid");
    trace.submitted_ns = time("submitted_ns", 0);
    trace.started_ns = time("started_ns", trace.submitted_ns);
    trace.finished_ns = time("finished_ns", trace.started_ns);
    trace.callback_started_ns = trace.callback_finished_ns = kNoStamp;
    trace.callback_pid = trace.callback_tid = 0;
    row_.callback_worker = 0;
    if (!field("callback_started_ns").empty()) {
      trace.callback_started_ns = time("callback_started_ns", trace.finished_ns);
      trace.callback_finished_ns = time("callback_finished_ns", trace.callback_started_ns);
      row_.callback_worker = integer<std::int64_t>("callback_worker");
      trace.callback_pid = integer<std::int32_t>("callback_pid");
      trace.callback_tid = integer<std::int32_t>("callback_tid");
    }
    visit_(row_);
  }

 private:
  void header(std::span<const std::string> fields) {
    columns_ = fields.size();
    names_.assign(fields.begin(), fields.end());
    bool missing = false;
    parse_csv(tasks_csv_header()).records.front().swap(wanted_);
    for (const std::string& name : wanted_) missing = missing || (name != kArrived && !has(name));
    if (!missing) return;
    std::string line = tasks_csv_header();
    line.pop_back();
    throw ConfigError(fmt::format("'{}' has a foreign header; allowed: '{}'", path_.string(), line));
  }

  bool has(std::string_view name) const { return std::find(names_.begin(), names_.end(), name) != names_.end(); }

  const std::string& field(std::string_view name) const {
    return fields_[static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin())];
  }

  template <class Integer>
  Integer integer(std::string_view name, Integer least = 0, Integer most = std::numeric_limits<Integer>::max()) const {
    const std::string& text = field(name);
    Integer value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= least && value <= most) return value;
    throw ConfigError(fmt::format("{}:{}: '{}' in column {}; allowed: a number from {} to {}", path_.string(), line_,
                                  printable(text, 60), name, least, most));
  }
  std::int64_t time(std::string_view name, std::int64_t least) const { return integer<std::int64_t>(name, least, kMostNs); }

  std::filesystem::path path_;
  const std::function<void(const TaskRow& row)>& visit_;
  std::size_t columns_ = 0;
  std::vector<std::string> names_;
  std::vector<std::string> wanted_;
  std::span<const std::string> fields_;
  int line_ = 0;
  TaskRow row_;
};

}  // namespace

void read_task_rows(const std::filesystem::path& run_directory, const std::function<void(const TaskRow& row)>& visit) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run_directory / "tasks", error)) {
    if (entry.path().extension() == ".csv") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const std::filesystem::path& path : paths) {
    TaskFile file(path, visit);
    CsvParser parser([&file](std::span<const std::string> fields, int line) { file.record(fields, line); });
    read_pieces_if_there(path, "table", kMostTableBytes, [&parser](std::string_view piece) { parser.feed(piece); });
  }
}

}  // namespace harness
