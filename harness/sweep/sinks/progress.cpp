#include "harness/sweep/sinks/progress.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "harness/base/console.h"
#include "harness/base/quantity.h"
#include "harness/model/statistics.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kPlainInterval{30};

std::string cell_text(const Cell& cell) {
  std::string text = fmt::format("{} x{} {} {}", cell.backend, cell.workers, cell.workload, cell.strategy);
  if (cell.parsers != 0) text += fmt::format("({})", cell.parsers);
  return text + fmt::format(", {} tasks", cell.tasks);
}

}  // namespace

ProgressOptions stderr_progress() {
  ProgressOptions options;
  options.animated = ::isatty(STDERR_FILENO) == 1 && is_capable_terminal();
  options.colour = stderr_has_colours();
  struct winsize window {};
  if (options.animated && ::ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0) options.width = window.ws_col;
  options.verbosity = verbosity();
  options.write = [](const std::string& bytes) { say_live(bytes); };
  return options;
}

ProgressSink::ProgressSink(ProgressOptions options, std::map<std::string, int> repetitions)
    : options_(std::move(options)), left_(std::move(repetitions)) {}

void ProgressSink::checking(const Cell& cell, int done, int cells) {
  if (options_.verbosity == Verbosity::quiet) return;
  if (options_.animated) {
    line_.draw(fmt::format("checking digests {}/{}: {}", done, cells, cell_text(cell)), look());
  } else if (done == 0) {
    options_.write(fmt::format("checking digests of {} cells\n", cells));
  }
}

void ProgressSink::starting(const Cell& cell, const SweepState& state) {
  if (options_.verbosity == Verbosity::quiet) return;
  const int percent = state.steps == 0 ? 100 : static_cast<int>(100LL * state.done / state.steps);
  const std::string failures = state.failed == 0 ? "" : fmt::format(", {} failed", state.failed);
  const std::string line = fmt::format("[{}/{}] {}%, {} left{}: {}", state.done, state.steps, percent, eta_text(state.remaining),
                                       failures, cell_text(cell));
  if (options_.animated) {
    line_.draw(line + spread_text(cell.cell_id), look());
    return;
  }
  // Every tenth of the way and at least every half minute.
  const int tenth = percent / 10;
  if (tenth == last_plain_tenth_ && state.elapsed - last_plain_ < kPlainInterval) return;
  last_plain_tenth_ = tenth;
  last_plain_ = state.elapsed;
  options_.write(line + '\n');
}

void ProgressSink::row(const Cell& cell, const Sample& sample, const Trace* /*trace*/) {
  const bool is_measured = sample.is_warmup == 0;
  if (sample.status != "ok") tell_failure(sample);
  if (!is_measured) return;
  if (sample.status == "ok") {
    makespans_[cell.cell_id].push_back(sample.makespan_ns);
  } else {
    ++failed_[cell.cell_id];
  }
  const auto left = left_.find(cell.cell_id);
  if (left != left_.end() && --left->second == 0) tell_end(cell);
}

void ProgressSink::tell_failure(const Sample& sample) {
  line_.clear();
  options_.write(fmt::format("{}: {} x{} {} {} rep {}: {}\n", painted(sample.status, Paint::bad, look()), sample.backend,
                             sample.workers, sample.workload, sample.strategy, sample.rep, sample.error));
}

void ProgressSink::tell_end(const Cell& cell) {
  if (options_.verbosity != Verbosity::verbose) return;
  line_.clear();
  std::string text = cell_text(cell) + ": ";
  const std::vector<std::int64_t>& makespans = makespans_[cell.cell_id];
  if (makespans.empty()) {
    text += "no repetition ended well";
  } else {
    const auto [least, most] = std::minmax_element(makespans.begin(), makespans.end());
    text += fmt::format("median {} of {}, {} to {}", human_ns(model::median(makespans)), makespans.size(), human_ns(*least),
                        human_ns(*most));
  }
  const auto failed = failed_.find(cell.cell_id);
  options_.write(text + (failed == failed_.end() ? "\n" : fmt::format("; {} failed\n", failed->second)));
}

std::string ProgressSink::spread_text(const std::string& cell_id) const {
  const auto at = makespans_.find(cell_id);
  if (at == makespans_.end()) return {};
  const auto [least, most] = std::minmax_element(at->second.begin(), at->second.end());
  if (at->second.size() == 1) return fmt::format("; so far {}", human_ns(*least));
  return fmt::format("; so far {} to {} in {}", human_ns(*least), human_ns(*most), at->second.size());
}

void ProgressSink::finished(const SweepState& state) {
  line_.clear();
  if (options_.verbosity == Verbosity::quiet) return;
  options_.write(fmt::format("{} of {} repetitions in {}{}\n", state.done, state.steps, eta_text(state.elapsed),
                             state.failed == 0 ? "" : fmt::format(", {} failed", state.failed)));
}

void LiveLine::draw(std::string_view line, const Look& look) {
  const std::string_view cut = line.substr(0, static_cast<std::size_t>(options_.width - 1));
  options_.write(fmt::format("{}{}", kClearLine, painted(cut, Paint::faint, look)));
  is_drawn_ = true;
}

void LiveLine::clear() {
  if (!is_drawn_) return;
  options_.write(std::string(kClearLine));
  is_drawn_ = false;
}

std::string eta_text(std::chrono::nanoseconds duration) {
  const std::int64_t seconds = (duration.count() + 500'000'000) / 1'000'000'000;
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

}  // namespace harness
