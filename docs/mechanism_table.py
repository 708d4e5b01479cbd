"""Write the table of mechanisms into its page: python docs/mechanism_table.py."""

from __future__ import annotations

from doc_tables import replace_table

from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.registry import MECHANISMS

PAGE = "mechanisms.md"
YES, NO = "yes", "-"
BUDGET = {"strong": "balanced", "weak": "surplus", "no": "deficit"}
TRUTH = {"dominant": "always", "one-size": "orders of one size", "bayesian": "on average", "no": NO}


def mechanism_table() -> str:
    """Return the names in the registry with what each claims."""
    header = "`market.mechanism`", "efficient", "nobody at a loss", "budget", "one price"
    header = *header, "truth is best", "equals alike"
    lines = [f"| {' | '.join(header)} |", "| --- " * len(header) + "|"]
    for name in MECHANISMS:
        claims = build_mechanism(ClearingRules(name)).traits
        cells = (
            f"`{name}`",
            YES if claims.efficient else NO,
            YES if claims.individually_rational else NO,
            BUDGET[claims.budget_balanced],
            YES if claims.uniform_price else NO,
            TRUTH[claims.truthful],
            YES if claims.anonymous else NO,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    replace_table(PAGE, "mechanisms", mechanism_table())
