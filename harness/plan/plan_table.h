#pragma once

// One [[grid]] or [[case]] -> cells: values resolved and crossed, exclusions applied, every cell brought to its canonical
// form. Part of make_plan.

#include <string>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/plan/suite.h"

namespace harness {

// A combination of a table, decided.
struct Candidate {
  Factors written;   // as the table has it
  std::string skip;  // why the cell has no meaning here; empty if it has
  Cell cell;         // if it has: of the canonical factors
};

// Why two combinations of a table that differ in what is written are the same cell; empty if nothing that matters differs.
// REQUIRES: their canonical cells are equal.
std::string why_same(const Factors& written, const Factors& kept);

// In table order, the workers varying fastest. Throws ConfigError "file:line: ...".
std::vector<Candidate> candidates(const Suite& suite, const Table& table, int cores, std::uint64_t seed);

// What a factor column of results.csv holds. REQUIRES: `axis` is one of factor_columns().
std::string factor_text(const Factors& factors, std::string_view axis);
// The names of the factor columns, in file order.
std::vector<std::string> factor_columns();

// Keeps the cells that all filters match. Throws ConfigError when none is left.
void apply_filters(std::vector<PlannedCell>& cells, const std::vector<Filter>& filters, int cores);

}  // namespace harness
