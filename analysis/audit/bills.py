"""Every bill, derived anew from meters, contracts and `tariff.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .settlement import Settlement, counted_kwh, whole_minor
from .terms import Month, Steps, Terms

#: Lines of a bill, in its order; what the home owes is positive.
LINES = (
    "p2p_bought",
    "p2p_sold",
    "market_transfer",
    "network_charge",
    "transaction_charge",
    "curtailed_energy",
    "network_curtailment",
    "imbalance",
    "grid_energy",
    "fixed_charge",
    "grid_support_charge",
    "export_credit",
    "bank_payout",
)
#: Those that are posted at the month's end, in the order of posting.
MONTH_END = ("grid_energy", "fixed_charge", "grid_support_charge", "export_credit", "bank_payout")


@dataclass(frozen=True)
class LineEntries:
    """Entries of one line of all homes' bills, in the order of the homes.

    `step` and `tod` are the tariff's step and frame that an entry is about, -1 where it is about
    none; `rate` is NaN where there is no price.
    """

    home: np.ndarray
    energy: np.ndarray
    amount: np.ndarray
    rate: np.ndarray
    step: np.ndarray
    tod: np.ndarray


@dataclass
class Bill:
    """The bills of all homes for one month.

    Attributes
    ----------
    owed : dict of str to ndarray (n_homes,) of int64
        Each line [minor units].
    entries : dict of str to LineEntries
        What each month-end line consists of, home by home.
    taken, given : ndarray (n_homes, n_tod)
        Exchange with the grid by ToD frame as the bill counts it [kWh].
    billed : ndarray (n_homes, n_tod)
        Units priced at retail [kWh].
    bank : ndarray (n_homes, n_pools)
        Units in the bank of net metering after the month [kWh].
    """

    owed: dict[str, np.ndarray]
    taken: np.ndarray
    given: np.ndarray
    billed: np.ndarray
    bank: np.ndarray
    entries: dict[str, LineEntries] = field(default_factory=dict)

    @property
    def total(self) -> np.ndarray:
        """What each home owes, (n_homes,) [minor units]."""
        return np.asarray(sum(self.owed.values()))


def bill_month(
    terms: Terms,
    month: Month,
    tod: np.ndarray,
    imports: np.ndarray,
    exports: np.ndarray,
    pv_kw: np.ndarray,
    bank: np.ndarray | None,
    traded: Settlement | None = None,
    three_phase: np.ndarray | None = None,
    levelled: np.ndarray | int = 0,
) -> Bill:
    """Bill one month for all homes.

    Parameters
    ----------
    terms : Terms
        The tariff's rules.
    month : Month
        Which frames, and how much of the month they cover: a month in part has its slab edges and
        fixed charges in proportion.
    tod : ndarray (n_frames,)
        ToD frame of each frame of the run.
    imports, exports : ndarray (n_frames, n_homes)
        Energy to be priced at retail, and fed in, over the whole run [kWh].
    pv_kw : ndarray (n_homes,)
        Size of each PV system, which decides on net metering and grid support [kW].
    bank : ndarray (n_homes, n_pools) or None
        Units in the bank before the month [kWh].
    traded : Settlement, optional
        What the market's frames cost; left out for a bill without peer-to-peer trade.
    three_phase : ndarray (n_homes,) of bool, optional
        Homes with a three-phase connection, which have fixed charges of their own.
    levelled : ndarray (n_homes,) of int64, optional
        What `bill-sharing` pays each home at the month's end [minor units].

    Returns
    -------
    Bill
        All lines.
    """
    n, n_tod = imports.shape[1], len(terms.frames)
    kind = tod[month.frames]
    taken, given = (
        counted_kwh(
            np.stack([part[month.frames][kind == k].sum(axis=0) for k in range(n_tod)], axis=1)
        )
        for part in (imports, exports)
    )
    bank = np.zeros((n, n_tod if terms.bank_by_frame else 1)) if bank is None else bank
    billed, credited, offset = taken, given, np.zeros_like(taken)
    if terms.banks:
        netted = pv_kw <= terms.net_metering_up_to_kw
        billed, credited, offset, bank = _net(terms, taken, given, bank, netted)
    bill = Bill({line: np.zeros(n, dtype=np.int64) for line in LINES}, taken, given, billed, bank)
    bought = np.zeros(n)
    if traded is not None:
        bought = traded.bought[month.frames].sum(axis=0)
        for line, values in frame_lines(traded).items():
            bill.owed[line] = values[month.frames].sum(axis=0)
        bill.owed["market_transfer"] -= levelled
    phases = np.zeros(n, dtype=np.int64) if three_phase is None else three_phase.astype(np.int64)
    _energy_charge(bill, terms, month, billed, bought, phases)
    everyone = np.arange(n)
    _enter(
        bill, terms, "export_credit", everyone, counted_kwh(credited.sum(axis=1)), terms.feed_in, -1
    )
    # Dates as text are in the order of time.
    if terms.support is not None and f"{month.name}-01" >= (terms.support_from or ""):
        _support_charge(bill, terms, month, offset, pv_kw)
    if terms.banks and month.ends and month.number == (terms.year_starts_month - 2) % 12 + 1:
        left = counted_kwh(bank.sum(axis=1))
        _enter(bill, terms, "bank_payout", everyone, left, terms.payout, -1)
        bill.bank = np.zeros_like(bank)
    return bill


def frame_lines(traded: Settlement) -> dict[str, np.ndarray]:
    """Return the lines that frames post, (n_frames, n_homes) [minor units]."""
    return {
        "p2p_bought": traded.paid,
        "p2p_sold": -traded.received,
        "market_transfer": -traded.transfer,
        "network_charge": traded.network,
        "transaction_charge": traded.transaction,
        "curtailed_energy": traded.curtailed,
        "network_curtailment": -traded.given_back,
        "imbalance": traded.imbalance,
    }


def _enter(
    bill: Bill,
    terms: Terms,
    line: str,
    home: np.ndarray,
    energy: np.ndarray,
    rate: np.ndarray | float,
    sign: int = 1,
    step: np.ndarray | int = -1,
    tod: np.ndarray | int = -1,
) -> None:
    """Add entries to a line: energy x rate, each rounded by itself; none without energy."""
    amount = sign * whole_minor(energy * rate * terms.minor_per_major)
    _add(bill, line, (home, energy, amount, rate, step, tod), energy != 0.0)


def _add(bill: Bill, line: str, columns: tuple[np.ndarray | float, ...], kept: np.ndarray) -> None:
    """Add entries given as the columns of :class:`LineEntries`."""
    rows = [np.broadcast_to(column, kept.shape)[kept] for column in columns]
    np.add.at(bill.owed[line], rows[0], rows[2])
    if line in bill.entries:
        before = vars(bill.entries[line]).values()
        rows = [np.concatenate(pair) for pair in zip(before, rows, strict=True)]
    order = np.argsort(rows[0], kind="stable")
    bill.entries[line] = LineEntries(*(column[order] for column in rows))


def _net(
    terms: Terms, taken: np.ndarray, given: np.ndarray, bank: np.ndarray, netted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Set exports against imports: the frame's own first, then other frames' and the bank's.

    Returns billed and credited energy, imports offset from elsewhere, and the new bank; homes that
    are not `netted` keep theirs as they are.
    """
    same_frame = np.minimum(taken, given)
    need, spare = taken - same_frame, given - same_frame
    if terms.bank_by_frame:
        supply = spare + bank
        offset = np.minimum(need, supply)
        rest = supply - offset
    else:
        supply = spare.sum(axis=1) + bank[:, 0]
        wanted = need.sum(axis=1)
        used = np.minimum(supply, wanted)
        ratio = np.divide(used, wanted, out=np.zeros_like(used), where=wanted > 0.0)
        offset = need * ratio[:, None]
        rest = (supply - used)[:, None]
    who = netted[:, None]
    return (
        np.where(who, counted_kwh(np.maximum(need - offset, 0.0)), counted_kwh(taken)),
        np.where(who, 0.0, given),
        np.where(who, offset, 0.0),
        np.where(who, counted_kwh(rest), counted_kwh(bank)),
    )


def _energy_charge(
    bill: Bill,
    terms: Terms,
    month: Month,
    billed: np.ndarray,
    bought: np.ndarray,
    phases: np.ndarray,
) -> None:
    """Price the units by step, and by ToD frame for homes above the threshold; fixed charges."""
    steps = terms.steps
    units = counted_kwh(billed.sum(axis=1))
    total = counted_kwh(units + bought) if terms.p2p_counts else units
    within, last = units_by_step(steps, total, month.share)
    part = np.divide(within, total[:, None], out=np.zeros_like(within), where=total[:, None] > 0.0)
    by_frame = total > counted_kwh(np.array(terms.tod_above_kwh * month.share))

    plain = np.where(by_frame[:, None], 0.0, part)
    home, step = np.nonzero(plain)
    _enter(
        bill,
        terms,
        "grid_energy",
        home,
        units[home] * plain[home, step],
        steps.rate[step],
        step=step,
    )
    timed = np.where(by_frame[:, None], part, 0.0)
    home, step, tod = np.nonzero(timed[:, :, None] * billed[:, None, :])
    energy = billed[home, tod] * timed[home, step]
    rate = steps.rate[step] * terms.multiplier[tod]
    _enter(bill, terms, "grid_energy", home, energy, rate, step=step, tod=tod)
    charge = whole_minor(steps.fixed[last, phases] * month.share * terms.minor_per_major)
    everyone = np.arange(len(charge))
    _add(bill, "fixed_charge", (everyone, 0.0, charge, np.nan, last, -1), charge != 0)


def units_by_step(steps: Steps, total: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Put the units of a month into the steps of a tariff.

    Up to the last telescopic edge each unit belongs to the step it falls in; above, all units
    belong to the one step that the month ends in. An edge itself belongs to the step below it.

    Parameters
    ----------
    steps : Steps
        Edges of a whole month.
    total : ndarray (n_homes,)
        Units [kWh].
    share : float
        Part of the month that is billed.

    Returns
    -------
    tuple of ndarray
        Units in each step (n_homes, n_steps), and the step each month ends in (n_homes,).

    Examples
    --------
    >>> none = np.zeros((2, 2))
    >>> steps = Steps(np.array([50.0, np.inf]), np.array([3.0, 4.0]), none, none[0] > 0)
    >>> units_by_step(steps, np.array([50.0, 80.0]), 1.0)[0].tolist()
    [[50.0, 0.0], [50.0, 30.0]]
    """
    edges = counted_kwh(steps.edge * share)
    last = (total[:, None] > edges).sum(axis=1)
    below = np.concatenate([[0.0], edges[:-1]])
    within = np.clip(total[:, None], below, edges) - below
    at_once = steps.all_units[last]
    within[at_once] = 0.0
    within[at_once, last[at_once]] = total[at_once]
    within[:, steps.all_units] *= at_once[:, None]
    return within, last


def _support_charge(
    bill: Bill, terms: Terms, month: Month, offset: np.ndarray, pv_kw: np.ndarray
) -> None:
    """Charge large systems for offset imports of the non-solar frames, block by block."""
    assert terms.support is not None
    drawn = counted_kwh(offset[:, list(terms.support_frames)].sum(axis=1))
    drawn = np.where(pv_kw > terms.support_above_kw, drawn, 0.0)
    within, _ = units_by_step(terms.support, drawn, month.share)
    home, block = np.nonzero(counted_kwh(within))
    energy = counted_kwh(within)[home, block]
    rate = terms.support.rate[block]
    _enter(bill, terms, "grid_support_charge", home, energy, rate, step=block)
