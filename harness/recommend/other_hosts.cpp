#include "harness/recommend/other_hosts.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/model/hop_forms.h"

namespace harness::recommend {
namespace {

// The first over hosts, or here, of what is sorted, the fastest first; nullptr: there is none.
template <class Item>
const Item* fastest_of(const std::vector<Item>& items, bool away) {
  const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return (item.choice.hosts > 0) == away; });
  return found == items.end() ? nullptr : &*found;
}

std::string ratio_words(double ratio) { return fmt::format("{:.2f}x", ratio); }

}  // namespace

std::optional<Leaving> leaving(const Question& question, const Recommendation& r) {
  const std::vector<Point>& curve = r.all ? r.all->curve : r.curve;
  const Point* const point_here = fastest_of(curve, false);
  const Point* const point_away = fastest_of(curve, true);
  if (point_here == nullptr || point_away == nullptr) return std::nullopt;
  Leaving found{.here = point_here->choice, .away = point_away->choice, .ratio = {}, .is_predicted = true, .from_ns = {}};
  const Measured* here = fastest_of(r.measured, false);
  const Measured* away = fastest_of(r.measured, true);
  const Measured& chosen = r.measured[r.choice];  // on its side it stands for what is as good and costs more
  (chosen.choice.hosts > 0 ? away : here) = &chosen;
  if (here != nullptr && away != nullptr && !r.all) {
    found.here = here->choice;
    found.away = away->choice;
    found.ratio = model::ratio_interval(here->makespans_ns, away->makespans_ns);
    found.is_predicted = false;
  } else {
    const double ratio = static_cast<double>(point_away->predicted_ns) / static_cast<double>(point_here->predicted_ns);
    found.ratio = {ratio, ratio, ratio, 0};
  }
  found.from_ns = model::break_even_ns(question.tasks, found.here.workers, found.away.workers, r.profile.hop);
  return found;
}

std::string leaving_text(const Leaving& l) {
  const char* const verdict = l.ratio.upper < 1   ? "pays"
                              : l.ratio.lower > 1 ? "does not pay"
                                                  : "makes no difference that could be told";
  const std::string sure = l.is_predicted ? " (predicted: the budget did not suffice for both)"
                                          : fmt::format(" [{}, {}]", ratio_words(l.ratio.lower), ratio_words(l.ratio.upper));
  std::string text = fmt::format("leaving the machine {}: {} takes {}{} as long as {}", verdict, describe(l.away),
                                 ratio_words(l.ratio.estimate), sure, describe(l.here));
  text += l.from_ns ? fmt::format("; with these numbers of workers it pays from tasks of {} on, by what the way costs",
                                  human_ns(*l.from_ns))
                    : "; with these numbers of workers it never can, by what the way costs";
  return text;
}

}  // namespace harness::recommend
