// The natural callback of a fetched HTML page: what a crawler does with it.

#include <gumbo.h>

#include <memory>
#include <vector>

#include "workloads/catalogue.h"
#include "workloads/computation.h"
#include "workloads/digest.h"
#include "workloads/page.h"
#include "workloads/parser.h"

namespace workloads {
namespace {

struct DestroyOutput {
  void operator()(GumboOutput* output) const { gumbo_destroy_output(&kGumboDefaultOptions, output); }
};

const GumboVector* children_of(const GumboNode& node) {
  switch (node.type) {
    case GUMBO_NODE_DOCUMENT:
      return &node.v.document.children;
    case GUMBO_NODE_ELEMENT:
    case GUMBO_NODE_TEMPLATE:
      return &node.v.element.children;
    default:
      return nullptr;
  }
}

}  // namespace

std::uint64_t digest_of_html_links(std::string_view text) {
  const std::unique_ptr<GumboOutput, DestroyOutput> output(
      gumbo_parse_with_options(&kGumboDefaultOptions, text.data(), text.size()));

  std::uint64_t links = 0;
  std::uint64_t digest = 0;
  std::vector<const GumboNode*> open{output->document};
  while (!open.empty()) {
    const GumboNode& node = *open.back();
    open.pop_back();
    if (node.type == GUMBO_NODE_ELEMENT && node.v.element.tag == GUMBO_TAG_A) {
      if (const GumboAttribute* href = gumbo_get_attribute(&node.v.element.attributes, "href")) {
        digest = combine(digest, std::string_view(href->value));
        ++links;
      }
    }
    if (const GumboVector* children = children_of(node)) {
      for (unsigned index = children->length; index-- > 0;) {
        open.push_back(static_cast<const GumboNode*>(children->data[index]));
      }
    }
  }
  return combine(digest, links);
}

namespace {

class ParseHtmlLinks final : public Parser {
 public:
  std::string_view name() const override { return "parse_html_links"; }
  std::string_view summary() const override {
    return "parses an HTML page (as a callback: the fetched one) and collects its links";
  }

 private:
  double rate(const Calibration& calibration) const override { return calibration.html_units_per_ns; }
  std::string own_text(const Work& work) const override { return html_page(work.seed, work.bytes); }
  std::uint64_t digest_of(std::string_view text) const override { return digest_of_html_links(text); }
};

}  // namespace

const Workload& parse_html_links_workload() {
  static const ParseHtmlLinks kParseHtmlLinks;
  return kParseHtmlLinks;
}

}  // namespace workloads
