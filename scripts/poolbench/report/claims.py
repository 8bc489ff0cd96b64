"""The claims of a run as rows of a table, each with the small picture that shows why it was decided so."""

from dataclasses import dataclass
from typing import Any

from poolbench.data.quantities import duration
from poolbench.report.words import contradicts

WIDTH, HEIGHT = 220, 30  # of a picture, CSS pixels
MARGIN = 6
MARK = {"holds": "✓", "refuted": "✗", "inconclusive": "?"}
WORDS = {"holds": "holds", "refuted": "refuted", "inconclusive": "open"}


@dataclass
class Row:
    claim: dict[str, Any]
    verdict: str
    mark: str
    contradicts: bool
    predicted: str
    measured: str
    interval: str
    tolerance: str
    why: str
    picture: dict[str, Any] | None


def rows(claims: list[dict[str, Any]]) -> list[Row]:
    return [
        Row(
            claim,
            WORDS[claim["verdict"]],
            MARK[claim["verdict"]],
            contradicts(claim),
            signed(claim["predicted_ns"]),
            "not measured" if claim["measured_ns"] is None else signed(claim["measured_ns"]),
            ""
            if claim["interval_ns"] is None
            else f"[{signed(claim['interval_ns'][0])}, {signed(claim['interval_ns'][1])}]",
            f"±{duration(claim['tolerance_ns'])}",
            claim["violated"] or claim["open"] or "",
            _picture(claim),
        )
        for claim in claims
    ]


def signed(ns: float) -> str:
    if ns == 0:
        return "0"
    return duration(ns) if ns > 0 else f"−{duration(-ns)}"


def _picture(claim: dict[str, Any]) -> dict[str, Any] | None:
    """Places along the picture: what the formula says with its tolerance, what was measured with its interval."""
    if claim["measured_ns"] is None:
        return None
    predicted, tolerance = claim["predicted_ns"], max(claim["tolerance_ns"], 1)
    values = [claim["measured_ns"], *claim["interval_ns"]]
    reach = max(2.5 * tolerance, 1.15 * max(abs(value - predicted) for value in values))

    def place(value: float) -> float:
        return round(float(WIDTH / 2 + (value - predicted) / reach * (WIDTH / 2 - MARGIN)), 1)

    off = claim["measured_ns"] - predicted
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "band": (place(predicted - tolerance), place(predicted + tolerance)),
        "predicted": place(predicted),
        "measured": place(claim["measured_ns"]),
        "interval": (place(claim["interval_ns"][0]), place(claim["interval_ns"][1])),
        "text": f"measured {signed(values[0])}, {duration(abs(off))} {'above' if off >= 0 else 'below'} "
        f"what the formula says, {signed(predicted)}; allowed are {duration(tolerance)} either way",
    }
