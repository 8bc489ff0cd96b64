// A recommendation as Markdown, for an issue or a page.

#include <fmt/core.h>

#include <string>

#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/recommend/other_hosts.h"
#include "harness/recommend/python_report.h"
#include "harness/recommend/recommend.h"

namespace harness::recommend {

std::string markdown(const Question& question, const Recommendation& r) {
  const Choice& chosen = choice_of(r);
  std::string out = fmt::format("**{}**: {}{}\n\n", question.title, r.noise.empty() ? "" : "too noisy to tell; perhaps ",
                                headline(question, r));
  out += "Why: " + reason(question, r) + ".\n\n";
  if (!r.all) out += "Ties with: " + ties_text(r) + ".\n\n";
  out += "How sure: " + how_sure_text(question, r) + ".\n\n";
  out += fmt::format("Runs of {}:\n\n", counted(r.batch.tasks, "task"));
  out += "| | predicted | measured | 95 % interval |\n|---|---|---|---|\n";
  for (const Measured& row : r.measured) {
    const char* const mark = row.choice == chosen ? "**" : "";
    out += fmt::format("| {0}{1}{0} | {2} | {3} | {4} |\n", mark, describe(row.choice), human_ns(row.predicted_ns),
                       human_ns(row.median_ns), interval_text(row));
  }
  if (const auto found = leaving(question, r)) out += "\n" + leaving_text(*found) + ".\n";
  for (const std::string& note : r.notes) out += "\n* " + note + "\n";
  if (question.python) {
    out += '\n';
    for (const auto& [label, words] : python_facts(question, r.profile, kTimesWithStart))
      out += "* " + label + ": " + words + '\n';
    if (const std::string promised = program_text(question, r); !promised.empty()) out += "* promised: " + promised + '\n';
    out += "\n```python\n" + python_code(question, r) + "```\n";
  }
  if (question.own) {
    if (const std::string snippet = own_snippet(*question.own, chosen); !snippet.empty())
      out += "\n```" + snippet_language(*question.own) + "\n" + snippet + "```\n";
  }
  return out;
}

}  // namespace harness::recommend
