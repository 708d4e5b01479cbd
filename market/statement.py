"""Bills as people read them: every line in words, and all members' bills as a table."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .bill import Bills
from .bill_lines import KINDS
from .rounding import to_major
from .savings import Savings
from .tariff import Tariff

FloatArray = NDArray[np.float64]

#: How each kind of line reads.
WORDS = {
    "p2p_bought": "Bought from neighbours (average price)",
    "p2p_sold": "Sold to neighbours (average price)",
    "market_transfer": "Paid (or given, -) by the market's rule beside the price of energy",
    "network_charge": "Network charge on energy from neighbours",
    "transaction_charge": "Transaction charge of the platform",
    "curtailed_energy": "Grid energy in place of your sale that the grid curtailed",
    "network_curtailment": "Given back, so that obeying costs you nothing",
    "imbalance": "Contracts not kept",
    "grid_energy": "Grid energy",
    "fixed_charge": "Fixed charge",
    "grid_support_charge": "Grid support charge on banked units",
    "export_credit": "Credit for energy fed into the grid",
    "bank_payout": "Payout of banked units",
}


def line_table(bills: Bills) -> dict[str, NDArray[np.generic]]:
    """Every line of a month's bills as columns, in the order of members and of their bills.

    Parameters
    ----------
    bills : Bills
        The month's bills.

    Returns
    -------
    dict of str to numpy.ndarray, each of shape (n_lines,)
        `member` (position), `month`, `line` (one of `KINDS`), `frame` (name, empty where a line is
        about all of them), `slab` (step of the tariff counted from 1, telescopic ones first; 0
        for none), `text` (as the householder reads it), `energy_kwh` and `rate_per_kwh` (NaN where
        a line has none), `amount` in major units, owed (+).

    Examples
    --------
    >>> from gridbazaar.market.bill import bill_month
    >>> from gridbazaar.market.billing_month import whole_month
    >>> from gridbazaar.market.tariff import Slab
    >>> from gridbazaar.market.tod import ToDFrame
    >>> flat = (ToDFrame("all day", 0, 1440),)
    >>> tariff = Tariff("t", flat, 5.0, 3.0, 3.0, (Slab(math.inf, 5.0),))
    >>> table = line_table(bill_month(tariff, whole_month(2025, 11), [[80.0]], [[10.0]], [0]))
    >>> table["line"].tolist(), table["amount"].tolist()
    (['grid_energy', 'export_credit'], [400.0, -30.0])
    """
    lines = bills.lines
    with_energy = lines.energy_kwh != 0.0
    frames = np.array([*bills.tariff.frame_names, ""], dtype=object)
    return {
        "member": lines.member,
        "month": np.full(len(lines), bills.month.name, dtype=object),
        "line": np.array(KINDS, dtype=object)[lines.kind],
        "frame": frames[lines.frame],
        "slab": lines.slab + 1,
        "text": np.array([_text(bills, row) for row in range(len(lines))], dtype=object),
        "energy_kwh": np.where(with_energy, lines.energy_kwh, np.nan),
        "rate_per_kwh": np.where(with_energy, lines.rate_per_kwh, np.nan),
        "amount": to_major(lines.amount_minor, bills.tariff.minor_per_major),
    }


def bill_table(bills: Bills, savings: Savings | None = None) -> dict[str, NDArray[np.generic]]:
    """All bills of a month as columns, one row a member.

    Parameters
    ----------
    bills : Bills
        The month's bills.
    savings : Savings, optional
        Its counterfactuals.

    Returns
    -------
    dict of str to numpy.ndarray, each of shape (N,)
        Energies in kWh (metered exchange, billed units by frame, peer-to-peer energy), average
        prices (NaN without trade), one column of money for each kind of line, `total`, and the
        counterfactuals with what each put in the bank of net metering over the month (`bank_value`
        and likewise, at the payout price; less than 0 for a withdrawal), the saving and its two
        parts; money in major units, owed (+).

    Examples
    --------
    >>> from gridbazaar.market.bill import bill_month
    >>> from gridbazaar.market.billing_month import whole_month
    >>> from gridbazaar.market.tariff import Slab
    >>> from gridbazaar.market.tod import ToDFrame
    >>> flat = (ToDFrame("all day", 0, 1440),)
    >>> tariff = Tariff("t", flat, 5.0, 3.0, 3.0, (Slab(math.inf, 5.0),))
    >>> bills = bill_month(tariff, whole_month(2025, 11), [[80.0]], [[10.0]], [0])
    >>> float(bill_table(bills)["total"][0])
    370.0
    """
    tariff, n = bills.tariff, bills.n_members

    def money(minor: NDArray[np.int64]) -> FloatArray:
        return to_major(minor, tariff.minor_per_major)

    table: dict[str, NDArray[np.generic]] = {
        "month": np.full(n, bills.month.name, dtype=object),
        "month_share": np.full(n, bills.month.share),
        "grid_import_kwh": bills.grid_import_kwh.sum(axis=1),
        "grid_export_kwh": bills.grid_export_kwh.sum(axis=1),
    }
    for position, frame in enumerate(tariff.frames):
        table[f"billed_{frame.column}_kwh"] = bills.billed_kwh[:, position]
    for side in ("bought", "sold"):
        energy = bills.energy_kwh(f"p2p_{side}")
        paid = np.abs(money(bills.amount_minor(f"p2p_{side}")))
        table[f"p2p_{side}_kwh"] = energy
        table[f"p2p_{side}_per_kwh"] = np.divide(
            paid, energy, out=np.full(n, np.nan), where=energy > 0
        )
    table["bank_kwh"] = bills.bank_kwh.sum(axis=1)
    for kind in KINDS:
        table[kind] = money(bills.amount_minor(kind))
    table["total"] = money(bills.total_minor)
    if savings is not None:
        table["no_p2p_total"] = money(savings.no_p2p_minor)
        table["no_p2p_same_meter_total"] = money(savings.same_meter_minor)
        table["no_pv_total"] = money(savings.no_pv_minor)
        table["bank_value"] = money(savings.bank_gain_minor)
        table["no_p2p_bank_value"] = money(savings.no_p2p_bank_gain_minor)
        table["no_p2p_same_meter_bank_value"] = money(savings.same_meter_bank_gain_minor)
        table["saving"] = money(savings.saving_minor)
        table["saving_price_effect"] = money(savings.price_effect_minor)
        table["saving_operation_effect"] = money(savings.operation_effect_minor)
    return table


def _text(bills: Bills, row: int) -> str:
    """What a line is for, as the householder reads it."""
    lines, month = bills.lines, bills.month
    kind = KINDS[int(lines.kind[row])]
    text = WORDS[kind]
    if kind == "grid_energy":
        text += _where(bills, int(lines.frame[row]), int(lines.slab[row]))
    if kind == "fixed_charge" and month.prorated:
        text += f" ({month.note})"
    return text


def _where(bills: Bills, frame: int, slab: int) -> str:
    """Frame and slab of an energy line, in words."""
    tariff, share = bills.tariff, bills.month.share
    words = ""
    if frame >= 0 and len(tariff.frames) > 1:
        block = tariff.frames[frame]
        words += f", {block.name} {block.clock}"
    return words + _slab_words(tariff, slab, share)


def _slab_words(tariff: Tariff, slab: int, share: float) -> str:
    steps = tariff.slabs + tariff.all_units
    if len(steps) == 1:
        return ""
    lower = steps[slab - 1].up_to_kwh * share if slab else 0.0
    upper = steps[slab].up_to_kwh * share
    span = f"above {_edge(lower)}" if math.isinf(upper) else f"{_edge(lower)}-{_edge(upper)}"
    if slab >= len(tariff.slabs):
        return f", all units (month of {span})" if math.isfinite(upper) else f", all units ({span})"
    return f", units {span}"


def _edge(units: float) -> str:
    """A slab's edge as people read it: prorated edges to a tenth of a unit."""
    return f"{units:.1f}".removesuffix(".0")
