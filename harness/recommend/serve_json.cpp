// Which size serves clients at a rate, as JSON: all that its text says; and the curve as CSV.

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/recommend/python_report.h"
#include "harness/recommend/serve.h"

namespace harness::recommend {
namespace {

using nlohmann::ordered_json;

ordered_json choice_json(const Question& question, const Choice& choice) {
  return {{"backend", backend_of(question, choice)},
          {"workers", choice.workers},
          {"strategy", std::string(model::name(choice.strategy))},
          {"parsers", choice.parsers}};
}

ordered_json times_json(const PercentileTimes& times) {
  ordered_json json;
  for (std::size_t i = 0; i < times.size(); ++i) json[std::string(kPercentiles[i].name)] = times[i];
  return json;
}

ordered_json quantiles_json(const ServedSize& size) {
  ordered_json json;
  for (std::size_t i = 0; i < kPercentiles.size(); ++i) {
    const model::Quantile q = size.quantile(i);
    json[std::string(kPercentiles[i].name)] = {{"value", q.value}, {"interval", {q.lower, q.upper}}, {"coverage", q.coverage}};
  }
  return json;
}

// Measured, and what the model has of the same clients.
ordered_json served_json(const Question& question, const ServedSize& size) {
  ordered_json json = choice_json(question, size.choice);
  json["rate_per_s"] = size.rate_per_s;
  json["runs"] = size.runs;
  json["ended"] = !size.too_long;
  json["arrived"] = size.arrived;
  json["rejected"] = size.rejected;
  json["predicted_rejected"] = size.modelled_rejected;
  json["clients"] = size.counted.size();
  json["sojourn_ns"]["measured"] = size.counted.empty() ? ordered_json() : quantiles_json(size);
  ordered_json& predicted = json["sojourn_ns"]["predicted"];
  for (std::size_t i = 0; i < kPercentiles.size() && !size.modelled.empty(); ++i) {
    predicted[std::string(kPercentiles[i].name)] = size.predicted_ns(i);
  }
  return json;
}

ordered_json sized_json(const Question& question, const Objective& objective, const Serving& s, const ServedSize& size) {
  ordered_json json = served_json(question, size);
  json["verdict"] = name(size.verdict(objective, binding_limit(s.profile, s.batch, size.choice).per_s));
  return json;
}

ordered_json point_json(const Question& question, const ServicePoint& point) {
  ordered_json json = choice_json(question, point.choice);
  json["capacity_per_s"] = point.capacity_per_s;
  json["load"] = point.load;
  json["sojourn_ns"] = times_json(point.sojourns_ns);
  json["keeps"] = point.keeps();
  return json;
}

ordered_json beyond_json(const Question& question, const Serving::BeyondRun& run) {
  const Beyond& b = run.beyond;
  return {{"when_full", b.when_full},   {"queue", b.queue},
          {"rate_per_s", b.rate_per_s}, {"rejected_share", b.rejected_share},
          {"late_per_s", b.late_per_s}, {"measured", run.run ? served_json(question, *run.run) : ordered_json()}};
}

const ServedSize* run_of_choice(const Serving& s) {
  const auto at =
      std::find_if(s.measured.begin(), s.measured.end(), [&](const ServedSize& size) { return size.choice == s.chosen.choice; });
  return at == s.measured.end() ? nullptr : &*at;
}

}  // namespace

std::string json(const Question& question, const Objective& objective, const Serving& s) {
  ordered_json out;
  out["work"] = question.title;
  out["rate_per_s"] = objective.rate_per_s;
  out["arrivals"] = objective.kind;
  for (const Bound& bound : objective.bounds) out["slo_ns"][std::string(bound.of().name)] = bound.most_ns;
  out["seed"] = question.seed;
  out["cores"] = s.profile.cores;
  out["cores_per_task"] = s.profile.cores_per_task;
  out["callback_ns"] = s.batch.callback.service_ns();
  out["mean_wait_ns"] = s.profile.mean_wait_ns();
  out["mean_compute_ns"] = s.profile.mean_compute_ns();
  out["wait_to_compute"] = s.profile.wait_to_compute() ? ordered_json(*s.profile.wait_to_compute()) : ordered_json();
  for (const Pool pool : {Pool::thread, Pool::process}) {
    const PoolProfile& p = s.profile.of(pool);
    out[backend_name(pool)] = {{"locked_share", p.locked_share},
                               {"dispatch_ns", p.dispatch_ns},
                               {"usl_alpha", p.usl.alpha},
                               {"usl_beta", p.usl.beta}};
  }
  out["kept"] = s.kept;  // false: nothing keeps the bounds, and the choice comes nearest
  out["sure"] = s.sure;
  out["choice"] = choice_json(question, s.chosen.choice);
  out["choice"]["capacity_per_s"] = s.chosen.capacity_per_s;
  out["choice"]["load"] = s.chosen.load;
  const ServedSize* const run = run_of_choice(s);
  out["sojourn_ns"] = {{"predicted", times_json(s.chosen.sojourns_ns)},
                       {"measured", run != nullptr && !run->counted.empty() ? quantiles_json(*run) : ordered_json()}};
  out["margin"] = {{"bound", kMargin}, {"load", kMostLoad}};
  out["minimum_workers"] = s.kept ? ordered_json(s.minimum_workers) : ordered_json();
  out["minimum_known"] = s.minimum_known;
  out["holds_up_to_per_s"] = s.holds_up_to_per_s ? ordered_json(*s.holds_up_to_per_s) : ordered_json();
  out["holder"] = choice_json(question, s.holder);
  out["passes"] = s.holds_up_to_per_s ? ordered_json({{"rate_per_s", s.passes_at_per_s}, {"sojourn_ns", times_json(s.passes_ns)}})
                                      : ordered_json();
  out["binds"] = s.binds;
  out["binds_next"] =
      s.binds_next ? ordered_json({{"server", s.binds_next->server}, {"capacity_per_s", s.binds_next->per_s}}) : ordered_json();
  out["why"] = serving_reason(s);
  out["rounds"] = s.rounds;
  out["clients"] = s.clients;  // of a repetition
  out["release_lag_p99_ns"] = s.release_lag_p99_ns;
  out["too_noisy"] = s.noise.empty() ? ordered_json() : ordered_json(s.noise);
  out["gate"] = {{"repeated", s.gate.repeated}, {"waited_ns", s.gate.waited.count()}};
  for (const char* list : {"measured", "checks", "beyond", "curve"}) out[list] = ordered_json::array();
  for (const ServedSize& size : s.measured) out["measured"].push_back(sized_json(question, objective, s, size));
  for (const ServedSize& size : s.checks) out["checks"].push_back(sized_json(question, objective, s, size));
  for (const Serving::BeyondRun& beyond : s.beyond) out["beyond"].push_back(beyond_json(question, beyond));
  for (const ServicePoint& point : s.curve) out["curve"].push_back(point_json(question, point));
  if (question.python)
    out["python"] = {{"interpreter", question.python->interpreter}, {"executor", python_executor(s.chosen.choice)}};
  out["notes"] = s.notes;
  return out.dump(1, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

std::string service_csv(const Objective& objective, const Serving& s) {
  std::string out = "backend,workers,strategy,parsers,rate_per_s,capacity_per_s";
  for (const Percentile& percentile : kPercentiles) out += fmt::format(",predicted_{}_ns", percentile.name);
  for (const Percentile& percentile : kPercentiles) out += fmt::format(",{}_ns", percentile.name);
  out += ",runs,chosen\n";
  for (const ServicePoint& point : s.curve) {
    const Choice& choice = point.choice;
    out += fmt::format("{},{},{},{},{:.6g},{:.6g}", backend_name(choice.pool), choice.workers, model::name(choice.strategy),
                       choice.parsers, objective.rate_per_s, point.capacity_per_s);
    for (const std::int64_t time : point.sojourns_ns) out += fmt::format(",{}", time);
    const auto run =
        std::find_if(s.measured.begin(), s.measured.end(), [&](const ServedSize& size) { return size.choice == choice; });
    const bool ran = run != s.measured.end() && !run->counted.empty();
    for (std::size_t i = 0; i < kPercentiles.size(); ++i) out += ran ? fmt::format(",{}", run->quantile(i).value) : ",";
    out += fmt::format(",{},{}\n", ran ? run->runs : 0, s.kept && choice == s.chosen.choice ? 1 : 0);
  }
  return out;
}

}  // namespace harness::recommend
