"""A market rule of your own, from outside the package: written, tested and run.

python docs/examples/own_market_rule.py
"""

import numpy as np

from gridbazaar.market.mechanism import Traits
from gridbazaar.market.mechanisms.conformance import check_mechanism
from gridbazaar.market.mechanisms.merit import in_proportion
from gridbazaar.market.mechanisms.outcome import outcome, pairs, priced
from gridbazaar.market.registry import MECHANISMS
from gridbazaar.sim.run import run_scenario


class PostedPrice:
    """One price that no order can move; who likes it trades, the longer side in proportion."""

    traits = Traits(individually_rational=True, truthful="dominant")

    def clear(self, book, terms, rng):
        """Post a price a third of the way from feed-in to retail."""
        price = (2.0 * terms.feed_in_per_kwh + terms.retail_per_kwh) / 3.0
        offered = np.where(book.offer_per_kwh <= price, book.capacity_kwh, 0.0)
        wanted = np.where(book.bid_per_kwh >= price, book.demand_kwh, 0.0)
        traded = min(offered.sum(), wanted.sum())
        deals = pairs(book, in_proportion(offered, traded), in_proportion(wanted, traded))
        return outcome(book, priced(deals, price, price), price)


MECHANISMS["posted-price"] = lambda rules: PostedPrice()

if __name__ == "__main__":
    problems = check_mechanism("posted-price")
    print("\n".join(problems) or "posted-price keeps what it claims on 1,200 books")
    results = run_scenario("kerala-village", ["days=2", "market.mechanism=posted-price"])
    print(results.frames[["frame_id", "traded_kwh", "mcp_per_kwh"]].to_string(index=False))
    print(f"saving of all members: {results.bills.saving.sum():.2f} {results.manifest['currency']}")
