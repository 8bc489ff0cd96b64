#include "harness/recommend/records.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/read_file.h"
#include "harness/core/sojourns.h"
#include "harness/plan/plan.h"
#include "harness/recommend/looks.h"
#include "harness/sweep/sinks/cells_json.h"
#include "harness/sweep/sinks/file.h"

namespace harness::recommend {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

ordered_json pool_json(const PoolProfile& pool) {
  return {{"locked_share", pool.locked_share}, {"dispatch_ns", pool.dispatch_ns},
          {"usl_alpha", pool.usl.alpha},       {"usl_beta", pool.usl.beta},
          {"start_ns", pool.start_ns},         {"start_per_worker_ns", pool.start_per_worker_ns}};
}

PoolProfile pool_from(const ordered_json& json) {
  return {.locked_share = json.at("locked_share"),
          .dispatch_ns = json.at("dispatch_ns"),
          .usl = {json.at("usl_alpha"), json.at("usl_beta")},
          .start_ns = json.at("start_ns"),
          .start_per_worker_ns = json.at("start_per_worker_ns")};
}

std::string text_of(const FirstRuns& first) {
  ordered_json json;
  json["tasks_run"] = first.tasks;
  json["contenders_only"] = first.contenders_only;
  json["cores"] = first.profile.cores;
  json["cores_per_task"] = first.profile.cores_per_task;
  json["services_ns"] = first.profile.services_ns;
  json["demands_ns"] = ordered_json::array();  // waiting, computing
  for (const model::Demand& demand : first.profile.demands) json["demands_ns"].push_back({demand.wait_ns, demand.compute_ns});
  json["callback_ns"] = {first.callback.wait_ns, first.callback.compute_ns};
  json["thread"] = pool_json(first.profile.thread);
  json["process"] = pool_json(first.profile.process);
  if (const model::Hop& hop = first.profile.hop; hop.any()) {
    json["hop_ns"] = {hop.latency_ns, hop.request_ns, hop.answer_ns};  // one way, a task's request, its result
  }
  json["notes"] = first.notes;
  return json.dump(1) + '\n';
}

FirstRuns first_runs_from(const ordered_json& json) {
  FirstRuns first;
  first.tasks = json.at("tasks_run");
  first.contenders_only = json.at("contenders_only");
  first.profile.cores = json.at("cores");
  first.profile.cores_per_task = json.at("cores_per_task");
  first.profile.services_ns = json.at("services_ns").get<std::vector<std::int64_t>>();
  for (const auto& demand : json.at("demands_ns")) {
    first.profile.demands.push_back({.wait_ns = demand.at(0), .compute_ns = demand.at(1)});
  }
  first.callback = {.wait_ns = json.at("callback_ns").at(0), .compute_ns = json.at("callback_ns").at(1)};
  first.profile.thread = pool_from(json.at("thread"));
  first.profile.process = pool_from(json.at("process"));
  if (const auto hop = json.find("hop_ns"); hop != json.end()) {
    first.profile.hop = {.latency_ns = hop->at(0), .request_ns = hop->at(1), .answer_ns = hop->at(2)};
  }
  first.notes = json.at("notes").get<std::vector<std::string>>();
  if (first.profile.demands.empty() || first.tasks < 1) throw std::invalid_argument("no tasks");
  return first;
}

// What is there and would be mixed up with runs of another question; nothing: the directory can be gone on with, or is empty.
bool is_of_another(const fs::path& directory, const std::string& question) {
  const std::optional<std::string> asked = read_file_if_there(directory / "question.json", "question", kMostTableBytes);
  if (asked) return *asked != question;
  std::error_code error;
  return fs::exists(directory / "results.csv", error);
}

}  // namespace

Records::Records(Settings settings) : settings_(std::move(settings)), run_id_(make_run_id()) {
  ordered_json question = ordered_json::parse(settings_.question);
  question["machine_id"] = settings_.environment.machine_id;
  question["build_id"] = settings_.environment.build_id;
  const std::string text = question.dump(1) + '\n';
  const fs::path& path = settings_.directory;
  if (settings_.fresh || is_of_another(path, text)) {
    const fs::path aside = put_old_directory_away(path);
    if (!aside.empty()) tell(fmt::format("the old directory is now {}\n", aside.string()));
  }
  directory_.emplace(path);
  std::error_code error;
  if (!fs::exists(path / "question.json", error)) write_new_file(path / "question.json", text);
  if (!settings_.looks.empty()) replace_file(Looks::path(path), settings_.looks);
  complete_ = fs::exists(path / "recommendation.json", error);
  sojourns_ = read_sojourns(path);
  for (const Sample& row : directory_->present()) {
    if (row.status != "ok" || row.is_warmup != 0) continue;
    if (row.machine_id == settings_.environment.machine_id && row.build_id == settings_.environment.build_id) {
      known_[{row.cell_id, row.rep}] = row;
    }
  }
}

int Records::rounds() const {
  const auto answer = read_file_if_there(settings_.directory / "recommendation.json", "answer", kMostTableBytes);
  const auto json = nlohmann::json::parse(answer.value_or("{}"), nullptr, false);
  return json.is_object() && json.contains("rounds") && json["rounds"].is_number_integer() ? json["rounds"].get<int>() : 0;
}

const Sample* Records::row(const Cell& cell, int rep) const {
  const auto found = known_.find({cell.cell_id, rep});
  return found == known_.end() ? nullptr : &found->second;
}

const std::vector<std::int64_t>* Records::sojourns(const Cell& cell, int rep) const {
  const Sample* const known = row(cell, rep);
  if (known == nullptr) return nullptr;
  const auto found = sojourns_.find({known->run_id, cell.cell_id, rep});
  return found == sojourns_.end() ? nullptr : &found->second;
}

void Records::write_down() {
  if (written_down_) return;
  write_context(directory_->path(), {.run_id = run_id_,
                                     .started_utc = utc_now(),
                                     .suite = "recommend",
                                     .argv = settings_.arguments,
                                     .seed = 0,
                                     .order = "random",
                                     .environment = settings_.environment,
                                     .calibration = calibration_,
                                     .drivers = {},
                                     .part = {},
                                     .sweep = {},
                                     .clocks = clocks_});
  written_down_ = true;
}

void Records::keep(const Cell& cell, Sample sample, int rep, bool is_warmup, const Trace* trace) {
  write_down();
  if (!planned_.contains(cell.cell_id)) {
    Plan plan;
    plan.suite_name = "recommend";
    plan.cells.push_back({.cell = cell, .runs = 0, .warmup = 0});
    write_cells(directory_->path(), run_id_, plan);
    planned_[cell.cell_id] = 1;
  }
  sample.run_id = run_id_;
  sample.machine_id = settings_.environment.machine_id;
  sample.build_id = settings_.environment.build_id;
  sample.cell_id = cell.cell_id;
  sample.rep = rep;
  sample.is_warmup = is_warmup ? 1 : 0;
  sample.run_order = rows_++;
  sample.started_utc = utc_now();
  if (trace != nullptr && has_arrivals(*trace)) {  // first, so that no row is without them
    if (!new_sojourns_) new_sojourns_.emplace(directory_->path(), run_id_);
    new_sojourns_->row(cell, sample, trace);
  }
  directory_->results().row(cell, sample, nullptr);
}

void Records::keep(const std::string& backend, const HopCosts& costs) {
  calibration_.hops.insert_or_assign(backend, costs.hop);
  clocks_.insert_or_assign(backend, costs.clocks);
}

std::optional<FirstRuns> Records::first_runs() const {
  const std::optional<std::string> text =
      read_file_if_there(directory_->path() / "profile.json", "profile of the work", kMostTableBytes);
  if (!text) return std::nullopt;
  try {
    return first_runs_from(ordered_json::parse(*text));
  } catch (const std::exception& error) {  // of the JSON library, and above
    throw ConfigError("'" + (directory_->path() / "profile.json").string() + "' is no profile of a recommendation (" +
                      error.what() + "); --fresh measures anew");
  }
}

void Records::keep(const FirstRuns& first) { replace_file(directory_->path() / "profile.json", text_of(first)); }

ProgramRuns Records::program_runs(const std::string& code) const {
  const fs::path path = directory_->path() / "program.json";
  const std::optional<std::string> text = read_file_if_there(path, "runs of the printed program", kMostTableBytes);
  if (!text) return {};
  try {
    const ordered_json runs = ordered_json::parse(*text);
    if (runs.at("code") != code) return {};  // another choice
    return {runs.at("main_ns").get<std::vector<std::int64_t>>(), runs.value("failure", "")};
  } catch (const ordered_json::exception& error) {
    throw ConfigError("'" + path.string() + "' has no runs of a program (" + error.what() + "); --fresh measures anew");
  }
}

void Records::keep_program(const std::string& code, const ProgramRuns& runs) {
  ordered_json kept{{"code", code}, {"main_ns", runs.main_ns}};
  if (!runs.failure.empty()) kept["failure"] = runs.failure;
  replace_file(directory_->path() / "program.json", kept.dump(1) + '\n');
}

void Records::finish(const Question& question, const Recommendation& recommendation) {
  finish("curve.csv", curve_csv(recommendation), json(question, recommendation));
}

void Records::finish(const std::string& csv_name, const std::string& csv, const std::string& json) {
  std::error_code error;
  fs::create_directories(directory_->path() / "derived", error);
  replace_file(directory_->path() / "derived" / csv_name, csv);
  replace_file(directory_->path() / "recommendation.json", json);
}

std::string curve_csv(const Recommendation& r) {
  std::string out = "backend,workers,strategy,parsers,hosts,tasks,predicted_ns,median_ns,lower_ns,upper_ns,runs,chosen\n";
  const Choice& chosen = choice_of(r);
  const auto add = [&](const Choice& choice, int tasks, std::int64_t predicted_ns, const Measured* run) {
    out += fmt::format("{},{},{},{},{},{},{},", backend_name(choice.pool), choice.workers, model::name(choice.strategy),
                       choice.parsers, choice.hosts, tasks, predicted_ns);
    if (run != nullptr) {
      out += fmt::format("{},{},{},{},", run->median_ns, run->interval.lower, run->interval.upper, run->makespans_ns.size());
    } else {
      out += ",,,0,";
    }
    out += choice == chosen ? "1\n" : "0\n";
  };
  for (const Point& point : r.curve) {
    const auto run =
        std::find_if(r.measured.begin(), r.measured.end(), [&](const Measured& m) { return m.choice == point.choice; });
    add(point.choice, r.batch.tasks, point.predicted_ns, run == r.measured.end() ? nullptr : &*run);
  }
  for (const Measured& run : r.measured) {
    const bool on_curve = std::any_of(r.curve.begin(), r.curve.end(), [&](const Point& p) { return p.choice == run.choice; });
    if (!on_curve) add(run.choice, r.batch.tasks, run.predicted_ns, &run);
  }
  return out;
}

}  // namespace harness::recommend
