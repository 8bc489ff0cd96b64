"""The columns and keys of a run directory's files: the only place where the scripts name them.

The program's own table (harness/core/sample.cpp and its neighbours) decides; scripts/tests/test_schema.py holds this
file against it. docs/data_dictionary.md is the data dictionary: what each column means and in which unit.
"""

SCHEMA_VERSION = 2
SCHEMA_VERSIONS = (1, SCHEMA_VERSION)  # those that are read

IDENTITY = (
    "schema_version",
    "run_id",
    "machine_id",
    "build_id",
    "cell_id",
    "rep",
    "is_warmup",
    "run_order",
    "started_utc",
    "status",
    "error",
)
FACTORS = (
    "backend",
    "workers",
    "workers_spec",
    "cores",
    "workload",
    "strategy",
    "parsers",
    "tasks",
    "distribution",
    "task_ns",
    "callback_ns",
    "payload_bytes",
    "chunksize",
    "start_method",
    "seed",
    "in_flight",
    "arrivals",
    "arrivals_spec",
    "queue",
    "when_full",
    "callback_workload",
    "inputs",
    "deadline_ns",
)
TIMES = (
    "makespan_ns",
    "pool_start_ns",
    "submit_ns",
    "pool_stop_ns",
    "longest_task_ns",
    "sum_task_ns",
    "callback_sum_ns",
    "callback_max_ns",
    "queue_wait_p50_ns",
    "queue_wait_p99_ns",
    "queue_wait_max_ns",
    "callback_lag_p50_ns",
    "callback_lag_p99_ns",
    "callback_lag_max_ns",
)
RESOURCES = (
    "cpu_user_ns",
    "cpu_sys_ns",
    "main_cpu_ns",
    "ctx_switches_voluntary",
    "ctx_switches_involuntary",
    "rss_peak_bytes",
    "cgroup_throttled_ns",
    "load1",
)
ARRIVALS = (  # where tasks arrive; else 0
    "sojourn_mean_ns",
    "sojourn_p50_ns",
    "sojourn_p95_ns",
    "sojourn_p99_ns",
    "sojourn_p999_ns",
    "sojourn_max_ns",
    "release_lag_p99_ns",
    "release_lag_max_ns",
    "rejected",
    "queue_max",
    "completed_per_s",
    "clients_mean",
    "late_by_deadline",
)
RESULTS = IDENTITY + FACTORS + TIMES + RESOURCES + ARRIVALS
CLOSED = "closed"  # arrivals of a batch
# Files of earlier versions do not have these columns: what is there then.
RESULTS_LATER: dict[str, int | str] = {
    "in_flight": 0,
    "arrivals": CLOSED,
    "arrivals_spec": CLOSED,
    "queue": 0,
    "when_full": "none",
    **dict.fromkeys(ARRIVALS, 0),
    "callback_workload": "",
    "inputs": "",
    "deadline_ns": 0,
}
DEADLINE = ("deadline_ns", "late_by_deadline")
# Of each layout that results.csv ever had, newest first: which columns it lacks.
RESULTS_LACKING = (
    (),
    DEADLINE,
    ("callback_workload", "inputs", *DEADLINE),
    tuple(name for name in RESULTS_LATER if name != "in_flight"),
    tuple(RESULTS_LATER),
)

# Columns whose text must stay text: a cell_id such as 0012345678901234 is no number.
RESULTS_TEXT = (
    "run_id",
    "machine_id",
    "build_id",
    "cell_id",
    "started_utc",
    "status",
    "error",
    "backend",
    "workers_spec",
    "workload",
    "strategy",
    "distribution",
    "start_method",
    "seed",
    "arrivals",
    "arrivals_spec",
    "when_full",
    "callback_workload",
    "inputs",
)

STATUS_OK = "ok"

TASKS = (
    "cell_id",
    "rep",
    "task",
    "worker",
    "pid",
    "tid",
    "submitted_ns",
    "started_ns",
    "finished_ns",
    "callback_started_ns",
    "callback_finished_ns",
    "callback_worker",
    "callback_pid",
    "callback_tid",
    "digest",
    "arrived_ns",
)
TASKS_TEXT = ("cell_id", "digest")
TASKS_LATER = ("arrived_ns",)  # columns that task files of earlier versions do not have

SOJOURNS = ("cell_id", "rep", "sojourns_ns")  # where tasks arrive
SOJOURNS_TEXT = ("cell_id", "sojourns_ns")
LATENCY = (  # likewise
    "cell_id",
    "clients",
    "arrived",
    "rejected",
    "p50_ns",
    "p50_low_ns",
    "p50_high_ns",
    "p95_ns",
    "p95_low_ns",
    "p95_high_ns",
    "p99_ns",
    "p99_low_ns",
    "p99_high_ns",
    "p999_ns",
    "p999_low_ns",
    "p999_high_ns",
    "max_ns",
    "predicted_p50_ns",
    "predicted_p95_ns",
    "predicted_p99_ns",
    "predicted_p999_ns",
    "predicted_max_ns",
    "expected_p50_ns",
    "expected_p95_ns",
    "expected_p99_ns",
    "expected_p999_ns",
    "expected_max_ns",
    "offered_per_s",
    "completed_per_s",
    "queue_max",
    "release_lag_p99_ns",
    "little_pct",
    "finding",
    "late_by_deadline",
    "predicted_rejected",
    "predicted_late_by_deadline",
    "expected_rejected",
    "expected_late_by_deadline",
)
LATENCY_TEXT = ("cell_id", "finding")
LATENCY_LATER = LATENCY[-5:]  # columns that files of earlier versions do not have
CLOSED_LOOP = (  # of traced batches on a pool that other cells have arrivals on
    "cell_id",
    "clients",
    "p50_ns",
    "p50_low_ns",
    "p50_high_ns",
    "p99_ns",
    "p99_low_ns",
    "p99_high_ns",
    "max_ns",
    "predicted_p50_ns",
    "predicted_p99_ns",
)
CLOSED_LOOP_TEXT = ("cell_id",)
RULES = (  # of validate --rules
    "rule",
    "formula",
    "source",
    "kind",
    "wait_per_compute",
    "cases",
    "missed",
    "open",
    "regret_pct",
    "regret_low_pct",
    "regret_high_pct",
    "verdict",
)
RULES_TEXT = ("rule", "formula", "source", "kind", "verdict")
RULE_OPEN = "cannot be told apart"  # a verdict
RULE_CASES = (
    "rule",
    "kind",
    "wait_per_compute",
    "distribution",
    "cpu_quota",
    "cores",
    "workers",
    "best_workers",
    "outcome",
    "regret_pct",
    "regret_low_pct",
    "regret_high_pct",
)

SUMMARY = (
    "cell_id",
    "n",
    "median_ns",
    "ci_low_ns",
    "ci_high_ns",
    "best",
    "ties",
    "failed",
    "ci_coverage",
    "ratio",
    "ratio_low",
    "ratio_high",
    "scenario",
    "disturbed",
)
SUMMARY_TEXT = ("cell_id", "scenario")
SUMMARY_LATER = ("scenario", "disturbed")  # columns that summary files of earlier versions do not have
MACHINES = (  # of a merged directory whose cells several machines measured
    "cell_id",
    "machine",
    "machine_id",
    "n",
    "median_ns",
    "ci_low_ns",
    "ci_high_ns",
    "ci_coverage",
    "best",
    "ties",
)
MACHINES_TEXT = ("cell_id", "machine", "machine_id")
MODEL = (
    "cell_id",
    "strategy",
    "predicted_ns",
    "formula",
    "in_domain",
    "residual_pct",
    "binding",
    "violated",
    "basis",
    "expected_ns",
    "expected_residual_pct",
)
MODEL_TEXT = ("cell_id", "strategy", "formula", "binding", "violated", "basis")
BASIS_REQUESTED = "requested"  # of a prediction: from the durations asked for, not from measured ones
CURVE = (  # of a recommendation
    "backend",
    "workers",
    "strategy",
    "parsers",
    "hosts",
    "tasks",
    "predicted_ns",
    "median_ns",
    "lower_ns",
    "upper_ns",
    "runs",
    "chosen",
)
CURVE_TEXT = ("backend", "strategy")
RECOMMENDATION_USED = ("work", "cores", "thread", "process")  # of recommendation.json
POOLS_WITH_A_KNEE = ("thread", "process")  # there: objects with `knee`
SERVICE = (  # of a recommendation for clients who come at a rate
    "backend",
    "workers",
    "strategy",
    "parsers",
    "rate_per_s",
    "capacity_per_s",
    "predicted_p50_ns",
    "predicted_p90_ns",
    "predicted_p95_ns",
    "predicted_p99_ns",
    "predicted_p999_ns",
    "p50_ns",
    "p90_ns",
    "p95_ns",
    "p99_ns",
    "p999_ns",
    "runs",
    "chosen",
)
CLAIMS = (
    "id",
    "verdict",
    "expected",
    "predicted_ns",
    "measured_ns",
    "tolerance_ns",
    "violated",
    "formula",
    "model_ns",
    "ci_low_ns",
    "ci_high_ns",
    "n",
    "failed",
    "rival",
    "gap_ns",
    "claim",
    "tutorial",
    "domain",
    "case",
    "scales",
    "overhead_ns",
    "slope_ns",
    "slope_low_ns",
    "slope_high_ns",
    "intercept_ns",
    "intercept_low_ns",
    "intercept_high_ns",
    "open",
    "facts",
)
CLAIMS_TEXT = tuple("id verdict expected violated formula rival claim tutorial domain case scales open facts".split())
EVIDENCE = (
    "cell_id",
    "rep",
    "callbacks",
    "own_worker_ns",
    "other_worker_ns",
    "submitter_ns",
    "main_ns",
    "elsewhere_ns",
    "overlap_ns",
    "callback_threads",
    "workers",
    "tasks_at_once",
)
VERDICTS = (  # of poolbench/experiments/verdicts.py, over several runs of validate
    "run",
    "id",
    "verdict",
    "expected",
    "predicted_ns",
    "measured_ns",
    "ci_low_ns",
    "ci_high_ns",
    "tolerance_ns",
)

CELLS = (
    "run_id",
    "cells",
)  # cells/<run_id>.json; "cells" is {cell_id: a key per factor, and an explicit case's durations}
CELL_DURATIONS = ("task_durations_ns", "callback_durations_ns")  # [[how many tasks, ns], ...], only of explicit cases
CELL_ARRIVALS = ("arrivals_ns",)  # of a trace
CELL_PLAN = ("runs", "shard")  # "shard" only of a sweep that is cut into shards; files of earlier versions have neither

CONTEXT = ("run_id", "started_utc", "suite", "argv", "seed", "order", "machine_line", "environment", "calibration")
CONTEXT_ENVIRONMENT = (
    "machine_id",
    "hostname",
    "node",
    "cpu_model",
    "architecture",
    "cpus_online",
    "memory_bytes",
    "virtualisation",
    "kernel",
    "cores",
    "cores_decided_by",
    "affinity_cores",
    "governor",
    "smt",
    "load1",
    "load5",
    "load15",
    "cpu_pressure_avg10",
    "timer_slack_ns",
    "build_id",
    "version",
    "commit",
    "compiler",
    "build_type",
    "flags",
    "assertions",
    "warnings",
)
CONTEXT_ENVIRONMENT_LATER = ("node",)  # that files of earlier versions do not have
CONTEXT_CALIBRATION = (
    "spin_units_per_ns",
    "sort_units_per_ns",
    "hash_units_per_ns",
    "json_units_per_ns",
    "html_units_per_ns",
    "sleep_lateness_ns",
)
CONTEXT_PYTHON = (
    "implementation",
    "version",
    "gil",
    "executable",
    "spin_units_per_ns",
)  # only of runs of earlier versions with CPython's executors
CONTEXT_PART = ("sweep", "kind", "index", "count")  # of a run that is a part of a sweep on several machines
CONTEXT_LOOP = ("wake_ns", "dispatch_ns")  # of each event loop of the run and each number of its threads
CONTEXT_HOP = ("latency_ns", "task_ns", "bytes_per_ns")  # of each backend whose workers are on other hosts
CONTEXT_CLOCK = ("host", "offset_ns", "bound_ns", "round_trip_ns")  # of each of these hosts
CONTEXT_DRIVER = (
    "language",
    "version",
    "executable",
    "one_lock",
    "event_loop",
    "spin_units_per_ns",
)  # of each backend of the run that a driver ran

# --- the race: what scripts/race writes, and nobody else; docs/race_data.md is the dictionary of these files.
RACE = (
    "round",
    "run_order",
    "started_utc",
    "scenario",
    "peer",
    "executed_by",
    "workers",
    "producers",
    "unit",
    "value",
    "tasks",
    "producer_share",
    "seconds",
    "status",
    "error",
)
GOALS = (
    "group",
    "goal",
    "workers",
    "producers",
    "value",
    "unit",
    "against",
    "against_value",
    "bound",
    "limit",
    "figure",
    "low",
    "high",
    "rounds",
    "verdict",
)
RACE_CONTEXT = (
    "started_utc",
    "argv",
    "cores",
    "cores_decided_by",
    "machine_line",
    "commit",
    "rounds",
    "seconds",
    "scale",
    "seed",
    "python",
    "joblib",
    "load1",
)
CRASH_RUNS = (  # of poolbench/experiments/crash_table
    "pool",
    "fault",
    "repetition",
    "verdict",
    "task_right",
    "task_wrong",
    "task_failed",
    "task_lost",
    "beside_right",
    "beside_wrong",
    "beside_failed",
    "beside_lost",
    "later_right",
    "later_wrong",
    "later_failed",
    "later_lost",
    "ended",
    "left",
    "what",
)
CRASH_POOLS = (
    "pool",
    "status",
    "version",
    "missing",
)
CRASH_CONTEXT = (
    "started_utc",
    "argv",
    "machine_line",
    "kernel",
    "commit",
    "repetitions",
    "at_once",
    "load1",
)
