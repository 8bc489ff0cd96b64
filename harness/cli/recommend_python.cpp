#include "harness/cli/recommend_python.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/drivers/foreign.h"
#include "harness/engine/drivers/programs.h"
#include "harness/engine/own/inputs.h"
#include "harness/engine/own/python_names.h"
#include "harness/engine/scratch.h"
#include "harness/machine/environment.h"
#include "harness/recommend/looks.h"
#include "harness/recommend/program.h"
#include "harness/report/flat_table.h"

namespace harness {
namespace {

using recommend::Pool;

constexpr double kLooking = 0.15;  // share of the budget

// What the backends of that interpreter are named by at their end.
std::string suffix_of(const std::string& interpreter) {
  if (interpreter.empty()) return {};
  const bool is_path = interpreter.find('/') != std::string::npos;
  const auto found = is_path ? std::optional<std::filesystem::path>(interpreter) : drivers::find_program(interpreter);
  std::error_code error;
  if (!found || !std::filesystem::is_regular_file(*found, error)) {
    throw ConfigError(fmt::format("--interpreter '{}': there is no such program", interpreter));
  }
  try {
    return drivers::add_python(found->string());
  } catch (const ConfigError& refusal) {  // which names the flag of `run` and `case`
    std::string words = refusal.what();
    if (words.starts_with("--python")) words.replace(0, std::string_view("--python").size(), "--interpreter");
    throw ConfigError(words);
  }
}

// Variables of libraries that start threads inside a task, for as many as there are workers; not those that are set already.
void bound_threads(recommend::PythonWork& work, const recommend::Seen& seen) {
  if (seen.threads == 0 && seen.profile.cores_per_task <= 1.2) return;
  for (const std::string& variable : seen.variables) {
    if (std::getenv(variable.c_str()) == nullptr) work.environment[variable] = "1";
  }
}

Asked question_for(const std::string& interpreter, recommend::PythonWork work, const PythonFlags& flags,
                   recommend::Question question) {
  const std::string suffix = suffix_of(interpreter);
  const drivers::DriverBackend& backend = *drivers::known_backend("cpython_thread" + suffix);
  backend.require();
  const drivers::Record record = drivers::record_of(backend);
  const auto started = std::chrono::steady_clock::now();
  const auto looking =
      std::chrono::nanoseconds(static_cast<std::int64_t>(kLooking * static_cast<double>(question.budget.count())));
  const Environment environment = read_environment();
  recommend::Looks looks(flags.earlier,
                         record.executable + ' ' + record.version + ' ' + environment.machine_id + ' ' + environment.build_id);
  recommend::Seen seen = looks.look(work, backend.command(), question.cores, looking, flags.deadline);
  bound_threads(work, seen);
  if (!work.environment.empty()) {
    const int threads = seen.threads;
    seen = looks.look(work, backend.command(), question.cores, looking, flags.deadline);
    seen.threads = threads;
  }
  question.budget =
      std::max<std::chrono::nanoseconds>(std::chrono::seconds(1), question.budget - (std::chrono::steady_clock::now() - started));
  question.workload = "python:" + work.function;
  question.title = work.function + (work.callback.empty() ? "" : " and " + work.callback);
  question.callback = seen.callback;
  question.pools = {Pool::thread};
  if (seen.is_async) question.pools.push_back(Pool::loop);
  const bool to_thread = !seen.is_async && drivers::known_backend("cpython_to_thread" + suffix)->missing().empty();
  if (to_thread) question.variants.push_back(Pool::to_thread);
  if (seen.unpicklable.empty()) {
    question.pools.push_back(Pool::process);
    question.variants.insert(question.variants.end(), {Pool::forkserver, Pool::spawn});
  }
  const std::string who = fmt::format("{} {} ({})", record.language, record.version, record.executable);
  workloads::Subject subject;
  subject.python = recommend::code_of(work);
  const auto scratch = std::make_shared<std::optional<Scratch>>();  // made when it is needed
  const auto run_program = [work, scratch, command = backend.command()](const std::string& code,
                                                                        std::chrono::nanoseconds within) {
    if (!*scratch) scratch->emplace(temporary_directory());
    return recommend::time_program(code, work, command, (*scratch)->directory(), within);
  };
  question.python = recommend::PythonQuestion{std::move(work), std::move(seen), who, suffix, record.one_lock, run_program};
  return {std::move(question), std::move(subject), looks.text()};
}

}  // namespace

std::chrono::nanoseconds budget_after_looking(std::chrono::nanoseconds budget) {
  const auto left = static_cast<std::int64_t>((1 - kLooking) * static_cast<double>(budget.count()));
  return std::max<std::chrono::nanoseconds>(std::chrono::seconds(1), std::chrono::nanoseconds(left));
}

void blame_input(const Asked& asked, std::chrono::nanoseconds deadline) {
  const recommend::Question& question = asked.question;
  const drivers::DriverBackend& backend = *drivers::known_backend(recommend::backend_of(question, {Pool::thread}));
  recommend::examine(question.python->work, backend.command(), question.cores, question.budget, deadline, question.tasks);
}

std::vector<Asked> python_questions(const PythonFlags& flags, const std::vector<std::string>& inputs,
                                    const recommend::Question& question) {
  recommend::PythonWork work;
  work.paths = {""};
  work.function = own::python_name("--python", flags.function, work.paths);
  if (!flags.callback.empty()) work.callback = own::python_name("--callback", flags.callback, work.paths);
  work.inputs_file = flags.inputs_file;
  work.range = flags.range;
  work.json_lines = flags.inputs_file.ends_with(".jsonl");
  work.input_count = static_cast<std::int64_t>(inputs.size());
  work.lone_returns = std::ranges::any_of(inputs, [](const std::string& line) { return line.find('\r') != std::string::npos; });
  const std::vector<std::string> used(inputs.begin(), inputs.begin() + question.inputs);
  work.inputs = own::inputs_json(used, work.json_lines, flags.inputs_file);
  std::vector<std::string> interpreters = flags.interpreters;
  if (interpreters.empty()) interpreters.emplace_back();
  recommend::Question each = question;
  each.budget /= static_cast<std::int64_t>(interpreters.size());
  std::vector<Asked> asked;
  for (const std::string& interpreter : interpreters) asked.push_back(question_for(interpreter, work, flags, each));
  return asked;
}

std::string curves_csv(const std::vector<Asked>& asked, const std::vector<recommend::Recommendation>& found) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (std::size_t at = 0; at < asked.size(); ++at) {
    const recommend::Question& question = asked[at].question;
    const nlohmann::ordered_json answer = nlohmann::ordered_json::parse(recommend::json(question, found[at]));
    for (const nlohmann::ordered_json& point : answer.at("curve")) {
      nlohmann::ordered_json row{{"interpreter", question.python->interpreter}};
      row.update(point);
      rows.push_back(std::move(row));
    }
  }
  return csv_of(rows);
}

}  // namespace harness
