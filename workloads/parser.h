#pragma once

// What parse_json and parse_html_links share: how often a text is parsed.
//
// With a duration of 0 the text is parsed once, really; with more, as many whole times, at least once, as make the
// asked number of bytes most nearly. The text is the input (as a callback) or, without one, a document made from the
// seed.
//
// Thread safety: as Workload's.

#include "workloads/work.h"

namespace workloads {

class Parser : public Workload {
 public:
  Work make(const Request& request, const Calibration& calibration) const final;
  // Of an input, which is not known here, the size is taken to be work.bytes.
  Demand demand(const Work& work, const Calibration& calibration) const final;
  std::string_view callback(const Work&) const final { return "spin"; }
  Product run(const Work& work, const RunContext& context, std::string_view input) const final;

 private:
  virtual double rate(const Calibration& calibration) const = 0;  // bytes per ns
  virtual std::string own_text(const Work& work) const = 0;
  // Parses the text once. Throws std::runtime_error.
  virtual std::uint64_t digest_of(std::string_view text) const = 0;
};

}  // namespace workloads
