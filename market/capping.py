"""The network loop around any mechanism: switch, cap sellers, clear again, restore.

A schedule is accepted only if the network check accepts it, or the status says otherwise. Every
iteration is kept. Capping acts on overvoltage; undervoltage is not cured by it and only flagged.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .capping_loop import NO_SOLUTION, CappingLoop
from .capping_options import NETWORK_METHODS, CappingOptions
from .clearing import Clearing, GridTerms
from .loop_abilities import Searches
from .mechanism import Mechanism
from .network_check import NetworkCheck, Voltages
from .order import OrderBook, OrderError

__all__ = ["CappingOptions", "clear_within_limits"]


def clear_within_limits(
    mechanism: Mechanism,
    book: OrderBook,
    terms: GridTerms,
    network: NetworkCheck | None,
    rng: np.random.Generator,
    options: CappingOptions | None = None,
) -> Clearing:
    """Clear a book and keep the schedule within the feeder's voltage limits.

    `adaptive-capping`: (i) if the chosen point is infeasible, switch to a feasible point of the
    front that serves enough; (ii) else cap the sellers at critical nodes (those of highest dV/dP
    where the nodes have none) and clear again, at the held price and from the last front where
    the mechanism can (for the chosen point alone where that is known without a front: then the
    front is searched once more at the end); (iii) bisection restores the caps to the largest
    feasible common factor; (iv) `switch_front_kwh` reports what any feasible point of the first
    front would have served. The last of `max_iterations` rounds stops all sellers that were
    capped, so that no frame is capped more often; they are restored likewise. Where even that
    does not pass, all sales stop.

    `constrained`: the frame is cleared without the feeder; if some point of that front breaks a
    limit, the front is searched again with the voltages as a constraint. Where no schedule is
    found that passes, adaptive capping takes over.

    Parameters
    ----------
    mechanism : Mechanism
        Any.
    book : OrderBook
        The orders.
    terms : GridTerms
        Retail and feed-in price.
    network : NetworkCheck or None
        The feeder as forecast; None clears without it.
    rng : numpy.random.Generator
        The only source of randomness.
    options : CappingOptions, optional
        The model's defaults without it.

    Returns
    -------
    Clearing
        Feasible by the check if its status is `cleared`. `infeasible-base`: the feeder is above
        its limit without any sale; sellers that move that bus materially are stopped. Or its
        power flow has no solution without any sale: nothing is traded, and a note says so.
        `infeasible-limit`: no schedule passed the check, nothing is traded.

    Raises
    ------
    OrderError
        If the method is unknown, or `constrained` is asked of a mechanism that has no search.

    Examples
    --------
    >>> from gridbazaar.market.mechanism import ClearingRules, build_mechanism
    >>> book = OrderBook(("s",), [3.0], [10.0], ("b",), [6.0], [4.0])
    >>> clear_within_limits(build_mechanism(ClearingRules(engine="exact")), book,
    ...     GridTerms(7.0, 2.0), None, np.random.default_rng(1)).traded_kwh
    4.0
    """
    opts = options or CappingOptions()
    if opts.method not in NETWORK_METHODS:
        raise OrderError(
            [f"network: {opts.method!r} is unknown: use one of {', '.join(NETWORK_METHODS)}"]
        )
    if network is None:
        return mechanism.clear(book, terms, rng)
    base = network.base()
    if opts.method == "ignore":
        return _reported(mechanism.clear(book, terms, rng), network, base)
    loop = CappingLoop(mechanism, book, terms, network, rng, opts, base)
    if not np.isfinite(base.v_max_pu[0]):
        return loop.collapsed()
    if opts.method == "constrained":
        if not isinstance(mechanism, Searches):
            raise OrderError(
                [
                    f"network: 'constrained' needs a mechanism with a search, "
                    f"{type(mechanism).__name__} has none: use 'adaptive-capping'"
                ]
            )
        searched = loop.search(mechanism)
        if searched is not None:
            return searched
        loop = CappingLoop(mechanism, book, terms, network, rng, opts, base, loop.evaluations)
    return loop.run()


def _reported(clearing: Clearing, network: NetworkCheck, base: Voltages) -> Clearing:
    """Add the voltages of a schedule that nobody asked the network about."""
    seen = network.check(clearing.sold_kwh[None])
    solved = bool(np.isfinite(base.v_max_pu[0]))
    return replace(
        clearing,
        notes=clearing.notes if solved else (*clearing.notes, NO_SOLUTION),
        v_min_pu=float(seen.v_min_pu[0]),
        v_max_pu=float(seen.v_max_pu[0]),
        undervoltage_base=bool(base.undervoltage[0]),
    )
