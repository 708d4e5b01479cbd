"""The list of indicators: what each is called, how it is computed, and for which side.

An indicator is a pure function of arrays in one of the files beside this one; its docstring has
the formula, the unit, the source and an example, from which the documentation page is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import energy, grid, members, trade, utility, welfare
from .case import Case, Figures, Floats

Value = float | None
GRID_FACTOR_KG_PER_KWH = 0.727
GROUPS = ("trade", "welfare", "members", "energy", "grid", "voltages", "utility", "carbon")


@dataclass(frozen=True)
class Kpi:
    """One indicator.

    Attributes
    ----------
    name, title, unit, group : str
        Its key, what people read, its unit (`currency` stands for the run's), its chapter.
    function : callable or None
        The pure function that documents it; None for a plain sum that its title explains.
    market : callable
        Its value with the market.
    no_p2p : callable or None
        Its value in the counterfactual; None where it has no meaning without trade.
    """

    name: str
    title: str
    unit: str
    group: str
    function: Callable[..., Any] | None
    market: Callable[[Figures], Value]
    no_p2p: Callable[[Figures], Value] | None = None


def _both(
    name: str,
    title: str,
    unit: str,
    group: str,
    function: Callable[..., Any] | None,
    of: Callable[[Case, Figures], Value],
) -> Kpi:
    return Kpi(
        name,
        title,
        unit,
        group,
        function,
        lambda f: of(f.market, f),
        lambda f: of(f.no_p2p, f),
    )


def _nothing_of(market: Callable[[Figures], Value]) -> Callable[[Figures], Value]:
    """Return 0 for the counterfactual, but n/a wherever the market's value is n/a."""

    def of(f: Figures) -> Value:
        value = market(f)
        return None if value is None or not math.isfinite(value) else 0.0

    return of


def _trade() -> list[Kpi]:
    t, group = trade, "trade"
    return [
        Kpi("traded_kwh", "energy contracted between members", "kWh", group, None,
            lambda f: float(f.sold_kwh.sum()), lambda f: 0.0),
        Kpi("p2p_share_of_consumption", "contracted energy over load", "share", group, t.share,
            lambda f: t.share(float(f.bought_kwh.sum()), float(f.market.load_kwh.sum())),
            lambda f: t.share(0.0, float(f.no_p2p.load_kwh.sum()))),
        Kpi("p2p_share_of_export", "contracted energy over what members feed in, by frame",
            "share", group, t.share,
            lambda f: t.share(float(f.sold_kwh.sum()), float(f.net_kwh.clip(min=0.0).sum())),
            _nothing_of(lambda f: t.share(1.0, float(f.net_kwh.clip(min=0.0).sum())))),
        Kpi("coincident_kwh", "contracted energy fed and drawn at the same time", "kWh", group,
            t.coincident_kwh, lambda f: f.coincident_kwh, lambda f: 0.0),
        Kpi("mean_price_per_kwh", "mean price of traded energy", "currency/kWh", group,
            t.mean_price, lambda f: t.mean_price(f.trade_per_kwh, f.trade_kwh)),
        Kpi("seller_concentration", "concentration of sellers (HHI)", "index", group,
            t.concentration, lambda f: t.concentration(f.sold_kwh.sum(axis=0))),
        Kpi("buyer_concentration", "concentration of buyers (HHI)", "index", group,
            t.concentration, lambda f: t.concentration(f.bought_kwh.sum(axis=0))),
        Kpi("fulfilment", "contracted energy kept", "share", group, t.fulfilment,
            lambda f: t.fulfilment(f.sold_kwh - f.bought_kwh, f.net_kwh + f.ordered_kwh)),
        Kpi("deviation_kwh", "energy off schedule, either way", "kWh", group, None,
            lambda f: float(abs(f.deviation_kwh).sum())),
        Kpi("deviation_cost", "cost of broken contracts to those who broke them", "currency",
            group, t.deviation_cost, _deviation_cost, _nothing_of(_deviation_cost)),
        Kpi("deviation_cost_share", "cost of broken contracts over all members' bills", "share",
            group, t.share,
            lambda f: t.share(_deviation_cost(f), max(0.0, float(f.market.bill.sum())))),
    ]  # fmt: skip


def _deviation_cost(f: Figures) -> float:
    contract, metered = f.sold_kwh - f.bought_kwh, f.net_kwh + f.ordered_kwh
    prices = (f.price_per_kwh[:, None], f.retail_per_kwh[:, None], f.feed_in_per_kwh[:, None])
    return trade.deviation_cost(contract, metered, *prices)


def _surplus(f: Figures) -> float:
    ask, book = f.book.ask, f.book
    return welfare.surplus(
        book.price_per_kwh[~ask], book.traded_kwh[~ask], book.price_per_kwh[ask],
        book.traded_kwh[ask],
    )  # fmt: skip


def _sides(f: Figures) -> tuple[Value, Value]:
    """Return the surplus of buyers and of sellers; None where energy has no price."""
    ask, book = f.book.ask, f.book
    if (f.trade_per_kwh != f.trade_per_kwh).any():
        return None, None
    return (
        welfare.buyers_surplus(book.price_per_kwh[~ask], book.traded_kwh[~ask], f.paid),
        welfare.sellers_surplus(book.price_per_kwh[ask], book.traded_kwh[ask], f.received),
    )


def _tapped(f: Figures) -> Value:
    if not f.one_price:
        return None
    bought, sold = (-f.net_kwh).clip(min=0.0), f.net_kwh.clip(min=0.0)
    return welfare.value_tapping(
        float(f.price_effect.sum()), bought, sold, f.retail_per_kwh, f.feed_in_per_kwh
    )


def _welfare() -> list[Kpi]:
    w, group, money = welfare, "welfare", "currency"
    return [
        Kpi("surplus", "surplus of buyers and sellers together", money, group, w.surplus,
            _surplus, lambda f: 0.0),
        Kpi("greatest_surplus", "greatest surplus that the orders allow, feeder left out", money,
            group, w.greatest_surplus, lambda f: f.book.greatest[0]),
        Kpi("welfare_efficiency", "surplus over the greatest that the orders allow", "share", group,
            w.welfare_efficiency, lambda f: w.welfare_efficiency(_surplus(f), f.book.greatest[0])),
        Kpi("volume_efficiency", "traded energy over that of the greatest surplus", "share",
            group, w.welfare_efficiency,
            lambda f: w.welfare_efficiency(float(f.sold_kwh.sum()), f.book.greatest[1])),
        Kpi("buyers_surplus", "surplus of buyers", money, group, w.buyers_surplus,
            lambda f: _sides(f)[0], lambda f: 0.0),
        Kpi("sellers_surplus", "surplus of sellers", money, group, w.sellers_surplus,
            lambda f: _sides(f)[1], lambda f: 0.0),
        Kpi("budget", "what the mechanism keeps (a deficit is negative)", money, group,
            w.budget_balance, lambda f: w.budget_balance(f.paid, f.received), lambda f: 0.0),
        Kpi("value_tapping", "value of sharing that is tapped", "share", group, w.value_tapping,
            _tapped, _nothing_of(_tapped)),
    ]  # fmt: skip


def _members() -> list[Kpi]:
    m, group, money = members, "members", "currency"
    return [
        _both("bills", "bills of all members", money, group, None,
              lambda c, f: float(c.bill.sum())),
        Kpi("saving", "saving of all members", money, group, None,
            lambda f: float(f.saving.sum())),
        Kpi("saving_price_effect", "saving by price, with the same meters", money, group, None,
            lambda f: float(f.price_effect.sum())),
        Kpi("saving_operation_effect", "saving by operation: other battery use, curtailment",
            money, group, None, lambda f: float(f.operation_effect.sum())),
        Kpi("saving_share", "saving over bills without the market", "share", group,
            m.saving_share,
            lambda f: m.saving_share(float(f.saving.sum()), float(f.no_p2p.bill.sum()))),
        Kpi("median_saving", "median saving of a member", money, group, None,
            lambda f: _median(f.saving)),
        Kpi("least_saving", "least saving of a member", money, group, None,
            lambda f: float(f.saving.min())),
        Kpi("better_off", "members better off (participation willingness)", "share", group,
            m.share_better_off, lambda f: m.share_better_off(f.saving, f.minor)),
        Kpi("unaffected", "members neither better nor worse off", "share", group, None,
            lambda f: float((m.gain_or_loss(f.saving, f.minor) == 0).mean())),
        Kpi("worse_off", "members worse off", "share", group, m.share_worse_off,
            lambda f: m.share_worse_off(f.saving, f.minor)),
        Kpi("gini_of_savings", "Gini index of savings", "index", group, m.gini,
            lambda f: m.gini(f.saving)),
        Kpi("jain_of_savings", "Jain index of savings", "index", group, m.jain,
            lambda f: m.jain(f.saving)),
        Kpi("top_share_of_savings", "gains that go to the top 20 % of members", "share", group,
            m.top_share, lambda f: m.top_share(f.saving)),
        Kpi("equality", "equality of incomes, shifted to be positive", "index", group,
            m.equality, lambda f: m.equality(f.market.bill, f.no_p2p.bill),
            lambda f: m.equality(f.no_p2p.bill, f.market.bill)),
    ]  # fmt: skip


def _median(values: Any) -> float:
    ordered = sorted(values.tolist())
    return 0.5 * float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2])


def _energy() -> list[Kpi]:
    e, group = energy, "energy"
    return [
        _both("load_kwh", "load", "kWh", group, None, lambda c, f: float(c.load_kwh.sum())),
        _both("unserved_kwh", "load that an outage left without supply", "kWh", group, None,
              lambda c, f: float(c.unserved_kwh.sum())),
        _both("generated_kwh", "PV energy delivered", "kWh", group, None,
              lambda c, f: float(c.generated_kwh.sum())),
        _both("curtailed_kwh", "PV energy curtailed", "kWh", group, None,
              lambda c, f: float(c.curtailed_kwh.sum())),
        _both("import_kwh", "energy drawn at the community's boundary", "kWh", group, None,
              lambda c, f: float((-c.net_export_kwh).clip(min=0.0).sum())),
        _both("export_kwh", "energy fed in at the community's boundary", "kWh", group, None,
              lambda c, f: float(c.net_export_kwh.clip(min=0.0).sum())),
        _both("self_consumption", "self-consumption of the community", "share", group,
              e.self_consumption,
              lambda c, f: e.self_consumption(c.generated_kwh, c.net_export_kwh)),
        _both("self_sufficiency", "self-sufficiency of the community", "share", group,
              e.self_sufficiency, lambda c, f: e.self_sufficiency(c.load_kwh, c.net_export_kwh)),
        _both("energy_balance", "energy balance index", "share", group, e.energy_balance,
              lambda c, f: e.energy_balance(c.load_kwh, c.generated_kwh, c.net_export_kwh)),
        _both("exchange_peak_to_average", "peak of the exchange over its average", "ratio",
              group, e.exchange_peak_to_average,
              lambda c, f: e.exchange_peak_to_average(c.net_export_kwh)),
        _both("power_flatness", "power flatness index", "share", group, e.power_flatness,
              lambda c, f: e.power_flatness(c.net_export_kwh, f.no_p2p.net_export_kwh)),
    ]  # fmt: skip


def _grid() -> list[Kpi]:
    g, group = grid, "grid"
    return [
        _both("peak_import_kw", "peak power from the substation", "kW", group, g.peak_import_kw,
              lambda c, f: g.peak_import_kw(c.substation_kw)),
        _both("peak_export_kw", "peak power fed back", "kW", group, g.peak_export_kw,
              lambda c, f: g.peak_export_kw(c.substation_kw)),
        _both("peak_apparent_kva", "peak apparent power at the substation", "kVA", group,
              g.peak_apparent_kva,
              lambda c, f: g.peak_apparent_kva(c.substation_kw, c.substation_kvar)),
        _both("peak_to_average", "peak over average import", "ratio", group, g.peak_to_average,
              lambda c, f: g.peak_to_average(c.substation_kw)),
        _both("load_factor", "load factor of the substation", "share", group, g.load_factor,
              lambda c, f: g.load_factor(c.substation_kw)),
        _both("ramping_kw_per_hour", "mean ramp of the substation's power", "kW/h", group,
              g.ramping_kw_per_hour,
              lambda c, f: g.ramping_kw_per_hour(c.substation_kw, f.hours)),
        _both("losses_kwh", "line losses", "kWh", group, None, _losses),
        Kpi("greatest_loading", "greatest loading of a branch", "share", group,
            g.greatest_loading,
            lambda f: g.greatest_loading(f.peak_current_a, f.ampacity_a)),
    ]  # fmt: skip


def _losses(c: Case, f: Figures) -> float:
    known = c.loss_kw == c.loss_kw  # an interval without solution has none
    return float(c.loss_kw[known].sum()) * f.hours


def _solved(v_pu: Floats) -> list[float]:
    """Return the voltages that are known: without supply, or a solution, there is none."""
    return [float(v) for v in v_pu[v_pu == v_pu]]


def _voltages() -> list[Kpi]:
    g, group = grid, "voltages"
    return [
        _both("v_min_pu", "least voltage", "p.u.", group, None,
              lambda c, f: min(_solved(c.v_min_pu), default=None)),
        _both("v_max_pu", "greatest voltage", "p.u.", group, None,
              lambda c, f: max(_solved(c.v_max_pu), default=None)),
        _both("violation_intervals", "intervals with a voltage outside the limits", "intervals",
              group, None,
              lambda c, f: float(((c.v_max_pu > f.upper_pu) | (c.v_min_pu < f.lower_pu)).sum())),
        _both("over_bus_minutes", "time of buses above the upper limit", "bus-minutes", group,
              None, lambda c, f: float(c.over_minutes.sum())),
        _both("under_bus_minutes", "time of buses below the lower limit", "bus-minutes", group,
              None, lambda c, f: float(c.under_minutes.sum())),
        _both("violation_depth_pu", "depth of the worst violation", "p.u.", group,
              g.violation_depth_pu,
              lambda c, f: g.violation_depth_pu(c.v_min_pu, c.v_max_pu, f.lower_pu, f.upper_pu)),
        Kpi("violations_avoided", "violations avoided by the market", "bus-minutes", group,
            g.violations_avoided,
            lambda f: _over_and_under(f, g.violations_avoided)),
        Kpi("violations_caused", "violations caused by the market", "bus-minutes", group,
            g.violations_caused,
            lambda f: _over_and_under(f, g.violations_caused)),
        Kpi("schedules_cured", "schedules that the network's check brought below the limit",
            "frames", group, g.schedules_cured,
            lambda f: g.schedules_cured(
                f.unchecked_v_max_pu, f.scheduled_v_max_pu, f.upper_pu
            )),
        Kpi("schedules_over_limit", "accepted schedules above the upper limit", "frames", group,
            g.schedules_over_limit,
            lambda f: g.schedules_over_limit(f.scheduled_v_max_pu, f.upper_pu)),
        _both("ordered_curtailment_kwh", "curtailed on order in real time", "kWh", group, None,
              lambda c, f: float(c.ordered_kwh.sum())),
        Kpi("capped_kwh", "sales withheld by capping", "kWh", group, None,
            lambda f: f.capped_kwh, lambda f: 0.0),
        Kpi("withheld_kwh", "surplus held back by the export envelope", "kWh", group, None,
            lambda f: f.withheld_kwh),
    ]  # fmt: skip


def _over_and_under(f: Figures, count: Callable[[Any, Any], float]) -> float:
    return count(f.market.over_minutes, f.no_p2p.over_minutes) + count(
        f.market.under_minutes, f.no_p2p.under_minutes
    )


_ACCOUNT = {
    "revenue": "what members pay the utility",
    "network_income": "network charges on trade, part of what members pay the utility",
    "purchases": "utility's purchases at bulk price, exports and banked units (negative)",
    "network_curtailment": "given back by the utility for curtailed sales (negative)",
    "market_balance": "what the mechanism leaves the utility",
    "net": "net of the utility",
    "banked_value": "units that the utility owes to members at the end, a debt beside its net",
}


def _utility() -> list[Kpi]:
    def of(item: str) -> Callable[[Case, Figures], Value]:
        return lambda c, f: c.utility[item]

    kpis = [
        _both(f"utility_{item}", title, "currency", "utility", None, of(item))
        for item, title in _ACCOUNT.items()
    ]
    # Members' savings count the units that they hold: this is the other side of the same account.
    after = _both("utility_net_after_banked", "net of the utility less the units that it owes",
                  "currency", "utility", utility.net_after_banked,
                  lambda c, f: utility.net_after_banked(
                      c.utility["net"], c.utility["banked_value"]
                  ))  # fmt: skip
    return [*kpis, after]


def _carbon() -> list[Kpi]:
    return [
        _both("carbon_kg", "carbon of the substation's energy, 0.727 kg/kWh", "kg CO2", "carbon",
              energy.carbon_kg,
              lambda c, f: energy.carbon_kg(c.substation_kw, f.hours, GRID_FACTOR_KG_PER_KWH)),
    ]  # fmt: skip


KPIS: dict[str, Kpi] = {
    kpi.name: kpi
    for kpi in (
        *_trade(),
        *_welfare(),
        *_members(),
        *_energy(),
        *_grid(),
        *_voltages(),
        *_utility(),
        *_carbon(),
    )
}
