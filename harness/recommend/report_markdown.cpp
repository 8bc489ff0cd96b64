// A recommendation as Markdown, for an issue or a page.

#include <fmt/core.h>

#include <string>

#include "harness/base/quantity.h"
#include "harness/recommend/other_hosts.h"
#include "harness/recommend/python_report.h"
#include "harness/recommend/recommend.h"

namespace harness::recommend {

std::string markdown(const Question& question, const Recommendation& r) {
  const Choice& chosen = choice_of(r);
  std::string out =
      fmt::format("**{}**: {}{}\n\n", question.title, r.noise.empty() ? "" : "too noisy to tell; perhaps ", describe(chosen));
  out += reason(question, r) + ".\n\n";
  if (r.all) {
    out += fmt::format("For all {} tasks {} are predicted; runs of {} tasks:\n\n", question.tasks, human_ns(r.all->predicted_ns),
                       r.batch.tasks);
  }
  out += "| | predicted | measured | 95 % interval |\n|---|---|---|---|\n";
  for (const Measured& row : r.measured) {
    const char* const mark = row.choice == chosen ? "**" : "";
    out += fmt::format("| {0}{1}{0} | {2} | {3} | {4} to {5} |\n", mark, describe(row.choice), human_ns(row.predicted_ns),
                       human_ns(row.median_ns), human_ns(row.interval.lower), human_ns(row.interval.upper));
  }
  if (const auto found = leaving(question, r)) out += "\n" + leaving_text(*found) + ".\n";
  for (const std::string& note : r.notes) out += "\n* " + note + "\n";
  if (question.python) {
    out += '\n';
    for (const auto& [label, words] : python_facts(question, r.profile, kTimesWithStart))
      out += "* " + label + ": " + words + '\n';
    if (!r.program.main_ns.empty()) out += "* promised: " + program_text(r) + '\n';
    out += "\n```python\n" + python_code(question, r) + "```\n";
  }
  if (question.own) {
    if (const std::string snippet = own_snippet(*question.own, chosen); !snippet.empty())
      out += "\n```" + snippet_language(*question.own) + "\n" + snippet + "```\n";
  }
  return out;
}

}  // namespace harness::recommend
