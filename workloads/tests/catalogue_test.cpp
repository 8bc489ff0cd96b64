#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <set>
#include <string>

#include "workloads/page.h"
#include "workloads/request.h"
#include "workloads/work.h"

namespace workloads {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::ThrowsMessage;

const Calibration kRates{.spin_units_per_ns = 0.5,
                         .sort_units_per_ns = 0.02,
                         .hash_units_per_ns = 1.5,
                         .json_units_per_ns = 0.06,
                         .html_units_per_ns = 0.03};

std::string made(const std::string& name, const Request& request) {
  make_work(*find_workload(name), request, kRates);
  return "accepted";
}

TEST(Catalogue, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const Workload* workload : catalogue()) {
    EXPECT_TRUE(names.insert(workload->name()).second) << workload->name();
    EXPECT_EQ(find_workload(workload->name()), workload);
    EXPECT_FALSE(workload->summary().empty());
    EXPECT_EQ(workload->summary().find('\n'), std::string_view::npos);
  }
  for (const char* name : {"sleep", "spin", "sort", "hash", "file_io", "tcp_echo", "http_page", "parse_json", "parse_html_links",
                           "mixed", "gil_spin"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(Catalogue, KnowsNoOtherNames) {
  for (const char* name : {"", "Sleep", "sleep ", "mixed:", "mixed:-1", "mixed:4~", "mixed:4~0.5x", "mixed~0.5", "mixed:nan",
                           "mixed:inf", "mixed:4~1.5", "mixed:4~-0.5", "mixed:1e7"}) {
    EXPECT_EQ(find_workload(name), nullptr) << name;
  }
}

TEST(Catalogue, FindsAVariantOfMixedHoweverItsNumbersAreWritten) {
  EXPECT_EQ(find_workload("mixed:4"), find_workload("mixed"));
  EXPECT_EQ(find_workload("mixed:4.0~0"), find_workload("mixed"));
  ASSERT_NE(find_workload("mixed:9~0.5"), nullptr);
  EXPECT_EQ(find_workload("mixed:9~0.50"), find_workload("mixed:9~0.5"));
  EXPECT_NE(find_workload("mixed:9~0.5"), find_workload("mixed:9"));
  EXPECT_EQ(find_workload("mixed:39")->name(), "mixed:39");
  EXPECT_EQ(find_workload("mixed:16.0")->name(), "mixed:16");
  EXPECT_EQ(find_workload("mixed:16"), find_workload("mixed:16.0~0"));
}

TEST(Catalogue, NamesFunctionsOfTheUsersInPythonAndRunsNone) {
  const Workload* const fetch = find_workload("python:crawler:fetch");
  ASSERT_NE(fetch, nullptr);
  EXPECT_EQ(fetch->name(), "python:crawler:fetch");
  EXPECT_EQ(find_workload("python:crawler:fetch"), fetch);
  const Work work = make_work(*fetch, {.seed = 1, .index = 7}, kRates);
  EXPECT_EQ(catalogue()[work.kind]->name(), "python");
  EXPECT_EQ(work.resource, 7U);
  EXPECT_EQ(fetch->callback(work), "python_callback");
  EXPECT_THROW(execute(work, {}), std::runtime_error) << "only Python's executors do";
  for (const char* name : {"python:", "python::", "python:crawler", "python:crawler:", "python::fetch"}) {
    EXPECT_EQ(find_workload(name), nullptr) << name;
  }
}

TEST(Catalogue, WorksOfAnUnlistedMixedAreThoseOfAListedOne) {
  const Work work = make_work(*find_workload("mixed:16"), {.duration = 17ms, .seed = 3}, kRates);
  EXPECT_EQ(work.wait_ns, 16'000'000);
  EXPECT_EQ(catalogue()[work.kind], find_workload("mixed"));
}

TEST(Catalogue, EveryWorkNamesACallbackThatExists) {
  for (const Workload* workload : catalogue()) {
    for (const std::uint64_t seed : {6, 7}) {
      const Work work = make_work(*workload, {.duration = 1ms, .seed = seed}, kRates);
      EXPECT_NE(find_workload(workload->callback(work)), nullptr) << workload->name();
      EXPECT_EQ(catalogue()[work.kind], workload);
    }
  }
}

TEST(Catalogue, PagesAreParsedByTheParserOfTheirKind) {
  const Workload& page = *find_workload("http_page");
  EXPECT_EQ(page.callback(make_work(page, {.seed = 10}, kRates)), "parse_html_links");
  EXPECT_EQ(page.callback(make_work(page, {.seed = 11}, kRates)), "parse_json");
}

TEST(Demand, AddsUpToTheDurationThatWasAskedFor) {
  for (const Workload* workload : catalogue()) {
    const std::string name(workload->name());
    if (name == "file_io" || workload->needs().subject || name.find('~') != std::string::npos) continue;
    for (const std::chrono::nanoseconds asked : {1ms, 10ms, 4000ms}) {
      const Demand demand = workload->demand(make_work(*workload, {.duration = asked, .seed = 3}, kRates), kRates);
      EXPECT_NEAR(static_cast<double>(demand.wait_ns + demand.compute_ns), static_cast<double>(asked.count()), 100) << name;
    }
  }
}

TEST(Demand, OfMixedIsSplitByItsRatio) {
  const auto demand_of = [](const char* name) {
    const Workload& mixed = *find_workload(name);
    return mixed.demand(make_work(mixed, {.duration = 80ms, .seed = 1}, kRates), kRates);
  };
  EXPECT_EQ(demand_of("mixed").wait_ns, 64'000'000);
  EXPECT_EQ(demand_of("mixed").compute_ns, 16'000'000);
  EXPECT_EQ(demand_of("mixed:1").compute_ns, 40'000'000);
  EXPECT_EQ(demand_of("mixed:9").compute_ns, 8'000'000);
  EXPECT_EQ(demand_of("mixed:39").compute_ns, 2'000'000);
}

TEST(Demand, JitterSpreadsMixedBySeedWithinItsBounds) {
  const Workload& mixed = *find_workload("mixed:4~0.5");
  std::set<std::int64_t> durations;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const Demand demand = mixed.demand(make_work(mixed, {.duration = 100ms, .seed = seed}, kRates), kRates);
    durations.insert(demand.wait_ns + demand.compute_ns);
    EXPECT_NEAR(static_cast<double>(demand.wait_ns) / static_cast<double>(demand.compute_ns), 4, 1e-3);
  }
  EXPECT_EQ(durations.size(), 1000U);
  EXPECT_GE(*durations.begin(), 50'000'000 - 10);
  EXPECT_LT(*durations.begin(), 52'000'000);
  EXPECT_LE(*durations.rbegin(), 150'000'000 + 10);
  EXPECT_GT(*durations.rbegin(), 148'000'000);
}

TEST(Demand, OnlyGilSpinNeedsTheProcessWideLock) {
  for (const Workload* workload : catalogue()) {
    const Demand demand = workload->demand(make_work(*workload, {.duration = 1ms, .seed = 1}, kRates), kRates);
    EXPECT_EQ(demand.process_wide_lock, workload->name() == "gil_spin") << workload->name();
  }
}

TEST(Demand, OfOneRealParseIsThatOfItsText) {
  const Workload& parser = *find_workload("parse_json");
  const Demand demand = parser.demand(make_work(parser, {.payload_bytes = 60'000}, kRates), kRates);
  EXPECT_EQ(demand.compute_ns, 1'000'000);
}

TEST(Requests, OfNonsenseAreRefusedWithTheValueAndWhatIsAllowed) {
  for (const Workload* workload : catalogue()) {
    EXPECT_THAT([&] { make_work(*workload, {.duration = -1ns}, kRates); },
                ThrowsMessage<std::invalid_argument>(HasSubstr("a duration of -1 ns; allowed: 0 and more")));
  }
  EXPECT_THAT([] { made("tcp_echo", {.payload_bytes = -1}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("a payload of -1 bytes; allowed: 1 to ")));
  EXPECT_THAT([] { made("http_page", {.payload_bytes = kSmallestPage - 1}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("a payload of 511 bytes; allowed: 512 to ")));
  EXPECT_THAT([] { made("parse_json", {.payload_bytes = kLargestPage + 1}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("allowed: 512 to 67108864")));
  EXPECT_THAT([] { made("http_page", {.duration = 25h}); }, ThrowsMessage<std::invalid_argument>(HasSubstr("a day")));
  EXPECT_THAT([] { make_work(*find_workload("spin"), {.duration = 1ms}, Calibration{}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("calibration")));
}

TEST(Requests, OfImmenseDurationsDoNotOverflow) {
  const std::chrono::nanoseconds immense(std::numeric_limits<std::int64_t>::max());
  for (const char* name : {"sleep", "spin", "sort", "hash", "gil_spin", "parse_json", "mixed", "mixed:1~0.5"}) {
    const Calibration fast{1e3, 1e3, 1e3, 1e3, 1e3};
    const Work work = make_work(*find_workload(name), {.duration = immense, .seed = 1}, fast);
    EXPECT_GE(work.wait_ns, 0) << name;
    EXPECT_GE(work.compute_units, 0) << name;
  }
}

TEST(Calibration, HasAPositiveRateForEveryComputationHoweverSmallTheBudget) {
  const Calibration rates = calibrate(1ns);
  for (const double rate : {rates.spin_units_per_ns, rates.sort_units_per_ns, rates.hash_units_per_ns, rates.json_units_per_ns,
                            rates.html_units_per_ns}) {
    EXPECT_GT(rate, 0);
    EXPECT_LT(rate, 1e3);
  }
}

TEST(Calibration, KnowsThatNoSleepEndsEarly) {
  const std::int64_t lateness_ns = calibrate(1ns).sleep_lateness_ns;
  EXPECT_GT(lateness_ns, 0);
  EXPECT_LT(lateness_ns, 1'000'000'000);
}

}  // namespace
}  // namespace workloads
