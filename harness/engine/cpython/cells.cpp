#include "harness/engine/cpython/cells.h"

namespace harness::cpython {

bool runs_on_cpython(const Cell& cell) { return cell.backend == kThreadBackend || cell.backend == kProcessBackend; }

workloads::Calibration calibration_for(const Cell& cell, const workloads::Calibration& calibration) {
  workloads::Calibration own = calibration;
  if (runs_on_cpython(cell)) own.spin_units_per_ns = calibration.python_spin_units_per_ns;
  return own;
}

bool shares_gil(const Cell& cell, const workloads::Calibration& calibration) {
  return runs_on_cpython(cell) && calibration.python_lock;
}

bool is_coupled(const Cell& cell) {
  return cell.backend == kProcessBackend && (cell.strategy == "main" || cell.strategy == "none");
}

}  // namespace harness::cpython
