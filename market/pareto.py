"""The default mechanism: price, search of the front of two welfares, choice, pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .acceptance import accepted, clearing_of, with_pairs
from .choice import CHOICE_RULES, Gains
from .clearing import Clearing, GridTerms
from .engines import ENGINES, SearchSettings
from .frame_market import FrameMarket, Points
from .mechanism import ClearingRules, Traits
from .network_check import NetworkCheck
from .objectives import OBJECTIVES
from .order import OrderBook
from .participation import PARTICIPATION
from .price import PRICE_RULES, PRICES_WITHOUT_BOOK, PriceSettings, merit_order_margin, volume_at

WHOSE = ("sides", "participants")
#: Of the search of a capped frame: half of its first population are points of the closed form.
LAST_GENERATIONS = 4
Finder = Callable[[FrameMarket], Points]


class Pareto:
    """Two-objective clearing at one price (`mechanism: pareto`).

    Parameters
    ----------
    rules : ClearingRules, optional
        Price rule, participation, objectives, engine, encoding and choice rule.

    Examples
    --------
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> clearing = Pareto(ClearingRules(engine="exact")).clear(
    ...     book, GridTerms(7.0, 2.0), np.random.default_rng(1))
    >>> clearing.status, clearing.mcp_per_kwh, clearing.traded_kwh
    ('cleared', 3.0, 4.0)
    """

    def __init__(self, rules: ClearingRules | None = None) -> None:
        self.rules = rules or ClearingRules()
        self._objectives = OBJECTIVES[self.rules.objectives]
        self._choice = self.rules.choose or self._objectives.default_choice
        self.traits = Traits(
            # A price by hand may lie above retail, which a bid counts as at most.
            individually_rational=self.rules.participation == "rational"
            and self.rules.price_rule != "fixed",
            anonymous=self.rules.engine == "exact",  # NSGA-II searches by chance
        )

    def clear(self, book: OrderBook, terms: GridTerms, rng: np.random.Generator) -> Clearing:
        """Clear a book without asking the network.

        Parameters
        ----------
        book : OrderBook
            The orders.
        terms : GridTerms
            Retail and feed-in price.
        rng : numpy.random.Generator
            Of the search.

        Returns
        -------
        Clearing
            Status `cleared` or `no-trade`.
        """
        return with_pairs(book, self._clear(book, terms, None, self._search(rng, book)))

    def clear_again(
        self, book: OrderBook, terms: GridTerms, rng: np.random.Generator, earlier: Clearing
    ) -> Clearing:
        """Clear a book whose capacities were capped since an earlier clearing.

        The price of the submitted book is held (unless the rules say `reprice`), and the search
        starts from the earlier front. The pairs of what will be carried out follow with `paired`.

        Parameters
        ----------
        book : OrderBook
            The capped book.
        terms : GridTerms
            Retail and feed-in price.
        rng : numpy.random.Generator
            Of the search.
        earlier : Clearing
            Of the same members.

        Returns
        -------
        Clearing
            Status `cleared` or `no-trade`, without pairs.
        """
        return self._clear(book, terms, earlier, self._search(rng, book, warm=earlier))

    def choice_is_known(self) -> bool:
        """Tell whether the schedule that the rules choose is known without a front.

        `demand-first` chooses the point of most energy. Of all points with that energy,
        water-filling has the best f1 of the published set, and every search starts with it (bids of
        0 leave f1 flat in who serves them: there a search may choose otherwise).
        """
        totals = self.rules.engine == "exact" or self.rules.encoding == "marginal"
        return totals and self._objectives.name == "published" and self._choice == "demand-first"

    def clear_chosen(self, book: OrderBook, terms: GridTerms, earlier: Clearing) -> Clearing:
        """Clear a book as `clear_again`, for the chosen point alone: nothing is searched.

        Parameters
        ----------
        book : OrderBook
            The capped book.
        terms : GridTerms
            Retail and feed-in price.
        earlier : Clearing
            Of the same members; its price is held (unless the rules say `reprice`).

        Returns
        -------
        Clearing
            With a front of one point, and without pairs.

        Raises
        ------
        ValueError
            If the rules' choice needs the front (see `choice_is_known`).
        """
        if not self.choice_is_known():
            raise ValueError(f"{self._choice!r} needs the front: use `clear_again`")
        return self._clear(book, terms, earlier, self._most_energy)

    def clear_anew(
        self, book: OrderBook, terms: GridTerms, rng: np.random.Generator, earlier: Clearing
    ) -> Clearing:
        """Clear a book as `clear_again`, with a whole search where the front has not collapsed.

        Parameters
        ----------
        book : OrderBook
            The capped book.
        terms : GridTerms
            Retail and feed-in price.
        rng : numpy.random.Generator
            Of the search.
        earlier : Clearing
            Of the same members; its price is held (unless the rules say `reprice`).

        Returns
        -------
        Clearing
            Status `cleared` or `no-trade`, without pairs.
        """
        few = min(LAST_GENERATIONS, self.rules.generations)
        whole = self._search(rng, book, generations=few)
        short = self._search(rng, book, warm=earlier)

        def find(market: FrameMarket) -> Points:
            return (whole if self._objectives.conflict(market) else short)(market)

        return self._clear(book, terms, earlier, find)

    def paired(self, book: OrderBook, clearing: Clearing) -> Clearing:
        """Write the pairs of a schedule that `clear_again` or `switch_to` left without.

        Parameters
        ----------
        book : OrderBook
            The orders.
        clearing : Clearing
            The schedule.

        Returns
        -------
        Clearing
            The same with its trades.
        """
        return with_pairs(book, clearing)

    def clear_constrained(
        self,
        book: OrderBook,
        terms: GridTerms,
        rng: np.random.Generator,
        network: NetworkCheck,
    ) -> Clearing:
        """Clear a book with voltages as a constraint inside the search.

        Parameters
        ----------
        book : OrderBook
            The orders.
        terms : GridTerms
            Retail and feed-in price.
        rng : numpy.random.Generator
            Of the search.
        network : NetworkCheck
            Asked for the whole population every generation.

        Returns
        -------
        Clearing
            Its front holds feasible points only; `no-trade` where there is none.
        """
        return with_pairs(book, self._clear(book, terms, None, self._search(rng, book, network)))

    def switch_to(self, book: OrderBook, clearing: Clearing, point: int) -> Clearing:
        """Write another point of a clearing's front as the clearing.

        Parameters
        ----------
        book : OrderBook
            The orders; their capacities may have been capped since.
        clearing : Clearing
            With a front.
        point : int
            Index of the point.

        Returns
        -------
        Clearing
            The same front with another point chosen, without pairs.

        Raises
        ------
        ValueError
            If the clearing has no front.
        """
        if clearing.front is None:
            raise ValueError("this clearing has no front to switch on: choose another mechanism")
        return accepted(book, clearing, replace(clearing.front, chosen=point))

    def _clear(
        self, book: OrderBook, terms: GridTerms, earlier: Clearing | None, find: Finder
    ) -> Clearing:
        """Price the book, find its points, choose one."""
        margin = merit_order_margin(book, terms.retail_per_kwh)
        notes: tuple[str, ...] = ()
        held: Clearing | None = None  # whose price stands: it was set on the submitted book
        if self._objectives.price_in_search:
            price = float("nan")
        elif earlier is not None and earlier.mcp_per_kwh is not None and not self.rules.reprice:
            held = earlier
            price, notes = earlier.mcp_per_kwh, earlier.notes
        else:
            by_hand = self.rules.price_rule == "fixed"
            if margin.matched_kwh <= 0 and self.rules.price_rule not in PRICES_WITHOUT_BOOK:
                return Clearing.no_trade(book)
            price = PRICE_RULES[self.rules.price_rule](margin, terms, self._price_settings())
            if by_hand:
                notes = ("the price was given by hand: it bypasses the market's bounds",)
        market = self._market(book, terms, price)
        if market.most_kwh <= 0:
            lost = margin.matched_kwh if held is None else held.lost_kwh
            return replace(Clearing.no_trade(book, notes), lost_kwh=lost)
        points = find(market)
        if len(points) == 0:
            return Clearing.no_trade(book, notes)
        chosen = self.choose(market, points)
        clearing = clearing_of(book, market, points, chosen, notes)
        if self._objectives.price_in_search:
            return clearing
        if held is not None:  # what the price loses of a capped book is the feeder's doing
            return replace(clearing, lost_kwh=held.lost_kwh)
        lost = max(0.0, margin.matched_kwh - volume_at(book, price, terms.retail_per_kwh))
        if self.rules.participation == "all" or lost <= 1e-9 * margin.matched_kwh:
            return clearing
        note = f"the price leaves {lost:.6g} kWh unmatched that the book could trade"
        return replace(clearing, lost_kwh=lost, notes=(*notes, note))

    def _search(
        self,
        rng: np.random.Generator,
        book: OrderBook,
        network: NetworkCheck | None = None,
        warm: Clearing | None = None,
        generations: int | None = None,
    ) -> Finder:
        """Find the front with the engine, from an earlier one where `warm` has it."""

        def find(market: FrameMarket) -> Points:
            settings = SearchSettings(
                self.rules.encoding,
                self.rules.population,
                generations or self.rules.generations,
                self.rules.front_points,
                _warm_points(warm, market),
                network,
                True,
                book.m,
            )
            return ENGINES[self.rules.engine](market, self._objectives, settings, rng)

        return find

    def _most_energy(self, market: FrameMarket) -> Points:
        """Find the point of most energy alone."""
        sold, bought, price = self._objectives.seeds(market, 1)
        f1, f2 = self._objectives.values(market, sold, bought, price, final=True)
        return Points(sold, bought, price, f1, f2, collapsed=False, evaluations=1)

    def choose(self, market: FrameMarket, points: Points) -> int:
        """Pick a point of a front by the rule of the configuration.

        Parameters
        ----------
        market : FrameMarket
            Participants.
        points : Points
            The front.

        Returns
        -------
        int
            Index of the point.
        """
        surplus = self._objectives.price_in_search
        gains = Gains(
            points.sold_kwh.sum(axis=1),
            points.f1,
            points.f2,
            (0.0, 0.0) if surplus else None,
            self._objectives.by_member(market, points)
            if self.rules.whose == "participants"
            else None,
            self.rules.weight,
            self.rules.goals,
        )
        return CHOICE_RULES[self._choice](gains)

    def _market(self, book: OrderBook, terms: GridTerms, price: float) -> FrameMarket:
        rational = self.rules.participation == "rational"
        if not self._objectives.price_in_search:
            selling, buying = PARTICIPATION[self.rules.participation](book, price)
            return FrameMarket.of(book, selling, buying, price, rational=rational)
        top = terms.retail_per_kwh
        selling = book.offer_per_kwh <= top if rational else np.ones(book.m, dtype=np.bool_)
        offers = book.offer_per_kwh[selling & (book.capacity_kwh > 0)]
        low = min(float(offers.min(initial=top)), terms.feed_in_per_kwh, top)
        buying = np.ones(book.n, dtype=np.bool_)
        return FrameMarket.of(book, selling, buying, price, (low, top), rational)

    def _price_settings(self) -> PriceSettings:
        return PriceSettings(self.rules.k, self.rules.grid_margin, self.rules.fixed_price)


def _warm_points(earlier: Clearing | None, market: FrameMarket) -> Points | None:
    if earlier is None or earlier.front is None:
        return None
    front = earlier.front
    price = front.price_per_kwh
    if price is None:
        price = np.full(front.f1.size, market.price_per_kwh)
    return Points(
        front.sold_kwh[:, market.sellers],
        front.bought_kwh[:, market.buyers],
        price,
        front.f1,
        front.f2,
        front.collapsed,
    )
