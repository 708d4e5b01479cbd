"""Write the tables of shipped tariffs and rules into money.md, from their data files."""

from __future__ import annotations

import math

import yaml
from doc_tables import markdown_table, replace_table

from gridbazaar.market.tariff import P2PRules, Tariff
from gridbazaar.market.tariff_presets import preset_file, preset_names
from gridbazaar.market.tariff_reading import rules_from_dict, tariff_from_dict

PAGE = "money.md"


def tables() -> dict[str, str]:
    """Return each table of the page by its name."""
    tariffs = [tariff_from_dict(_data(name), name) for name in preset_names()]
    rules = [rules_from_dict(_data(name), name) for name in preset_names("rules")]
    return {
        "tariffs": markdown_table(
            ("preset", "frames", "energy charge", "exports", "network charge", "applies"),
            [_tariff_row(tariff) for tariff in tariffs],
        ),
        "rules": markdown_table(
            (
                "preset",
                "transaction charge",
                "network charge",
                "ahead",
                "largest",
                "penalty",
                "applies",
            ),
            [_rules_row(item) for item in rules],
        ),
        "sources": "\n".join(_facts(item) for item in (*tariffs, *rules)),
    }


def _data(name: str) -> object:
    return yaml.safe_load(preset_file(name).read_text(encoding="utf-8"))


def _tariff_row(tariff: Tariff) -> list[str]:
    frames = ", ".join(f"{f.name} {f.clock} x{f.multiplier:.2f}" for f in tariff.frames)
    if tariff.tod_above_kwh:
        frames += f" (above {tariff.tod_above_kwh:g} kWh a month)"
    steps = tariff.slabs + tariff.all_units
    rates = [step.rate_per_kwh for step in steps]
    energy = f"{rates[0]:.2f} flat"
    if len(steps) > 1:
        energy = (
            f"{len(tariff.slabs)} slabs, then {len(tariff.all_units)} steps for all units: "
            f"{min(rates):.2f} to {max(rates):.2f}"
        )
    exports = f"{tariff.feed_in_per_kwh:.2f}, net by {tariff.netting}"
    if tariff.banking is not None:
        exports = f"banked by year, payout {tariff.banking.payout_per_kwh:.2f}"
        if math.isfinite(tariff.net_metering_up_to_kw):
            exports += f", to {tariff.net_metering_up_to_kw:g} kW"
    return [
        f"`{tariff.name}`",
        frames,
        energy,
        exports,
        f"{tariff.network_charge_per_kwh:.2f}",
        tariff.dated,
    ]


def _rules_row(rules: P2PRules) -> list[str]:
    charge = f"{rules.transaction_charge_per_kwh:.2f}"
    if rules.transaction_charge_per_kwh:
        charge += f", {rules.seller_share:.0%} from the seller"
    network = rules.network_charge_per_kwh
    imbalance = rules.imbalance
    return [
        f"`{rules.name}`",
        charge,
        "the tariff's" if network is None else f"{network:.2f}",
        f"{rules.schedule_ahead_minutes} min" if rules.schedule_ahead_minutes else "-",
        f"{rules.p2p_max_kw:g} kW" if math.isfinite(rules.p2p_max_kw) else "-",
        "waived" if imbalance.waived else f"{imbalance.factor:g} ({imbalance.price})",
        rules.dated,
    ]


def _facts(item: Tariff | P2PRules) -> str:
    source = " ".join(item.source.split()).rstrip(".")
    lines = [f"**`{item.name}`**: {item.title}. Source: {source}.", ""]
    lines += [f"- not confirmed: {' '.join(fact.split())}" for fact in item.unconfirmed]
    return "\n".join([*lines, ""] if item.unconfirmed else lines)


def main() -> None:
    """Write the tables."""
    for name, text in tables().items():
        replace_table(PAGE, name, text)


if __name__ == "__main__":
    main()
