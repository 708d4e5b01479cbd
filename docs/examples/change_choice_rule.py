"""Change a rule of the market: which point of each frame's Pareto front is taken.

    python docs/examples/change_choice_rule.py

On the estates' feeder, where single traders are large, the two objectives conflict; so the rule
that chooses from the front decides how much is traded.
"""

from __future__ import annotations

from gridbazaar import compare


def main() -> None:
    """Run a day under three rules and set them side by side."""
    comparison = compare(
        "kerala-estates",
        ("market.choose", ["demand-first", "knee", "nash-bargaining"]),
        ["days=1", "market.engine=exact"],
    )
    columns = ["setting", "traded_kwh", "mean_price_per_kwh", "surplus", "share_of_optimum"]
    print(comparison.table[columns].round(2).to_string(index=False))
    print("runs, table and figure", comparison.out)


if __name__ == "__main__":
    main()
