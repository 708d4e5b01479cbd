"""What each frame must have cost each home, derived from positions, meters and the tariff.

All money is in whole minor units. Rounding is half away from zero after noise below a millionth of
a minor unit is taken away; splits go by largest remainders, in the order of the homes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .inputs import Run
from .meters import FrameSums

#: Energy sold and bought in a frame may differ by this share through rounding. [kWh]
BALANCED_KWH = 1e-6
_MILLIONTHS = 1_000_000
_MOST_MINOR = 9e12


def whole_minor(amount_minor: np.ndarray) -> np.ndarray:
    """Round amounts in minor units to whole ones, half away from zero.

    Examples
    --------
    >>> whole_minor(np.array([15.499999999999998, -15.5, 15.4999])).tolist()
    [16, -16, 15]
    """
    millionths = _in_millionths(amount_minor)
    size = (np.abs(millionths) + _MILLIONTHS // 2) // _MILLIONTHS
    return np.asarray(np.where(millionths < 0, -size, size))


def counted_kwh(energy: np.ndarray) -> np.ndarray:
    """Round energy to the millionth of a kWh that a bill counts.

    Examples
    --------
    >>> counted_kwh(np.array([0.1 + 0.2])).tolist()
    [0.3]
    """
    return np.asarray(np.rint(np.asarray(energy) * _MILLIONTHS) / _MILLIONTHS)


def shared_out(exact: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Split totals among homes by largest remainders, frame by frame.

    Parameters
    ----------
    exact : ndarray (n_frames, n_homes)
        Exact shares in minor units; a home without a share gets nothing.
    total : ndarray (n_frames,) of int64
        What each row must sum to.

    Returns
    -------
    ndarray (n_frames, n_homes) of int64

    Examples
    --------
    >>> shared_out(np.array([[33.4, 33.3, 33.3]]), np.array([100])).tolist()
    [[34, 33, 33]]
    """
    share = _in_millionths(exact)
    given, remainder = np.divmod(share, _MILLIONTHS)
    has = share != 0
    left = np.asarray(total) - given.sum(axis=1)
    everyone, extra = np.divmod(left, np.maximum(has.sum(axis=1), 1))
    given += has * everyone[:, None]
    # Of equal remainders the larger share comes first, then the order of the homes.
    order = np.lexsort((-share, -np.where(has, remainder, -1)), axis=1)
    rank = np.empty_like(given)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(given.shape[1]), given.shape), axis=1)
    return np.asarray(given + (has & (rank < extra[:, None])))


def _in_millionths(amount_minor: np.ndarray) -> np.ndarray:
    """Return amounts as whole millionths of a minor unit, without the noise below them.

    What is missing or beyond all money is a finding where it stands; here it must not trip.
    """
    bounded = np.clip(np.nan_to_num(amount_minor), -_MOST_MINOR, _MOST_MINOR)
    return np.rint(bounded * _MILLIONTHS).astype(np.int64)


@dataclass(frozen=True)
class Settlement:
    """Each frame's energies and money by home, (n_frames, n_homes).

    Attributes
    ----------
    sold, bought, replaced, unkept : ndarray
        Contracts; sold energy that was curtailed on order and came from the grid; contracts not
        kept beyond that [kWh].
    billed_import, grid_export : ndarray
        What the month's bill prices at retail and credits [kWh].
    paid, received, network, transaction, curtailed, given_back, imbalance : ndarray of int64
        Peer-to-peer payments, charges, grid energy in place of curtailed sales and what is given
        back of it, imbalance: what the home owes, or gets (`received`, `given_back`).
    transfer : ndarray of int64
        What the mechanism pays the home beside price times energy.
    balance : ndarray (n_frames,) of int64
        What was collected and not paid out.
    """

    sold: np.ndarray
    bought: np.ndarray
    replaced: np.ndarray
    unkept: np.ndarray
    billed_import: np.ndarray
    grid_export: np.ndarray
    paid: np.ndarray
    received: np.ndarray
    transfer: np.ndarray
    network: np.ndarray
    transaction: np.ndarray
    curtailed: np.ndarray
    given_back: np.ndarray
    imbalance: np.ndarray
    balance: np.ndarray


def settle(
    run: Run,
    sums: FrameSums,
    payments: tuple[np.ndarray, np.ndarray] | None = None,
    transfer: np.ndarray | None = None,
) -> Settlement:
    """Settle every frame.

    Parameters
    ----------
    run : Run
        Positions, prices and tariff.
    sums : FrameSums
        Metered energy.
    payments : tuple of ndarray (n_frames, n_homes) of int64, optional
        What homes pay and receive for energy; by default price times energy of their pairs.
    transfer : ndarray (n_frames, n_homes) of int64, optional
        What the mechanism pays beside price times energy.

    Returns
    -------
    Settlement
        What the ledger's postings must say.
    """
    terms, unit = run.terms, run.terms.minor_per_major
    # Contracts of hours without supply are void, by their share of the frame.
    sold, bought = run.kept * run.positions["sold_kwh"], run.kept * run.positions["bought_kwh"]
    contracted = sold - bought
    sale, purchase = np.maximum(contracted, 0.0), np.maximum(-contracted, 0.0)
    lacking = np.maximum(sale - sums.exported, 0.0)
    unused = np.maximum(purchase - sums.imported, 0.0)
    replaced = np.minimum(sums.ordered, lacking)
    short = lacking - replaced
    taken = np.maximum(sums.imported - purchase, 0.0) + lacking

    if payments is not None:
        paid, received = payments
        balance = paid.sum(axis=1) - received.sum(axis=1)
    elif run.setting("market", "mechanism") in ("pareto", "grid-only"):
        price = np.nan_to_num(run.frames["mcp_per_kwh"])[:, None]
        exact_paid, exact_received = price * bought * unit, price * sold * unit
        collected = whole_minor((price * bought).sum(axis=1) * unit)
        paid, received = shared_out(exact_paid, collected), shared_out(exact_received, collected)
        balance = np.zeros(run.n_frames, dtype=np.int64)
    else:
        paid, received, balance = _by_pairs(run)
    transfer = np.zeros_like(paid) if transfer is None else transfer
    balance = balance - transfer.sum(axis=1)

    exact = bought * (terms.network_charge * unit)
    network = shared_out(exact, whole_minor(exact.sum(axis=1)))
    rate = terms.transaction_charge * unit
    by_seller, by_buyer = (
        sold * (rate * terms.seller_share),
        bought * (rate * (1.0 - terms.seller_share)),
    )
    sides = np.stack([by_seller.sum(axis=1), by_buyer.sum(axis=1)], axis=1)
    sides = shared_out(sides, whole_minor(sides.sum(axis=1)))
    transaction = shared_out(by_seller, sides[:, 0]) + shared_out(by_buyer, sides[:, 1])

    retail = terms.retail[run.time.tod][:, None]
    curtailed = whole_minor(replaced * retail * unit)
    share = np.divide(replaced, sold, out=np.zeros_like(sold), where=sold > 0.0)
    given_back = curtailed - whole_minor(received * share)
    owed = terms.penalty * (retail * short + max(terms.feed_in, 0.0) * unused)
    if terms.single_price:
        single = _single_price(retail, terms.feed_in, (short - unused).sum(axis=1)[:, None])
        owed = owed + (single - retail) * short - (single - terms.feed_in) * unused
    return Settlement(
        sold=sold,
        bought=bought,
        replaced=replaced,
        unkept=short + unused,
        billed_import=np.maximum(taken - replaced, 0.0),
        grid_export=np.maximum(sums.exported - sale, 0.0) + unused,
        paid=paid,
        received=received,
        transfer=transfer,
        network=network,
        transaction=transaction,
        curtailed=curtailed,
        given_back=given_back,
        imbalance=whole_minor(owed * unit),
        balance=balance,
    )


def _by_pairs(run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what homes pay and receive for energy, pair by pair, and what is left of it."""
    trades, shape = run.trades, (run.n_frames, run.n_homes)
    sides = []
    for home, price in ((trades.buyer, trades.paid), (trades.seller, trades.price)):
        money = np.bincount(
            trades.frame * run.n_homes + home,
            weights=trades.energy * price,
            minlength=shape[0] * shape[1],
        )
        sides.append(run.kept * money.reshape(shape) * run.terms.minor_per_major)
    totals = [side.sum(axis=1) for side in sides]
    one_total = np.abs(totals[0] - totals[1]) <= 1e-3 + 1e-12 * np.abs(totals[0])
    collected = whole_minor(totals[0])
    given = np.where(one_total, collected, whole_minor(totals[1]))
    return shared_out(sides[0], collected), shared_out(sides[1], given), collected - given


def _single_price(retail: np.ndarray, feed_in: float, net_short: np.ndarray) -> np.ndarray:
    """Retail where the members together fell short, feed-in where they had too much."""
    middle = np.where(np.abs(net_short) > BALANCED_KWH, np.nan, (retail + feed_in) / 2.0)
    one_sided = np.where(net_short > 0.0, retail, feed_in)
    return np.where(np.isnan(middle), one_sided, middle)
