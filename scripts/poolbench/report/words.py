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
