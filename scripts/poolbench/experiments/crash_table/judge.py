"""What a run means: from what its host said, how it ended, and what it left, to a verdict."""

from typing import NamedTuple

from poolbench.experiments.crash_table.report import Report

SURVIVED = "survived"  # no task noticed, or the pool mended it
TASK_FAILED = "task failed"  # its own task got an exception, all others their results
OTHERS_FAILED = "others failed"  # other tasks got exceptions; the pool takes new ones
ALL_FAILED = "all failed"  # later tasks, too
WRONG = "wrong result"  # a task got a result that is not its own
HUNG = "hung"  # a task never ended, or the shutdown did not
PROGRAM_ENDED = "program ended"  # the host died of it
NOTHING_LEFT = "nothing left"  # of a host that was killed
LEFT_ORPHANS = "left orphans"  # likewise
INAPPLICABLE = "-"
VERDICTS = (
    SURVIVED,
    TASK_FAILED,
    OTHERS_FAILED,
    ALL_FAILED,
    WRONG,
    HUNG,
    PROGRAM_ENDED,
    NOTHING_LEFT,
    LEFT_ORPHANS,
    INAPPLICABLE,
)


class Observation(NamedTuple):
    report: Report
    how: str  # exit CODE, signal NUMBER, killed as the fault wants it, or overdue: nothing came of it any more
    left: tuple[str, ...]  # names of the processes that were there when the host had been gone for a while


class Judgement(NamedTuple):
    verdict: str
    hung: tuple[str, ...]  # what did: task, others, later, shutdown, start
    orphans: bool
    what: str  # the first exception, or how the host ended

    def words(self) -> str:
        words = f"{self.verdict}: {', '.join(self.hung)}" if self.hung else self.verdict
        return f"{words} + orphans" if self.orphans and self.verdict != LEFT_ORPHANS else words


def hung(seen: Observation) -> tuple[str, ...]:
    report = seen.report
    lost = [
        name
        for role, name in (("faulty", "task"), ("beside", "others"), ("later", "later"))
        if any(task.end == "lost" for task in report.of(role))
    ]
    if seen.how == "overdue":
        lost.append("shutdown" if report.of("later") else "others" if report.started else "start")
    return tuple(dict.fromkeys(lost))


def judge(seen: Observation) -> Judgement:
    report = seen.report
    if report.inapplicable:
        return Judgement(INAPPLICABLE, (), False, report.inapplicable)
    orphans = bool(seen.left)
    stuck = hung(seen)
    failed = {task.role: task.what for task in reversed(report.tasks) if task.end == "failed"}
    what = next((failed[role] for role in ("faulty", "beside", "later") if role in failed), "")
    if stuck:
        return Judgement(HUNG, stuck, orphans, what)
    if seen.how == "killed":
        return Judgement(LEFT_ORPHANS if orphans else NOTHING_LEFT, (), orphans, "")
    if not report.ended or seen.how != "exit 0":
        return Judgement(PROGRAM_ENDED, (), orphans, seen.how)
    if wrong := [task.what for task in report.tasks if task.end == "wrong"]:
        return Judgement(WRONG, (), orphans, wrong[0])
    if "later" in failed:
        verdict = ALL_FAILED
    elif "beside" in failed:
        verdict = OTHERS_FAILED
    else:
        verdict = TASK_FAILED if "faulty" in failed else SURVIVED
    return Judgement(verdict, (), orphans, what)
