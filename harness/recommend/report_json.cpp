// A recommendation as JSON: all that its text says.

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/recommend/other_hosts.h"
#include "harness/recommend/python_report.h"
#include "harness/recommend/recommend.h"

namespace harness::recommend {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const Question& question, const Choice& choice) {
  return {{"backend", question.python ? python_backend(question, choice) : backend_name(choice.pool)},
          {"workers", choice.workers},
          {"strategy", std::string(model::name(choice.strategy))},
          {"parsers", choice.parsers},
          {"hosts", choice.hosts}};
}

ordered_json json_of(const Question& question, const Measured& m) {
  ordered_json json = json_of(question, m.choice);
  json["predicted_ns"] = m.predicted_ns;
  json["median_ns"] = m.median_ns;
  json["interval_ns"] = {m.interval.lower, m.interval.upper};
  json["makespans_ns"] = m.makespans_ns;
  return json;
}

ordered_json json_of(const Question& question, const Point& point) {
  ordered_json json = json_of(question, point.choice);
  json["predicted_ns"] = point.predicted_ns;
  return json;
}

// What is recommended for as many tasks as were asked for.
ordered_json answer(const Question& question, const Recommendation& r) {
  if (!r.all) return json_of(question, r.measured[r.choice]);
  ordered_json json = json_of(question, Point{r.all->choice, r.all->predicted_ns});
  json["median_ns"] = r.all->makespans_ns.empty() ? ordered_json() : ordered_json(model::median(r.all->makespans_ns));
  json["makespans_ns"] = r.all->makespans_ns;
  return json;
}

template <class Items>
ordered_json list_of(const Question& question, const Items& items) {
  ordered_json list = ordered_json::array();
  for (const auto& item : items) list.push_back(json_of(question, item));
  return list;
}

ordered_json ratios(const Recommendation& r) {
  ordered_json list = ordered_json::array();
  for (const Comparison& comparison : comparisons(r)) {
    list.push_back({{"rule", comparison.rule},
                    {"times_as_long", comparison.ratio.estimate},
                    {"interval", {comparison.ratio.lower, comparison.ratio.upper}},
                    {"predicted", comparison.is_predicted},
                    {"one_run", comparison.is_one_run}});
  }
  return list;
}

}  // namespace

std::string json(const Question& question, const Recommendation& r) {
  ordered_json out;
  out["work"] = question.title;
  out["tasks"] = question.tasks;
  out["tasks_run"] = r.batch.tasks;
  out["seed"] = question.seed;
  out["cores"] = r.profile.cores;
  out["cores_per_task"] = r.profile.cores_per_task;
  out["callback_ns"] = r.batch.callback.service_ns();
  out["mean_wait_ns"] = r.profile.mean_wait_ns();
  out["mean_compute_ns"] = r.profile.mean_compute_ns();
  out["waiting_share"] = r.profile.waiting_share();
  out["wait_to_compute"] = r.profile.wait_to_compute() ? ordered_json(*r.profile.wait_to_compute()) : nullptr;
  out["service_ns"] = {{"tasks", r.profile.services_ns.size()},
                       {"p50", r.profile.quantile_ns(0.5)},
                       {"p95", r.profile.quantile_ns(0.95)},
                       {"max", r.profile.quantile_ns(1)}};
  for (const Pool pool : {Pool::thread, Pool::process}) {
    const PoolProfile& p = r.profile.of(pool);
    const auto at = knee(r.profile, pool);
    out[backend_name(pool)] = {{"locked_share", p.locked_share},
                               {"dispatch_ns", p.dispatch_ns},
                               {"usl_alpha", p.usl.alpha},
                               {"usl_beta", p.usl.beta},
                               {"knee", at ? ordered_json(*at) : nullptr}};
  }
  out["one_at_a_time_ns"] = r.one_at_a_time_ns;  // of tasks_run
  if (r.all) out["all_one_at_a_time_ns"] = r.all->one_at_a_time_ns;
  out["rounds"] = r.rounds;
  out["too_noisy"] = r.noise.empty() ? ordered_json() : ordered_json(r.noise);
  out["gate"] = {{"repeated", r.gate.repeated}, {"waited_ns", r.gate.waited.count()}};
  out["choice"] = answer(question, r);
  out["workers_as_good"] =
      r.all ? ordered_json({r.all->fewest_workers, r.all->most_workers}) : ordered_json({r.fewest_workers, r.most_workers});
  out["why"] = reason(question, r);
  out["compared"] = ratios(r);
  if (const auto found = leaving(question, r)) {
    const model::Hop& hop = r.profile.hop;
    out["hosts"] = question.over_hosts;
    out["hop"] = {{"latency_ns", hop.latency_ns}, {"task_ns", hop.request_ns}, {"payload_ns", hop.answer_ns}};
    out["leaving"] = {{"here", json_of(question, found->here)},
                      {"away", json_of(question, found->away)},
                      {"times_as_long", found->ratio.estimate},
                      {"interval", {found->ratio.lower, found->ratio.upper}},
                      {"predicted", found->is_predicted}};
    out["leaving_pays_ns"] = found->from_ns ? ordered_json(*found->from_ns) : ordered_json();  // of a task; null: never
  }
  out["ties"] = ordered_json::array();
  for (const std::size_t tie : r.ties) {  // of fewer tasks than were asked for they say nothing
    if (!r.all) out["ties"].push_back(json_of(question, r.measured[tie]));
  }
  out["measured"] = list_of(question, r.measured);
  out["not_run"] = list_of(question, r.too_long);
  out["curve"] = list_of(question, r.curve);  // of tasks_run
  if (r.all) out["all_curve"] = list_of(question, r.all->curve);
  out["notes"] = r.notes;
  if (question.python) {
    const PythonQuestion& python = *question.python;
    out["python"] = {{"interpreter", python.interpreter},
                     {"gil", python.one_lock},
                     {"gil_share", r.profile.thread.locked_share},
                     {"async", python.seen.is_async},
                     {"unpicklable", python.seen.unpicklable},
                     {"import_ns", python.seen.import_ns},
                     {"process_bytes", python.seen.memory_bytes + python.seen.bare_bytes},
                     {"result_bytes", python.seen.result_bytes},
                     {"pickle_ns", python.seen.pickle_ns},
                     {"process_start_ns", r.profile.process.start_ns},
                     {"process_start_per_worker_ns", r.profile.process.start_per_worker_ns},
                     {"threads_in_a_task", std::max(python.seen.threads, python.seen.threads_started)},
                     {"set", python.work.environment},
                     {"prints", python.seen.prints},
                     {"code", python_code(question, r)}};
    if (!r.program.main_ns.empty()) {
      const model::Interval interval = model::median_interval(r.program.main_ns);
      out["python"]["program"] = {{"median_ns", model::median(r.program.main_ns)},
                                  {"interval_ns", {interval.lower, interval.upper}},
                                  {"runs", r.program.main_ns.size()}};
    }
  }
  if (question.own) {
    out["callback_workload"] = question.callback_workload;
    out["snippet"] = {{"language", snippet_language(*question.own)}, {"code", own_snippet(*question.own, choice_of(r))}};
  }
  if (!r.exhaustive.empty()) {
    out["exhaustive"] = list_of(question, r.exhaustive);
    out["judged"] = list_of(question, r.judged);
    out["regret"] = {{"ratio", r.regret.ratio},
                     {"low", r.regret.low},
                     {"high", r.regret.high},
                     {"rival", json_of(question, r.judged[r.regret.rival])}};
  }
  return out.dump(1) + '\n';
}

}  // namespace harness::recommend
