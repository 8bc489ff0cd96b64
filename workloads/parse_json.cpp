// The natural callback of a fetched JSON document.

#include <bit>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "workloads/catalogue.h"
#include "workloads/computation.h"
#include "workloads/digest.h"
#include "workloads/page.h"
#include "workloads/parser.h"

namespace workloads {
namespace {

using nlohmann::json;

std::uint64_t digest_of_scalar(std::uint64_t digest, const json& value) {
  switch (value.type()) {
    case json::value_t::string:
      return combine(digest, value.get_ref<const std::string&>());
    case json::value_t::boolean:
      return combine(digest, value.get<bool>() ? 1 : 0);
    case json::value_t::number_integer:
      return combine(digest, static_cast<std::uint64_t>(value.get<std::int64_t>()));
    case json::value_t::number_unsigned:
      return combine(digest, value.get<std::uint64_t>());
    case json::value_t::number_float:
      return combine(digest, std::bit_cast<std::uint64_t>(value.get<double>()));
    default:
      return digest;
  }
}

}  // namespace

std::uint64_t digest_of_json(std::string_view text) {
  json root;
  try {
    root = json::parse(text);
  } catch (const json::parse_error& error) {
    throw std::runtime_error("parse_json: the text is not JSON at byte " + std::to_string(error.byte));
  } catch (const json::exception&) {  // a number beyond the range of double
    throw std::runtime_error("parse_json: the text has a number that is out of range");
  }

  // Every value, with a stack of its own: a document nests as deep as it likes.
  std::uint64_t digest = 0;
  std::vector<const json*> open{&root};
  while (!open.empty()) {
    const json& value = *open.back();
    open.pop_back();
    digest = combine(digest, static_cast<std::uint64_t>(value.type()));
    if (value.is_object()) {
      digest = combine(digest, value.size());
      for (const auto& [key, member] : value.get_ref<const json::object_t&>()) {
        digest = combine(digest, key);
        open.push_back(&member);
      }
    } else if (value.is_array()) {
      digest = combine(digest, value.size());
      for (const json& element : value.get_ref<const json::array_t&>()) open.push_back(&element);
    } else {
      digest = digest_of_scalar(digest, value);
    }
  }
  return digest;
}

namespace {

class ParseJson final : public Parser {
 public:
  std::string_view name() const override { return "parse_json"; }
  std::string_view summary() const override { return "parses a JSON document (as a callback: the fetched one) and reads it"; }

 private:
  double rate(const Calibration& calibration) const override { return calibration.json_units_per_ns; }
  std::string own_text(const Work& work) const override { return json_document(work.seed, work.bytes); }
  std::uint64_t digest_of(std::string_view text) const override { return digest_of_json(text); }
};

}  // namespace

const Workload& parse_json_workload() {
  static const ParseJson kParseJson;
  return kParseJson;
}

}  // namespace workloads
