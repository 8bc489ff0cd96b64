#include "harness/model/completion_forms.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "harness/model/simulate.h"

namespace harness::model {

std::int64_t sum(const std::vector<std::int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::int64_t{0});
}

ClosedForm exactly(std::string formula, std::int64_t value_ns, std::string binding) {
  return {
      .formula = std::move(formula), .in_domain = true, .violated = "", .value_ns = value_ns, .binding_term = std::move(binding)};
}

ClosedForm simulated(std::string formula, const Case& c, std::string why) {
  return {.formula = std::move(formula),
          .in_domain = false,
          .violated = std::move(why),
          .value_ns = simulate(c).makespan_ns,
          .binding_term = ""};
}

ClosedForm larger(std::string formula, std::string first, std::int64_t first_ns, std::string second, std::int64_t second_ns) {
  const bool second_binds = second_ns > first_ns;
  return {.formula = std::move(formula),
          .in_domain = true,
          .violated = "",
          .value_ns = std::max(first_ns, second_ns),
          .binding_term = second_binds ? std::move(second) : std::move(first)};
}

ClosedForm one_server_form(const Case& c, const Shape& s) {
  const TandemTerm term = tandem(finish_times(c), s.callbacks);
  return exactly("max_j [r_(j) + sum_{i>=j} c_(i)]", term.value_ns, "j = " + std::to_string(term.j));
}

ClosedForm extra_form(const Case& c, const Shape& s) {
  if (c.overheads.routing_ns > 0) {
    return simulated("simulation of extra", c, "hand-over costs " + duration_text(c.overheads.routing_ns) + ", not 0");
  }
  if (!s.equal_callbacks) return simulated("simulation of extra", c, "callbacks differ: " + s.range_of(s.callbacks));
  std::vector<std::int64_t> r = finish_times(c);
  std::sort(r.begin(), r.end());
  ClosedForm form = exactly("max_j [r_(j) + (floor((n-j)/m) + 1)c]", -1, "");
  for (std::int64_t j = 1; j <= s.n; ++j) {
    const std::int64_t value = r[static_cast<std::size_t>(j - 1)] + ((s.n - j) / c.parsers + 1) * s.c;
    if (value <= form.value_ns) continue;
    form.value_ns = value;
    form.binding_term = "j = " + std::to_string(j);
  }
  return form;
}

ClosedForm collect_form(const Case& c, const Shape& s) {
  const std::int64_t submitted = s.n * c.overheads.submit_ns;
  const std::vector<std::int64_t> finish = finish_times(c);
  ClosedForm form = exactly("max(nd + sum c, max_j [F_j + sum_{i>=j} c_i])", submitted + sum(s.callbacks), "nd + sum c");
  std::int64_t rest = 0;
  std::int64_t best = -1;
  std::size_t best_j = 0;
  for (std::size_t j = finish.size(); j-- > 0;) {
    rest += s.callbacks[j];
    if (finish[j] + rest < best) continue;
    best = finish[j] + rest;
    best_j = j + 1;
  }
  if (best > form.value_ns) {
    form.value_ns = best;
    form.binding_term = "j = " + std::to_string(best_j);
  }
  return form;
}

ClosedForm as_completed_form(const Case& c, const Shape& s) {
  std::vector<std::int64_t> ready = finish_times(c);
  for (std::int64_t& r : ready) r = std::max(r, s.n * c.overheads.submit_ns);
  const TandemTerm term = tandem(ready, s.callbacks);
  return exactly(c.overheads.submit_ns == 0 ? "max_j [r_(j) + sum_{i>=j} c_(i)]" : "main with r := max(F, nd)", term.value_ns,
                 "j = " + std::to_string(term.j));
}

TandemTerm tandem(const std::vector<std::int64_t>& completions_ns, const std::vector<std::int64_t>& callbacks_ns) {
  std::vector<std::size_t> order(completions_ns.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return completions_ns[a] < completions_ns[b]; });
  TandemTerm best{-1, 0};
  std::int64_t rest = 0;
  for (std::size_t j = order.size(); j-- > 0;) {
    rest += callbacks_ns[order[j]];
    const std::int64_t value = completions_ns[order[j]] + rest;
    if (value >= best.value_ns) best = {value, j + 1};
  }
  return best;
}

}  // namespace harness::model
