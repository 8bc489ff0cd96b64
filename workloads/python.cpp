// Functions of the user's in Python, and what is done with their results: a driver runs them (docs/drivers.md). Which they are is in the
// Subject; `python:MODULE:FUNCTION` names them in a cell.

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "workloads/catalogue.h"
#include "workloads/named_workloads.h"

namespace workloads {
namespace {

class Python final : public Workload {
 public:
  explicit Python(std::string name, std::string summary = "a Python function of the user's")
      : name_(std::move(name)), summary_(std::move(summary)) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return summary_; }
  Needs needs() const override { return {.subject = true}; }

  Work make(const Request& request, const Calibration&) const override {
    return {.resource = request.index, .seed = request.seed};
  }
  Demand demand(const Work&, const Calibration&) const override { return {}; }
  std::string_view callback(const Work&) const override { return "python_callback"; }
  const Workload& in_catalogue() const override { return name_ == "python_callback" ? *this : python_workload(); }
  const Workload& as_callback() const override { return python_callback_workload(); }
  std::string_view blocks() const override { return "only Python's executors run it"; }

  Product run(const Work&, const RunContext&, std::string_view) const override {
    throw std::runtime_error(name_ + ": only CPython's executors run it");
  }

 private:
  const std::string name_;
  const std::string summary_;
};

}  // namespace

const Workload& python_workload() {
  static const Python kPython("python",
                              "calls a Python function of the user's per input: poolbench recommend --python MODULE:FUNCTION");
  return kPython;
}

const Workload& python_callback_workload() {
  static const Python kCallback(
      "python_callback",
      "calls a Python function of the user's with what the task has returned: poolbench recommend --callback MODULE:FUNCTION");
  return kCallback;
}

const Workload* find_python_workload(std::string_view name) {
  constexpr std::string_view kPrefix = "python:";
  const std::size_t colon = name.rfind(':');
  if (!name.starts_with(kPrefix) || colon <= kPrefix.size() || colon + 1 >= name.size()) return nullptr;
  static NamedWorkloads<Python> all;
  return &all.named(name);
}

}  // namespace workloads
