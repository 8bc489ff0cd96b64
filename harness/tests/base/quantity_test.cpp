#include "harness/base/quantity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>
#include <limits>

#include "harness/base/errors.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What the parser says to a text that it refuses; fails the test if it takes it.
template <class Parse>
std::string refusal(Parse parse) {
  try {
    parse();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
    return error.what();
  }
  ADD_FAILURE() << "was accepted";
  return {};
}

std::int64_t ns(std::string_view text) { return parse_duration(text).count(); }

TEST(Durations, AreReadExactly) {
  EXPECT_EQ(ns("0s"), 0);
  EXPECT_EQ(ns("100ns"), 100);
  EXPECT_EQ(ns("250us"), 250'000);
  EXPECT_EQ(ns("10ms"), 10'000'000);
  EXPECT_EQ(ns("1.5s"), 1'500'000'000);
  EXPECT_EQ(ns("2min"), 120'000'000'000);
  EXPECT_EQ(ns("0.1s"), 100'000'000);
  EXPECT_EQ(ns("0.000000001s"), 1);
  EXPECT_EQ(ns("1.10000000000000000000000s"), 1'100'000'000);
  EXPECT_EQ(ns("0.00000000005min"), 3);
  EXPECT_EQ(ns("9223372036.854775807s"), std::numeric_limits<std::int64_t>::max());
  // A double cannot hold this one.
  EXPECT_EQ(ns("9007199.254740993s"), 9'007'199'254'740'993);
}

TEST(Durations, ThatAreNoWholeNanosecondsAreRefused) {
  for (const char* const text : {"0.5ns", "1.0001us", "0.0000000001s", "0.00000000001min", "0.1234567890123456789012s"}) {
    EXPECT_THAT(refusal([&] { parse_duration(text); }), HasSubstr("fractional nanoseconds")) << text;
  }
}

TEST(Durations, BeyondTheRangeAreRefused) {
  for (const char* const text : {"9223372036854775808ns", "9223372036.854775808s", "153722868min", "99999999999999999999999s"}) {
    EXPECT_THAT(refusal([&] { parse_duration(text); }), HasSubstr("2^63-1")) << text;
  }
}

TEST(Durations, ThatAreMalformedAreRefusedWithTheTextAndTheForms) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "empty"},         {"-1s", "negative"},      {"5", "unit is missing"}, {"0", "unit is missing"},
      {"1.s", "no digit"},   {".5s", "not start"},     {"1e3ms", "not a unit"},  {"1 s", "not a unit"},
      {"1h", "not a unit"},  {"1S", "not a unit"},     {"+1s", "not start"},     {" 1s", "not start"},
      {"1s ", "not a unit"}, {"1.2.3s", "not a unit"}, {"nan", "not start"},     {"1,5s", "not a unit"}};
  for (const auto& [text, why] : cases) {
    const std::string said = refusal([&, t = text] { parse_duration(t); });
    EXPECT_THAT(said, HasSubstr(why)) << text;
    EXPECT_THAT(said, HasSubstr("'" + std::string(text) + "'"));
    EXPECT_THAT(said, HasSubstr("ns, us, ms, s, min"));
  }
}

TEST(Durations, AreWrittenInTheShortestFormThatIsReadBack) {
  const std::pair<std::int64_t, const char*> cases[] = {{0, "0s"},
                                                        {1, "1ns"},
                                                        {999, "999ns"},
                                                        {1500, "1.5us"},
                                                        {100'000'000, "100ms"},
                                                        {1'500'000'000, "1.5s"},
                                                        {60'000'000'000, "60s"},
                                                        {1'234'567, "1234567ns"},
                                                        {10'000, "10us"}};
  for (const auto& [value, text] : cases) {
    EXPECT_EQ(format_duration(std::chrono::nanoseconds(value)), text);
    EXPECT_EQ(ns(text), value);
  }
  const auto most = std::chrono::nanoseconds::max();
  EXPECT_EQ(parse_duration(format_duration(most)), most);
}

TEST(Durations, AreShownToPeopleWithThreeDigits) {
  using std::chrono::nanoseconds;
  EXPECT_EQ(human_duration(nanoseconds(0)), "0 s");
  EXPECT_EQ(human_duration(nanoseconds(45'600'000)), "45.6 ms");
  EXPECT_EQ(human_duration(nanoseconds(1'234'000'000)), "1.23 s");
  EXPECT_EQ(human_duration(nanoseconds(999'700'000)), "1.00 s");
  EXPECT_EQ(human_duration(nanoseconds(123'400'000'000)), "2.06 min");
}

TEST(Rates, AreReadablePerSecondOrPerMinute) {
  EXPECT_EQ(human_rate(10'000), "10000/s");
  EXPECT_EQ(human_rate(999.94), "999.9/s");
  EXPECT_EQ(human_rate(336.71), "336.7/s");
  EXPECT_EQ(human_rate(1.0 / 3), "20/min");
}

TEST(DurationLists, ExpandRepeats) {
  using std::chrono::milliseconds;
  EXPECT_THAT(parse_durations("3x100ms,1s"),
              ElementsAre(milliseconds(100), milliseconds(100), milliseconds(100), milliseconds(1000)));
  EXPECT_THAT(parse_durations("0s, 10ms"), ElementsAre(milliseconds(0), milliseconds(10)));
}

TEST(DurationLists, RefuseEmptyItemsAndRepeats) {
  EXPECT_THAT(refusal([] { parse_durations(""); }), HasSubstr("empty list"));
  EXPECT_THAT(refusal([] { parse_durations("1s,,2s"); }), HasSubstr("empty item"));
  EXPECT_THAT(refusal([] { parse_durations("1s,"); }), HasSubstr("empty item"));
  EXPECT_THAT(refusal([] { parse_durations("0x1s"); }), HasSubstr("'0x'"));
  EXPECT_THAT(refusal([] { parse_durations("99999999999999999999x1s"); }), HasSubstr("repeat"));
  EXPECT_THAT(refusal([] { parse_durations("1000000x1s,1s"); }), HasSubstr("more than 1000000"));
  EXPECT_THAT(refusal([] { parse_durations("x1s"); }), HasSubstr("'x1s'"));
  EXPECT_THAT(refusal([] { parse_durations("-2x1s"); }), HasSubstr("negative"));
}

TEST(Bytes, AreWholeAndHaveBinaryUnits) {
  EXPECT_EQ(parse_bytes("4096"), 4096);
  EXPECT_EQ(parse_bytes("64KiB"), 65536);
  EXPECT_EQ(parse_bytes("1MiB"), 1 << 20);
  EXPECT_EQ(parse_bytes("2GiB"), std::int64_t{1} << 31);
  for (const char* const text : {"", "KiB", "-1", "1.5KiB", "64kB", "9223372036854775808", "8589934592GiB", "1 KiB"}) {
    EXPECT_THAT(refusal([&] { parse_bytes(text); }), HasSubstr("4096, 64KiB")) << text;
  }
}

TEST(Bandwidths, AreNumbersWithDecimalOrBinaryUnits) {
  EXPECT_EQ(parse_bandwidth("100MB/s"), 100'000'000);
  EXPECT_EQ(parse_bandwidth("1.25GB/s"), 1'250'000'000);
  EXPECT_EQ(parse_bandwidth("64KiB/s"), 65536);
  EXPECT_EQ(parse_bandwidth("1B/s"), 1);
  for (const char* const text :
       {"", "GB/s", "1GB", "1", "0B/s", "-1MB/s", "nanGB/s", "infGB/s", "1e3MB/s", "1 GB/s", "1Gb/s", "99999999999GB/s"}) {
    EXPECT_THAT(refusal([&] { parse_bandwidth(text); }), HasSubstr("100MB/s, 1.25GB/s")) << text;
  }
}

// "spec=value spec=value"
std::string sizes(std::string_view text, int cores = 4) {
  std::string listed;
  for (const Size& size : parse_sizes(text, cores)) {
    listed += (listed.empty() ? "" : " ") + size.spec + "=" + std::to_string(size.value);
  }
  return listed;
}

TEST(Sizes, AreListsOfExpressionsOfCores) {
  EXPECT_EQ(sizes("1,2,cores,cores*5"), "1=1 2=2 cores=4 cores*5=20");
  EXPECT_EQ(sizes("cores+1, cores-1, cores/3, (cores + 1) * 2"), "cores+1=5 cores-1=3 cores/3=1 (cores+1)*2=10");
  EXPECT_EQ(sizes("2+3*cores-1"), "2+3*cores-1=13");
  EXPECT_EQ(sizes("10-2-3"), "10-2-3=5");
}

TEST(Sizes, HaveRanges) {
  EXPECT_EQ(sizes("1..4"), "1=1 2=2 3=3 4=4");
  EXPECT_EQ(sizes("1,2,4..64*2"), "1=1 2=2 4=4 8=8 16=16 32=32 64=64");
  EXPECT_EQ(sizes("3..20*2"), "3=3 6=6 12=12");
  EXPECT_EQ(sizes("2..cores"), "2=2 3=3 4=4");
  EXPECT_EQ(sizes("17..(cores*5)"), "17=17 18=18 19=19 20=20");
  EXPECT_EQ(sizes("cores*2..(cores*2)+2"), "8=8 9=9 10=10");
  EXPECT_EQ(sizes("1..(cores)*2"), "1=1 2=2 4=4");
  EXPECT_EQ(sizes("1..(cores*5)*3,7"), "1=1 3=3 9=9 7=7");
  EXPECT_EQ(sizes("5..5"), "5=5");
  EXPECT_EQ(sizes("2..2147483647*1000000000000"), "2=2");
}

TEST(Sizes, GrowByTheFactorBehindABoundWhateverTheBoundIsMadeOf) {
  EXPECT_EQ(sizes("4..64*2"), "4=4 8=8 16=16 32=32 64=64");
  EXPECT_EQ(sizes("4..(64)*2"), sizes("4..64*2"));
  EXPECT_EQ(sizes("cores..(cores*16)*2"), sizes("4..64*2"));
  EXPECT_EQ(sizes("cores*2..(cores*20)*2"), "8=8 16=16 32=32 64=64");
  EXPECT_EQ(sizes(" cores * 2 .. ( cores * 20 ) * 2 , 7"), "8=8 16=16 32=32 64=64 7=7");
}

TEST(Sizes, WhoseRangeCanBeReadInTwoWaysAreRefusedWithBoth) {
  const std::tuple<const char*, const char*, const char*> cases[] = {{"1..cores*5", "1..(cores*5)", "1..(cores)*5"},
                                                                     {"cores*2..cores*20*2", "cores*2..(cores*20*2)",
                                                                      "cores*2..(cores*20)*2"},
                                                                     {"7, 1..10*2*3", "1..(10*2*3)", "1..(10*2)*3"},
                                                                     {"1 .. cores+2 * 3", "1..(cores+2*3)", "1..(cores+2)*3"}};
  for (const auto& [text, every, growing] : cases) {
    const std::string said = refusal([t = text] { parse_sizes(t, 2); });
    EXPECT_THAT(said, HasSubstr("in two ways")) << text;
    EXPECT_THAT(said, HasSubstr("write " + std::string(every) + " for every size")) << text;
    EXPECT_THAT(said, HasSubstr("or " + std::string(growing) + " for growing")) << text;
    // What it says to write is taken.
    EXPECT_FALSE(parse_sizes(every, 2).empty());
    EXPECT_FALSE(parse_sizes(growing, 2).empty());
  }
  for (const char* const text : {"1..2*cores", "1..(cores)*2+1", "1..10*(2)"}) {
    EXPECT_THAT(refusal([&] { parse_sizes(text, 2); }), HasSubstr("stands in parentheses: write 1..(")) << text;
  }
}

TEST(Sizes, OfTheBuiltInSuitesMeanWhatTheyMeantBefore) {
  EXPECT_EQ(sizes("1..8"), "1=1 2=2 3=3 4=4 5=5 6=6 7=7 8=8");
  EXPECT_EQ(sizes("3..7"), "3=3 4=4 5=5 6=6 7=7");
  EXPECT_EQ(sizes("1..10000*10"), "1=1 10=10 100=100 1000=1000 10000=10000");
}

TEST(Sizes, KeepTheFirstSpecOfAValue) { EXPECT_EQ(sizes("2,cores,1..2", 2), "2=2 1=1"); }

TEST(Sizes, ThatComeToLessThanOneAreRefused) {
  for (const char* const text : {"0", "cores-4", "1-2", "cores/5", "0..3", "2*(1-1)"}) {
    EXPECT_THAT(refusal([&] { parse_sizes(text, 4); }), HasSubstr("at least 1")) << text;
  }
  EXPECT_THAT(refusal([] { parse_sizes("-1", 4); }), HasSubstr("negative"));
}

TEST(Sizes, ThatAreMalformedAreRefusedWithTheTextAndTheForms) {
  const std::pair<const char*, const char*> cases[] = {{"", "empty"},
                                                       {"1,,2", "','"},
                                                       {"core", "'core'"},
                                                       {"cores5", "'cores5'"},
                                                       {"1..", "missing"},
                                                       {"8..1", "empty"},
                                                       {"1..8*1", "at least 2"},
                                                       {"1/0", "division"},
                                                       {"(1", "')'"},
                                                       {"1)", "')'"},
                                                       {"1.5", "'.5'"},
                                                       {"many", "'many'"},
                                                       {"1 2", "'2'"},
                                                       {"cores*", "missing"},
                                                       {"99999999999", "2^31-1"},
                                                       {"99999999999999999999", "2^31-1"},
                                                       {"1..2000000", "more than 10000"},
                                                       {"2147483647+1", "2^31-1"}};
  for (const auto& [text, why] : cases) {
    const std::string said = refusal([t = text] { parse_sizes(t, 4); });
    EXPECT_THAT(said, HasSubstr(why)) << text;
    EXPECT_THAT(said, HasSubstr("bad size '" + std::string(text) + "'"));
    EXPECT_THAT(said, HasSubstr("cores*5"));
  }
}

TEST(Numbers, AreFiniteAndNameWhatTheyAreAndTheirRange) {
  EXPECT_EQ(parse_number("2.5", "--share", 0, 100), 2.5);
  EXPECT_EQ(parse_number("1e2", "--share", 0, 100), 100);
  for (const char* const text : {"", "nan", "-nan", "inf", "-inf", "1e400", "-1", "100.5", "x", "5 ", "0x10"}) {
    EXPECT_THAT(refusal([&] { parse_number(text, "--share", 0, 100); }),
                "bad --share '" + std::string(text) + "'; allowed: a number from 0 to 100");
  }
}

TEST(Integers, NameWhatTheyAreAndTheirRange) {
  EXPECT_EQ(parse_integer("5", "runs", 1, 10), 5);
  EXPECT_EQ(parse_integer("-5", "offset", -10, 10), -5);
  for (const char* const text : {"", "0", "11", "-1", "abc", "1.0", "5 ", "99999999999999999999", "-"}) {
    EXPECT_THAT(refusal([&] { parse_integer(text, "runs", 1, 10); }),
                "bad runs '" + std::string(text) + "'; allowed: a whole number from 1 to 10");
  }
  EXPECT_EQ(parse_seed("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_THAT(refusal([] { parse_seed("18446744073709551616"); }), HasSubstr("2^64-1"));
  EXPECT_THAT(refusal([] { parse_seed("-1"); }), HasSubstr("'-1'"));
}

}  // namespace
}  // namespace harness
