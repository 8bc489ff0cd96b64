#pragma once

// What tasks, arguments, results and the initializer do to a worker in the crash table (scripts/poolbench/experiments/crash_table), as
// hosts/acts.py has it for Python's pools. Each task takes the directory of its run.

#include <string>

namespace pools::faults::contender {

inline constexpr int kAnswer = 49;
inline constexpr std::size_t kLarge = std::size_t{256} << 20;
inline constexpr int kDepth = 100'000;
inline constexpr std::size_t kMemoryLimit = std::size_t{256} << 20;

// --- what every task of a scene does ---

void await_file(const std::string& file);
int square(int number);
// Returns when as many of these run as there are workers.
int meet(const std::string& directory, int number, int workers);
// Returns when the gate is open.
int stand(const std::string& directory, int number);

// --- deaths ---

int killed(const std::string& directory);
int segfault(const std::string& directory);
int aborts(const std::string& directory);
int exits(const std::string& directory);
int exits_at_once(const std::string& directory);
int recursion(const std::string& directory);
int out_of_memory(const std::string& directory);
std::string killed_mid_result(const std::string& directory);
int killed_after_result(const std::string& directory);

// --- tasks that do not end, or not as they should ---

int stopped(const std::string& directory);
int endless(const std::string& directory);
int forks(const std::string& directory);
int closes_descriptors(const std::string& directory);
int closes_standard(const std::string& directory);
int never_ending_exit(const std::string& directory);

// --- what travels ---

// What it does where it is encoded or decoded.
struct Traveller {
  enum class Does { nothing, refuses_encoding, refuses_decoding, dies_decoding };
  Does does = Does::nothing;

  void refuse_if(Does point) const;
  template <class Archive>
  void save(Archive& archive) const {
    refuse_if(Does::refuses_encoding);
    archive(does);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(does);
    refuse_if(Does::refuses_decoding);
    refuse_if(Does::dies_decoding);
  }
};
int takes(const std::string& directory, const Traveller& argument);
Traveller unencodable_result(const std::string& directory);
Traveller undecodable_result(const std::string& directory);
std::string large_result(const std::string& directory);

struct Nested {
  int levels = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(levels);
    if (levels > 0) archive(Nested{levels - 1});
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(levels);
    Nested inside;
    if (levels > 0) archive(inside);
  }
};
Nested nested_result(const std::string& directory);

// --- child processes ---

int grandchild(const std::string& directory);
int grandchild_in_session(const std::string& directory);
int killed_with_grandchild(const std::string& directory);

// --- initializers ---

void initializer_raises();
void initializer_dies();
void initializer_hangs();

}  // namespace pools::faults::contender
