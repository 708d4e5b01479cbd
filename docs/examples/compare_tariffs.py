"""Compare two tariffs: the same homes and days, another feed-in price.

    python docs/examples/compare_tariffs.py

A tariff is data: a preset's name, a YAML file, or keys inline that change a preset.
"""

from __future__ import annotations

from gridbazaar import compare, read_results

LOW_FEED_IN = "{preset: simple, feed_in_per_kwh: 2.0}"


def main() -> None:
    """Run two days under each tariff and say who gains from the market."""
    comparison = compare(
        "kerala-village", ("tariff", ["simple", LOW_FEED_IN]), ["days=2", "market.engine=exact"]
    )
    for row in comparison.table.to_dict("records"):
        print(f"tariff {row['setting']}")
        print(f"  mean price of trade    {row['mean_price_per_kwh']:.2f}")
        print(f"  saving of all members  {row['saving']:.0f}")
        print(f"  saving of the median   {row['median_saving']:.2f}")
        print(f"  members worse off      {row['losers_share']:.0%}")
        print(f"  the utility's net      {row['utility_net_after_banked_change']:+.0f}")

    # The runs are kept, and can be read like any other.
    for setting, path in comparison.runs.items():
        bills = read_results(path).bills
        best = bills.loc[bills.saving.idxmax()]
        print(f"gains most under {setting}: {best.prosumer} with {best.saving:.0f}")


if __name__ == "__main__":
    main()
