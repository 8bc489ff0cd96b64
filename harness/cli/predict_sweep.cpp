#include "harness/cli/predict_sweep.h"

#include <fmt/core.h>

#include <optional>
#include <tuple>
#include <utility>

#include "harness/base/console.h"
#include "harness/model/closed_forms.h"
#include "harness/model/simulate.h"

namespace harness {
namespace {

// A line on stderr: the first after a second, then every half minute; on a terminal one line, redrawn.
class SweepProgress {
 public:
  SweepProgress(const ProgressOptions& options, std::size_t points) : options_(options), line_(options), points_(points) {}

  void show(std::size_t done, std::chrono::nanoseconds elapsed) {
    if (elapsed < next_ || done == points_) return;
    next_ = elapsed + (options_.animated ? std::chrono::nanoseconds(std::chrono::milliseconds(200))
                                         : std::chrono::nanoseconds(std::chrono::seconds(30)));
    const double left = static_cast<double>(elapsed.count()) / static_cast<double>(done) * static_cast<double>(points_ - done);
    const std::string line = fmt::format("predict: {} of {} cases, about {} left; Ctrl-C prints what there is", done, points_,
                                         eta_text(std::chrono::nanoseconds(static_cast<std::int64_t>(left))));
    if (options_.animated) {
      line_.draw(line);
    } else {
      options_.write(line + '\n');
    }
  }

 private:
  const ProgressOptions& options_;
  LiveLine line_;
  const std::size_t points_;
  std::chrono::nanoseconds next_ = std::chrono::seconds(1);
};

}  // namespace

ClientCounts counts_of(const PredictedPoint& point, const model::Prediction& prediction) {
  return counts_of_clients(model::sojourns_ns(point.model_case, prediction), point.factors.deadline_ns);
}

PredictedSweep predict_points(PredictRequest& request, bool with_formulas, const PredictSeams& seams) {
  PredictedSweep sweep;
  SweepProgress progress(seams.progress, request.points());
  const std::chrono::nanoseconds start = seams.now();
  for (std::size_t i = 0; i < request.points(); ++i) {
    if (seams.stop()) {
      sweep.interrupted = true;
      break;
    }
    const PredictedPoint& point = request.move_to(i);
    const model::Prediction prediction = model::simulate(point.model_case);
    SweepRow row{.sizes = sizes_of(point), .makespan_ns = prediction.makespan_ns};
    const bool arriving = !point.model_case.arrivals_ns.empty();
    if (arriving) {
      row.sojourn = model::summarise_sojourns(point.model_case, prediction);
      row.counts = counts_of(point, prediction);
    }
    if (with_formulas && !arriving) {
      const model::ClosedForm form = model::closed_form(point.model_case);
      row.decides = form.in_domain ? form.formula + ": " + form.binding_term : form.formula;
    }
    sweep.rows.push_back(std::move(row));
    const auto cost = [](const SweepRow& r) {
      return std::tuple(r.sojourn ? r.sojourn->p99_ns : r.makespan_ns, std::int64_t{r.sizes.workers} + r.sizes.parsers,
                        r.sizes.in_flight);
    };
    if (cost(sweep.rows.back()) < cost(sweep.rows[sweep.best])) sweep.best = i;
    progress.show(i + 1, seams.now() - start);
  }
  return sweep;
}

}  // namespace harness
