#include "harness/sweep/sinks/progress.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "harness/base/console.h"
#include "harness/base/quantity.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kPlainInterval{30};
constexpr std::string_view kClearLine = "\r\x1b[K";

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
  options.write = [](const std::string& bytes) {
    std::fputs(bytes.c_str(), stderr);
    std::fflush(stderr);
  };
  return options;
}

ProgressSink::ProgressSink(ProgressOptions options) : options_(std::move(options)) {}

ProgressSink::~ProgressSink() { clear(); }

void ProgressSink::checking(const Cell& cell, int done, int cells) {
  if (options_.animated) {
    draw(fmt::format("checking digests {}/{}: {}", done, cells, cell_text(cell)));
  } else if (done == 0) {
    options_.write(fmt::format("checking digests of {} cells\n", cells));
  }
}

void ProgressSink::starting(const Cell& cell, const SweepState& state) {
  const int percent = state.steps == 0 ? 100 : static_cast<int>(100LL * state.done / state.steps);
  const std::string failures = state.failed == 0 ? "" : fmt::format(", {} failed", state.failed);
  const std::string line = fmt::format("[{}/{}] {}%, {} left{}: {}", state.done, state.steps, percent, eta_text(state.remaining),
                                       failures, cell_text(cell));
  if (options_.animated) {
    draw(line + spread_text(cell.cell_id));
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
  if (sample.status == "ok") {
    if (sample.is_warmup != 0) return;
    Spread& spread = spreads_[cell.cell_id];
    spread.least_ns = spread.repetitions == 0 ? sample.makespan_ns : std::min(spread.least_ns, sample.makespan_ns);
    spread.most_ns = std::max(spread.most_ns, sample.makespan_ns);
    ++spread.repetitions;
    return;
  }
  clear();
  options_.write(fmt::format("{}: {} x{} {} {} rep {}: {}\n", painted(sample.status, Paint::bad, look()), sample.backend,
                             sample.workers, sample.workload, sample.strategy, sample.rep, sample.error));
}

std::string ProgressSink::spread_text(const std::string& cell_id) const {
  const auto at = spreads_.find(cell_id);
  if (at == spreads_.end()) return {};
  const Spread& spread = at->second;
  if (spread.repetitions == 1) return fmt::format("; so far {}", human_ns(spread.least_ns));
  return fmt::format("; so far {} to {} in {}", human_ns(spread.least_ns), human_ns(spread.most_ns), spread.repetitions);
}

void ProgressSink::finished(const SweepState& state) {
  clear();
  options_.write(fmt::format("{} of {} repetitions in {}{}\n", state.done, state.steps, eta_text(state.elapsed),
                             state.failed == 0 ? "" : fmt::format(", {} failed", state.failed)));
}

void ProgressSink::draw(const std::string& line) {
  const std::string_view cut = std::string_view(line).substr(0, static_cast<std::size_t>(options_.width - 1));
  options_.write(fmt::format("{}{}", kClearLine, painted(cut, Paint::faint, look())));
  line_drawn_ = true;
}

void ProgressSink::clear() {
  if (!line_drawn_) return;
  options_.write(std::string(kClearLine));
  line_drawn_ = false;
}

std::string eta_text(std::chrono::nanoseconds duration) {
  const std::int64_t seconds = (duration.count() + 500'000'000) / 1'000'000'000;
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

}  // namespace harness
