"""What the files of a run cannot tell, by file and column (or dotted key), and why."""

from __future__ import annotations

_WHO_CURTAILED = (
    "sums are exact, and what a home could curtail is a bound; which of those homes did rests on "
    "the second run's envelope, which is not on file"
)
_WHOSE_BATTERY = "sums are exact, and capacity and power are bounds; whose battery is not on file"
_FROM_EXCHANGE = "exact from `no_p2p_exchange`: as sure as who curtailed, and whose battery, there"

#: Columns in which a changed number need not show, by file, and why.
UNDERIVABLE: dict[str, dict[str, str]] = {
    "frames.parquet": {
        "evaluations": "what the search did is not on file",
        "front_collapsed": "exact unless the marginal value is within a hundredth of the price",
    },
    "plans.parquet": {
        "load_kwh": "exact but in frames whose gate closes on the first day",
        "pv_kwh": "exact but in frames whose gate closes on the first day",
        "battery_for_sale_kwh": "bounded by the battery; enters prices asked and energy withheld",
    },
    "members.parquet": {
        "profile": "an input: no two homes share profile and week",
        "week_offset": "an input: no two homes share profile and week",
    },
    "bus_minutes.csv": {
        "no_p2p_over_minutes": "the second run's voltages are not on file",
        "no_p2p_under_minutes": "the second run's voltages are not on file",
    },
    "fronts.parquet": {
        "f1": "exact at the chosen point; else bounded by its neighbours",
        "traded_kwh": "exact but under `surplus`, where f2 is not price times energy",
    },
    "no_p2p.parquet": {
        "ordered_kwh": "a part of what was curtailed",
        "held_kwh": "a part of what was ordered",
        "v_min_pu": "which home exchanged how much in an interval is not on file",
        "v_min_bus": "which home exchanged how much in an interval is not on file",
        "v_max_pu": "which home exchanged how much in an interval is not on file",
        "v_max_bus": "which home exchanged how much in an interval is not on file",
        "substation_kvar": "which home exchanged how much in an interval is not on file",
    },
    "no_p2p_exchange.parquet": {
        "curtailed_kwh": _WHO_CURTAILED,
        "net_export_kwh": _WHO_CURTAILED,
        "export_kwh": _WHO_CURTAILED,
        "import_kwh": _WHO_CURTAILED,
        "battery_charge_kwh": _WHOSE_BATTERY,
        "battery_discharge_kwh": _WHOSE_BATTERY,
        "stored_kwh": _WHOSE_BATTERY,
    },
    "bills.csv": {
        "no_p2p_total": _FROM_EXCHANGE,
        "no_p2p_bank_value": _FROM_EXCHANGE,
        "no_p2p_battery_state_value": _FROM_EXCHANGE,
        "saving": _FROM_EXCHANGE,
        "saving_operation_effect": _FROM_EXCHANGE,
    },
    "feeder_buses.csv": {
        "p_kw": "an input that homes replace; where homes are spread by load, it shows there",
        "q_kvar": "an input that homes replace",
        "n_customers": "an input; where homes are spread by customers, it shows there",
    },
    "feeder_branches.csv": {"i_max_a": "an input that the run does not use"},
    "scenario.yaml": {
        "schema_version": "an input that the run does not use",
        "description": "an input that the run does not use",
        "allow_outside_files": "an input that the run does not use",
        "gate_closure_minutes": "shows only where a frame ends a day or more after its gate",
        "history_days": "what members had seen before the run is not on file",
        "feeder.name": "the feeder itself is on file",
        "feeder.v_min_pu": "shows where a voltage lies between",
        "members.generate.pv_share": "shows where another home would have a PV system",
        "members.generate.battery_share": "shows where another home would have a battery",
        "members.generate.three_phase_share": "shows where another home would have three phases",
        "profiles": "inputs: the meters are on file, not the measurements that they come from",
        "forecast.name": "an input: plans are compared with meters under `persistence`",
        "forecast.weight": "a setting of methods that are not derived",
        "forecast.noise": "a setting of methods that are not derived",
        "forecast.noise_hours": "a setting of methods that are not derived",
        "forecast.noise_shared": "a setting of methods that are not derived",
        "flexible_load": "inputs: what of a load was flexible is not in the meters",
        "grid.curtailment": "an input: what each home was ordered is on file, not why so much",
        "bidding.margin_per_kwh": "shows under no strategy whose prices are derived",
        "battery.strategy": "an input: what it planned is on file",
        "battery.soc_max": "shows where a battery was fuller",
        "battery.absorb_deviation": "what a battery was to do is not held against what it did",
        "bidding.strategy": "an input: prices are derived under `truthful`",
        "market.mechanism": "an input: what is derived of each mechanism's payments differs",
        "market.padding": "shows under the mechanism that uses it",
        "market.prior_samples": "an input of `agv`, whose draws are not on file",
        "market.prior_orders": "an input of `agv`, whose draws are not on file",
        "market.engine": "how the front was found does not show in it",
        "market.encoding": "how the front was found does not show in it",
        "market.population": "how the front was found does not show in it",
        "market.generations": "how the front was found does not show in it",
        "market.front_points": "how the front was found does not show in it",
        "market.k": "shows under the price rule that uses it",
        "market.grid_margin_per_kwh": "shows where supply is short",
        "market.participation": "shows where somebody bids below the price, or asks above it",
        "market.choose": "shows where the front has not collapsed",
        "market.whose": "a rule of choice: the front itself is not on file",
        "market.weight": "a rule of choice: the front itself is not on file",
        "market.goals": "a rule of choice: the front itself is not on file",
        "market.network": "shows where the two methods differ in the steps that they keep",
        "market.switch": "shows where another point of the front was taken",
        "market.switch_tolerance": "shows where another point of the front was taken",
        "market.cap_base": "shows where a seller that is capped had sold less than its cap",
        "market.max_iterations": "shows where so many rounds were not enough",
        "market.reprice": "shows where caps would have changed the price",
        "tariff": "its rules are on file",
        "settlement": "laid over the tariff, whose rules are on file",
    },
    "tariff.yaml": {
        "title": "an input that the run does not use",
        "source": "an input that the run does not use",
        "notes": "an input that the run does not use",
        "valid_from": "shows where the run leaves the days on which the tariff applies",
        "valid_to": "shows where the run leaves the days on which the tariff applies",
        "slabs": "a step shows where a home's month reaches it",
        "all_units": "a step shows where a home's month reaches it",
        "tod_above_kwh": "shows where a home's month lies between",
        "net_metering_up_to_kw": "shows where a system's size lies between",
        "p2p_max_kw": "shows where a system's size lies between",
        "grid_support": "shows where a home under it has offset units in its frames",
        "banking.year_starts_month": "shows where the settlement year ends inside the run",
        "schedule_ahead_minutes": "checked before the run; it does not show in it",
    },
    "manifest.json": {
        "versions": "an input",
        "notes": "exact but for the dates of a preset of rules, which is not on file",
    },
}
