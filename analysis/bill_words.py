"""What stands on a member's bill: lines in groups, counterfactuals, the parts of the saving."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..market.tariff import Tariff
from ..sim.results import Results
from ..sim.run_directory import RunError

#: Groups of a bill, and the lines in each.
GROUPS = (
    ("Energy from and to your neighbours", ("p2p_bought", "p2p_sold", "market_transfer")),
    (
        "Charges on trade with neighbours",
        ("network_charge", "transaction_charge", "imbalance"),
    ),
    (
        "Sold, and then curtailed on the grid's order",
        ("curtailed_energy", "network_curtailment"),
    ),
    ("Energy from the grid", ("grid_energy",)),
    ("Fixed and other charges", ("fixed_charge", "grid_support_charge")),
    ("Credit for what you fed in", ("export_credit", "bank_payout")),
)
#: Lines whose rate is a price of the tariff; the others' is an average.
_TARIFF_RATE = ("grid_energy", "export_credit", "grid_support_charge", "bank_payout")


@dataclass(frozen=True)
class Line:
    """One line of a bill; None where it has no units or no price. Amounts owed are positive.

    `nominal`: the rate is the tariff's, and the amount was rounded frame by frame.
    """

    line: str
    text: str
    energy_kwh: float | None
    rate_per_kwh: float | None
    amount: float
    nominal: bool = False

    @property
    def average(self) -> bool:
        """Whether the rate is an average over many frames rather than a price of the tariff."""
        return not self.nominal and self.line not in _TARIFF_RATE


@dataclass(frozen=True)
class Netting:
    """Units of a month under net metering: how imports become billed units, and the bank's book.

    `billed_kwh` = `import_kwh` - `set_off_kwh`; `bank_kwh` = `opening_kwh` + `export_kwh` -
    `set_off_kwh` - `paid_out_kwh`. Where units may serve any hour, those of the month are used
    before those of the bank; else `from_bank_kwh` and `banked_kwh` are None, for a month may both
    fill the bank of one frame and draw on another's. [kWh]
    """

    import_kwh: float
    export_kwh: float
    set_off_kwh: float
    from_bank_kwh: float | None
    banked_kwh: float | None
    billed_kwh: float
    opening_kwh: float
    paid_out_kwh: float
    bank_kwh: float

    @property
    def own_kwh(self) -> float | None:
        """Imports offset by the month's own exports; None where that is not known."""
        return None if self.from_bank_kwh is None else self.set_off_kwh - self.from_bank_kwh


@dataclass(frozen=True)
class Group:
    """Lines that belong together, and their sum."""

    title: str
    lines: tuple[Line, ...]
    amount: float


@dataclass(frozen=True)
class BillMonth:
    """A member's bill for one month, money in major units, owed positive.

    `battery_gain` and `bank_gain` are what battery and bank of units hold more at the end than
    without the market; saving = no_p2p_total - total + battery_gain + bank_gain =
    price_effect + operation_effect.
    """

    month: str
    note: str
    groups: tuple[Group, ...]
    total: float
    no_p2p_total: float
    same_meter_total: float
    no_pv_total: float
    battery_gain: float
    bank_gain: float
    saving: float
    price_effect: float
    operation_effect: float
    load_kwh: float
    pv_kwh: float
    curtailed_kwh: float
    grid_import_kwh: float
    grid_export_kwh: float
    bought_kwh: float
    sold_kwh: float
    bank_kwh: float
    opening_bank_kwh: float
    frames: tuple[tuple[str, float], ...]
    netting: Netting | None

    @property
    def title(self) -> str:
        """The month as people say it."""
        year, month = self.month.split("-")
        return f"{calendar.month_name[int(month)]} {year}"

    @property
    def stored_gain(self) -> float:
        """What battery and bank of units hold more than without the market, together."""
        return self.battery_gain + self.bank_gain

    @property
    def bars(self) -> tuple[tuple[str, float, float, float], ...]:
        """Four totals for a figure: (name, amount, left %, width %) on one scale with zero."""
        totals = (
            ("This bill", self.total),
            ("Same meter, no trade", self.same_meter_total),
            ("No market at all", self.no_p2p_total),
            ("No panels, no battery", self.no_pv_total),
        )
        low = min(0.0, *(amount for _, amount in totals))
        high = max(0.0, *(amount for _, amount in totals))
        span = (high - low) or 1.0
        return tuple(
            (name, amount, 100 * (min(amount, 0.0) - low) / span, 100 * abs(amount) / span)
            for name, amount in totals
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the bill as plain data, its lines in one list."""
        plain = asdict(self)
        plain["lines"] = [line for group in plain.pop("groups") for line in group["lines"]]
        plain["billed_kwh"] = dict(plain.pop("frames"))
        return plain


def bill_months(
    results: Results, tariff: Tariff, member: str, month: str | None = None
) -> tuple[BillMonth, ...]:
    """Read a member's bills from a run's files.

    Parameters
    ----------
    results : Results
        The run.
    tariff : Tariff
        Its tariff.
    member : str
        A prosumer.
    month : str, optional
        One month only.

    Returns
    -------
    tuple of BillMonth
        In order of time.

    Raises
    ------
    RunError
        If the lines of a bill do not add up to its total.
    """
    bills = results.bills[results.bills.prosumer == member].sort_values("month")
    lines = results.bill_lines[results.bill_lines.prosumer == member]
    energy = _metered(results, tariff, member)
    size = float(results.members.set_index("prosumer")["pv_kwp"].to_dict()[member])
    netted = tariff.banking is not None and size <= tariff.net_metering_up_to_kw
    made, opening = [], 0.0
    for record in bills.to_dict("records"):
        row = {str(name): value for name, value in record.items()}
        if month is None or row["month"] == month:
            own = lines[lines.month == row["month"]]
            made.append(_month(row, own, energy, tariff, opening, netted))
        opening = float(row["bank_kwh"])
    return tuple(made)


def _month(
    row: dict[str, Any],
    lines: pd.DataFrame,
    energy: pd.DataFrame,
    tariff: Tariff,
    opening: float,
    netted: bool,
) -> BillMonth:
    unit = tariff.minor_per_major
    all_lines = tuple(
        Line(
            str(line["line"]),
            str(line["text"]),
            _known(line["energy_kwh"]),
            _known(line["rate_per_kwh"]) if rate is None else rate,
            float(line["amount"]),
            rate is not None,
        )
        for line in lines.to_dict("records")
        for rate in (_nominal(str(line["line"]), row, tariff),)
    )
    groups = tuple(
        Group(title, part, _whole(sum(line.amount for line in part), unit))
        for title, kinds in GROUPS
        if (part := tuple(line for line in all_lines if line.line in kinds))
    )
    total = float(row["total"])
    if _whole(sum(line.amount for line in all_lines), unit) != _whole(total, unit):
        raise RunError(
            [
                f"bill_lines.csv: {row['prosumer']}, {row['month']}: the lines do not add up to "
                f"the total in bills.csv ({total}): see gridbazaar verify, or run again"
            ]
        )
    battery = float(row["battery_state_value"]) - float(row["no_p2p_battery_state_value"])
    saving, no_p2p = float(row["saving"]), float(row["no_p2p_total"])
    metered = energy.loc[row["month"]] if row["month"] in energy.index else None
    frames = tuple(
        (f"{frame.name} {frame.clock}", float(row[f"billed_{frame.column}_kwh"]))
        for frame in tariff.frames
    )
    return BillMonth(
        month=str(row["month"]),
        note="" if pd.isna(row["note"]) else str(row["note"]),
        groups=groups,
        total=total,
        no_p2p_total=no_p2p,
        same_meter_total=float(row["no_p2p_same_meter_total"]),
        no_pv_total=float(row["no_pv_total"]),
        battery_gain=_whole(battery, unit),
        bank_gain=_whole(float(row["bank_value"] - row["no_p2p_bank_value"]), unit),
        saving=saving,
        price_effect=float(row["saving_price_effect"]),
        operation_effect=float(row["saving_operation_effect"]),
        load_kwh=0.0 if metered is None else float(metered.load_kwh),
        pv_kwh=0.0 if metered is None else float(metered.pv_kwh),
        curtailed_kwh=0.0 if metered is None else float(metered.curtailed_kwh),
        grid_import_kwh=float(row["grid_import_kwh"]),
        grid_export_kwh=float(row["grid_export_kwh"]),
        bought_kwh=float(row["p2p_bought_kwh"]),
        sold_kwh=float(row["p2p_sold_kwh"]),
        bank_kwh=float(row["bank_kwh"]),
        opening_bank_kwh=opening,
        frames=frames,
        netting=_netting(row, all_lines, tariff, opening) if netted else None,
    )


def _nominal(line: str, row: dict[str, Any], tariff: Tariff) -> float | None:
    """The tariff's own rate of a charge on trade, where one rate is behind the whole line."""
    if line == "network_charge":
        return tariff.network_charge_per_kwh
    if line != "transaction_charge":
        return None
    rate, share = tariff.transaction_charge_per_kwh, tariff.seller_share
    shares = {
        part
        for part, side in ((share, "sold"), (1.0 - share, "bought"))
        if float(row[f"p2p_{side}_kwh"]) > 0.0
    }
    return rate * shares.pop() if len(shares) == 1 else None


def _netting(
    row: dict[str, Any], lines: tuple[Line, ...], tariff: Tariff, opening: float
) -> Netting:
    taken, given = float(row["grid_import_kwh"]), float(row["grid_export_kwh"])
    billed = sum(float(row[f"billed_{frame.column}_kwh"]) for frame in tariff.frames)
    set_off = max(taken - billed, 0.0)
    any_hour = tariff.banking is not None and tariff.banking.scope == "day"
    own = min(set_off, given)
    return Netting(
        import_kwh=taken,
        export_kwh=given,
        set_off_kwh=set_off,
        from_bank_kwh=set_off - own if any_hour else None,
        banked_kwh=given - own if any_hour else None,
        billed_kwh=billed,
        opening_kwh=opening,
        paid_out_kwh=sum(line.energy_kwh or 0.0 for line in lines if line.line == "bank_payout"),
        bank_kwh=float(row["bank_kwh"]),
    )


def _metered(results: Results, tariff: Tariff, member: str) -> pd.DataFrame:
    """Return load, PV and curtailment by billing month: that of the frame an interval is in."""
    meters = pd.read_parquet(
        results.path / "meters.parquet",
        columns=["start", "load_kwh", "pv_kwh", "curtailed_kwh"],
        filters=[("prosumer", "==", member)],
    )
    # All frames of a market day begin on its date, so that the day's own month decides.
    day = meters.pop("start") - pd.Timedelta(minutes=tariff.day_start_minute)
    return meters.groupby(day.dt.strftime("%Y-%m")).sum()


def _known(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _whole(amount: float, minor_per_major: int) -> float:
    """Take the float noise off a sum of amounts in whole minor units."""
    return float(np.rint(amount * minor_per_major) / minor_per_major) + 0.0


def formats(minor_per_major: int) -> dict[str, Callable[[float], str]]:
    """Return how a page writes numbers: `money`, `kwh`, `units` of a line, `price`, `average`.

    Examples
    --------
    >>> written = formats(100)
    >>> written["money"](-1234.5), written["kwh"](12.04), written["units"](12.04)
    ('−1,234.50', '12.0', '12.040')
    >>> written["price"](8.4375), written["average"](8.4375)
    ('8.4375', '8.44')
    """
    places = len(str(minor_per_major)) - 1

    def money(amount: float) -> str:
        text = f"{abs(amount):,.{places}f}"
        return f"−{text}" if amount < 0 and float(text.replace(",", "")) else text

    def price(rate: float) -> str:
        whole, _, digits = f"{rate:.4f}".partition(".")
        return f"{whole}.{digits.rstrip('0').ljust(2, '0')}"

    return {
        "money": money,
        "kwh": lambda energy: f"{energy:,.1f}",
        "units": lambda energy: f"{energy + 0.0:,.3f}",
        "minus": lambda energy: f"−{energy:,.3f}" if energy >= 0.0005 else "0.000",
        "price": price,
        "average": lambda rate: f"{rate:.2f}",
    }
