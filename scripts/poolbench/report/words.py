"""The answer in words: what won where, what that is worth, which claims held."""

from dataclasses import dataclass
from typing import Any

from poolbench.data.quantities import duration
from poolbench.report.cells import Cell, Scenario, interval_text, ratio_text


@dataclass
class Answer:
    """Of one scenario. Cells are to be named with a link to their rows."""

    scenario: Scenario
    best: Cell | None
    few: bool
    ties: list[Cell]
    next: Cell | None
    slowest: Cell | None


def answers(found: list[Scenario]) -> list[Answer]:
    return [_answer(scenario) for scenario in found]


def _answer(scenario: Scenario) -> Answer:
    ranked = scenario.ranked
    best = next((cell for cell in ranked if cell.best), ranked[0] if ranked else None)
    others = [cell for cell in ranked if cell is not best]
    beaten = [cell for cell in others if not cell.tie and (cell.ratio_low or 0) > 1]
    return Answer(
        scenario,
        best,
        scenario.few,
        [cell for cell in others if cell.tie],
        beaten[0] if beaten else None,
        beaten[-1] if len(beaten) > 1 else None,
    )


def in_short(found: list[Answer]) -> list[str]:
    """A sentence per kind of work, as the titles name it: which executors are the fastest there, or as good."""
    by_work: dict[str, list[Answer]] = {}
    for answer in found:
        if answer.best is not None and not answer.few:
            by_work.setdefault(answer.scenario.title.partition(": ")[0], []).append(answer)
    sentences = []
    for work, some in by_work.items():
        winners = [_executors(answer) for answer in some]
        common = set(winners[0]).intersection(*winners[1:])
        if common:
            names = [name for name in winners[0] if name in common]
            sentences.append(
                f"For {work} take {_listed(names)}" + ("." if len(names) == 1 else ": no difference was shown.")
            )
        else:
            sentences.append(f"For {work} it depends on the tasks: see below.")
    if any(answer.few for answer in found):
        sentences.append("Some cells have fewer than four repetitions: nothing is called best or equal there.")
    return sentences


def _executors(answer: Answer) -> list[str]:
    """Those that are best or tie, each once: "thread, 10 workers"."""
    cells = [cell for cell in [answer.best, *answer.ties] if cell is not None]
    return list(dict.fromkeys(cell.name for cell in cells))


def _listed(names: list[str], most: int = 4) -> str:
    shown = [f"“{name}”" for name in names[:most]]
    if len(names) > most:
        return ", ".join(shown) + f" or {len(names) - most} more"
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " or " + shown[-1]


def claims_in_words(claims: list[dict[str, Any]]) -> str:
    if not claims:
        return ""
    counts = [sum(claim["verdict"] == verdict for claim in claims) for verdict in VERDICTS]
    found = [
        f"{count} {one if count == 1 else several}"
        for count, (one, several) in zip(
            counts, (("holds", "hold"), ("is refuted", "are refuted"), ("is open", "are open"))
        )
    ]
    one = len(claims) == 1
    text = f"Of {len(claims)} claim{'' if one else 's'} about such pools that this run can judge, {', '.join(found)}."
    against = sum(contradicts(claim) for claim in claims)
    if against:
        text += f" {against} of these verdicts contradict{'s' if against == 1 else ''} the exact model."
    return text


VERDICTS = ("holds", "refuted", "inconclusive")


def contradicts(claim: dict[str, Any]) -> bool:
    return bool(claim["verdict"] != "inconclusive" and claim["verdict"] != claim["expected"])


def median_text(cell: Cell) -> str:
    return "no median" if cell.median is None else f"{duration(cell.median)} {interval_text(cell)}"


def next_text(cell: Cell) -> str:
    return f"takes {ratio_text(cell)} as long"
