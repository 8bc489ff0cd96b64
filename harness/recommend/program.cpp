#include "harness/recommend/program.h"

#include <fmt/core.h>

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/base/console.h"
#include "harness/engine/drivers/protocol.h"
#include "harness/recommend/python_report.h"
#include "harness/recommend/records.h"
#include "harness/recommend/trials.h"
#include "harness/sweep/interrupt.h"

namespace harness::recommend {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kRuns = 5;
constexpr int kReservedRuns = 3;
constexpr double kFirst = 0.15;        // share of the budget, used up or not: what takes no longer is run once
constexpr double kMostReserved = 0.2;  // share of the budget
constexpr nanoseconds kBeside = std::chrono::milliseconds(200);  // what a run costs beside main(): Python's start, its imports
constexpr int kHangs = 10;                                       // times as long as expected

nanoseconds part_of_budget(const Question& question, double share) {
  return nanoseconds(static_cast<std::int64_t>(share * static_cast<double>(question.budget.count())));
}

// The lines of standard input, where the program reads its inputs there.
std::string standard_input(const PythonWork& work) {
  if (work.inputs_file != "-") return {};
  std::string lines;
  for (const nlohmann::json& input : nlohmann::json::parse(work.inputs)) lines += input.get<std::string>() + '\n';
  return lines;
}

}  // namespace

nanoseconds reserved_for_program(const Question& question, nanoseconds expected) {
  if (!question.python || !question.python->run_program) return nanoseconds(0);
  return std::min(part_of_budget(question, kMostReserved), kReservedRuns * (expected + kBeside));
}

void run_program(const Question& question, Recommendation& found, const Trials& trials, Records* records) {
  if (!question.python || !question.python->run_program) return;
  const std::string code = python_code(question, found);
  ProgramRuns& runs = found.program;
  if (records != nullptr) runs = records->program_runs(code);
  const nanoseconds promised(time_of_choice(found));
  const bool answered = records != nullptr && records->complete();
  while (!answered && runs.failure.empty() && runs.main_ns.size() < kRuns) {
    const nanoseconds left = runs.main_ns.empty() ? std::max(trials.left(1), part_of_budget(question, kFirst)) : trials.left(1);
    if (promised + kBeside > left) break;
    trials.tell(fmt::format("the program, run {} of {}", runs.main_ns.size() + 1, kRuns));
    try {
      const nanoseconds expected = promised + nanoseconds(question.python->seen.import_ns);
      runs.main_ns.push_back(question.python->run_program(code, std::max<nanoseconds>(kLeastDeadline, kHangs * expected)));
    } catch (const std::exception& error) {  // whatever it is, what was measured stands
      if (interrupt_requested()) throw Interrupted{};
      runs.failure = printable(error.what());
    }
    if (records != nullptr) records->keep_program(code, runs);
    if (interrupt_requested()) throw Interrupted{};
  }
  if (!runs.failure.empty()) found.notes.push_back("the program below was run, and failed: " + runs.failure);
}

std::int64_t time_program(const std::string& code, const PythonWork& work, const drivers::Command& driver,
                          const std::filesystem::path& scratch, nanoseconds within) {
  if (!is_utf8(scratch.string())) throw ConfigError("its directory '" + scratch.string() + "' is not UTF-8");
  try {
    const auto answer = nlohmann::json::parse(
        drivers::run_program(driver, code, standard_input(work), scratch.string(), within, interrupt_requested));
    if (answer.contains("failure")) throw ConfigError(answer.at("failure").get<std::string>());
    return answer.at("main_ns").get<std::int64_t>();
  } catch (const drivers::DriverError& error) {
    throw ConfigError(error.what());
  } catch (const nlohmann::json::exception& error) {
    throw ConfigError(std::string("Python's driver says of it what makes no sense: ") + error.what());
  }
}

}  // namespace harness::recommend
