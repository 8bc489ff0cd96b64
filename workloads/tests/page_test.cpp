#include "workloads/page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "workloads/page_request.h"

namespace workloads {
namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t place = text.find(part); place != std::string::npos; place = text.find(part, place + 1)) ++count;
  return count;
}

TEST(Pages, HaveExactlyTheSizeAskedFor) {
  for (std::int64_t bytes = kSmallestPage; bytes < kSmallestPage + 400; ++bytes) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      ASSERT_EQ(served_page(seed, bytes).size(), static_cast<std::size_t>(bytes));
    }
  }
  EXPECT_EQ(html_page(1, 1'000'000).size(), 1'000'000U);
  EXPECT_EQ(json_document(1, 1'000'000).size(), 1'000'000U);
}

TEST(Pages, AreFunctionsOfSeedAndSize) {
  EXPECT_EQ(html_page(4, 5000), html_page(4, 5000));
  EXPECT_NE(html_page(4, 5000), html_page(6, 5000));
  EXPECT_EQ(json_document(4, 5000), json_document(4, 5000));
  EXPECT_NE(json_document(4, 5000), json_document(6, 5000));
}

TEST(Pages, AreAsciiAndOfTheKindOfTheirSeed) {
  const std::string even = served_page(42, kDefaultPage);
  const std::string odd = served_page(43, kDefaultPage);
  EXPECT_TRUE(even.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(odd.starts_with("{"));
  for (const std::string* page : {&even, &odd}) {
    EXPECT_TRUE(std::all_of(page->begin(), page->end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  }
}

TEST(Pages, OfHtmlHaveManyLinks) {
  EXPECT_GT(count_of(html_page(2, kDefaultPage), "<a href="), 100U);
  EXPECT_GE(count_of(html_page(2, kSmallestPage), "<a href="), 1U);
}

TEST(Pages, OfJsonHaveManyRecords) {
  EXPECT_GT(nlohmann::json::parse(json_document(3, kDefaultPage)).at("items").size(), 80U);
  for (std::int64_t bytes = kSmallestPage; bytes < kSmallestPage + 300; ++bytes) {
    EXPECT_GE(nlohmann::json::parse(json_document(3, bytes)).at("items").size(), 1U);
  }
}

TEST(PageRequests, ComeBackAsTheyWere) {
  const PageRequest request{.seed = ~std::uint64_t{0}, .bytes = kDefaultPage, .delay_ns = 16'000'000};
  const auto read = parse_page_target(page_target(request));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->seed, request.seed);
  EXPECT_EQ(read->bytes, request.bytes);
  EXPECT_EQ(read->delay_ns, request.delay_ns);
}

TEST(PageRequests, OfNonsenseAreRefused) {
  for (const char* target :
       {"", "/", "/page", "/page?", "/page?seed=1", "/page?seed=1&bytes=1000", "/page?seed=-1&bytes=1000&delay_ns=0",
        "/page?seed=1&bytes=1000&delay_ns=-1", "/page?seed=1&bytes=511&delay_ns=0", "/page?seed=1&bytes=67108865&delay_ns=0",
        "/page?seed=1&bytes=1000&delay_ns=0&", "/page?seed=1&bytes=1000&delay_ns=0x", "/page?bytes=1000&seed=1&delay_ns=0",
        "/page?seed=1&bytes=1000&delay_ns=86400000000001", "/page?seed=99999999999999999999&bytes=1000&delay_ns=0",
        "/page?seed= 1&bytes=1000&delay_ns=0"}) {
    EXPECT_FALSE(parse_page_target(target).has_value()) << target;
  }
}

}  // namespace
}  // namespace workloads
