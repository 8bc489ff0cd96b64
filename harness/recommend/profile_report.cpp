#include "harness/recommend/profile_report.h"

#include <fmt/core.h>

#include "harness/base/quantity.h"
#include "harness/base/text.h"

namespace harness::recommend {
namespace {

constexpr std::size_t kIndent = 13;

}  // namespace

std::string line(const std::string& label, const std::string& words, const Look& look) {
  const std::string column = fmt::format("{:<{}}", label, kIndent);
  const bool is_doubt = label == "perhaps" || label == "but" || label == "not run";
  std::string text = column + words;
  if (label == "use") text = painted(text, Paint::strong, look);
  if (is_doubt) text = painted(column, Paint::doubtful, look) + words;
  return hang(text, kIndent, look.columns);
}

std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

std::string demand_text(const Profile& p) {
  std::string text = fmt::format("{} tasks one at a time: median {}, p95 {}, longest {}", p.services_ns.size(),
                                 human_ns(p.quantile_ns(0.5)), human_ns(p.quantile_ns(0.95)), human_ns(p.quantile_ns(1)));
  text += fmt::format("; waits {} of the time", percent(p.waiting_share()));
  if (const auto ratio = p.wait_to_compute()) text += fmt::format(" (W/C = {:.{}f})", *ratio, *ratio < 9.95 ? 2 : 1);
  if (p.cores_per_task > 1.2) text += fmt::format("; one task keeps {:.1f} cores busy by itself", p.cores_per_task);
  return text;
}

std::string contention_text(const Question& question, const Profile& p) {
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  if (p.thread.locked_share > 0) {
    add(question.python
            ? "the computing holds the GIL for " + percent(p.thread.locked_share) + " of its time"
            : percent(p.thread.locked_share) + " of the computing goes on under a lock that the threads of a process share" +
                  (p.process.locked_share == 0 ? ", which worker processes do not" : ""));
  } else if (p.process.locked_share > 0) {
    add(percent(p.process.locked_share) + " of the computing does not scale with worker processes");
  }
  for (const Pool pool : {Pool::thread, Pool::process}) {
    const Usl& usl = p.of(pool).usl;
    if (usl.contends())
      add(fmt::format("more at a time slows each down on the {} pool (USL: alpha {:.3g}, beta {:.2g})", backend_name(pool),
                      usl.alpha, usl.beta));
  }
  const std::int64_t extra = p.process.dispatch_ns - p.thread.dispatch_ns;
  if (extra > 0) add("a task costs " + human_ns(extra) + " more on a process pool");
  return text.empty() ? "nothing: tasks do not get into each other's way" : text;
}

std::string gate_words(const GateCounts& gate) {
  if (gate.repeated == 0 && gate.waited.count() < 1'000'000'000) return "";
  return fmt::format("; for a quiet machine {} repetition{} repeated, and {} waited", gate.repeated,
                     gate.repeated == 1 ? " was" : "s were", human_duration(gate.waited));
}

}  // namespace harness::recommend
