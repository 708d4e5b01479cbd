"""`report.html`: one self-contained file that says what a run was and what it showed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..scenarios.schema import Scenario
from ..sim.results import Results
from ..sim.run import run_scenario
from .audit import audit_run
from .figures import FIGURES
from .headline import headline_rows
from .traded_prices import traded_prices


def run(scenario: str | Path | Scenario, overrides: Sequence[str] = (), **options: Any) -> Results:
    """Simulate a scenario into a run directory, report included.

    Parameters and errors are those of :func:`gridbazaar.sim.run.run_scenario`.
    """
    return run_scenario(scenario, overrides, finish=write_report, **options)


def write_report(results: Results) -> Path:
    """Write the report and its figures into the run directory; return the report's path.

    Every figure is also kept as `figures/NAME.svg` and `figures/NAME.png`.
    """
    folder = results.path / "figures"
    folder.mkdir(exist_ok=True)
    figures = []
    for name, draw in FIGURES.items():
        figure = draw(results)
        svg = _svg(figure)
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
        figure.savefig(folder / f"{name}.png", dpi=150)
        figures.append({"svg": svg[svg.index("<svg") :], "says": _SAYS[name](results)})
    columns, rows = _frame_summary(results)
    template = files(__package__).joinpath("templates", "report.html.j2").read_text("utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    manifest = results.manifest
    html = environment.from_string(template).render(
        title=f"{manifest['scenario']}, {manifest['start'][:10]} to {manifest['end'][:10]}",
        lead=_lead(results),
        headline=headline_rows(results),
        audit=audit_run(results.path),
        figures=figures,
        frame_columns=columns,
        frame_rows=rows,
        colophon=_colophon(results),
        utility=_utility_rows(results),
        notes=_notes(manifest),
        unconfirmed=manifest["unconfirmed"],
    )
    path = results.path / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


def _svg(figure: Figure) -> str:
    """Return the figure as SVG text that is the same in every run."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "gridbazaar", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _lead(results: Results) -> str:
    scenario, members = results.scenario, results.members
    market, feeder = scenario["market"], scenario["feeder"]
    where = feeder.get("name") or feeder.get("path")
    choice = market.get("choose") or "the choice that goes with its objectives"
    how = f" ({market['engine']}, {choice})" if market["mechanism"] == "pareto" else ""
    return (
        f"{len(members)} homes on the feeder {where}, {int((members.pv_kwp > 0).sum())} of them "
        f"with PV ({members.pv_kwp.sum():.0f} kWp) and {int((members.battery_kwh > 0).sum())} with "
        f"a battery ({members.battery_kwh.sum():.0f} kWh). {scenario['days']} days cleared by the "
        f"mechanism {market['mechanism']}{how}, checked by "
        f"power flow ({market['network']}), settled under the tariff "
        f"{results.manifest['tariff']}; seed {results.manifest['seed']}."
    )


def _says_prices(results: Results) -> str:
    parts = []
    frames = results.frames.assign(price=traded_prices(results))
    for name, rows in frames.groupby("name", sort=False):
        traded = rows[rows.traded_kwh > 0]
        if len(traded):
            mean = np.average(traded.price, weights=traded.traded_kwh)
            parts.append(
                f"{name}: {mean:.2f} on average ({traded.price.min():.2f} to "
                f"{traded.price.max():.2f}) in {len(traded)} of {len(rows)} frames"
            )
        else:
            parts.append(f"{name}: no trade")
    what = "Mean price of trades"
    if frames.mcp_per_kwh.notna().sum() == (frames.traded_kwh > 0).sum():
        what = "Market clearing price"
    return f"{what} in {results.manifest['currency']}/kWh. " + "; ".join(parts) + "."


def _says_energy(results: Results) -> str:
    meters = results.community
    load, pv = meters.load_kwh.sum(), meters.pv_kwh.sum()
    traded, curtailed = results.frames.traded_kwh.sum(), meters.curtailed_kwh.sum()
    return (
        f"PV could give {pv:,.0f} kWh to a load of {load:,.0f} kWh; {traded:,.0f} kWh were traded "
        f"between members and {curtailed:,.0f} kWh of PV curtailed."
    )


def _says_day(results: Results) -> str:
    meters = results.community
    hour = meters.start.dt.hour
    net = -meters.net_export_kwh.groupby(hour).sum().to_numpy()
    most, least = int(net.argmax()), int(net.argmin())
    return (
        f"The community draws most between {most}:00 and {most + 1}:00 and least "
        f"between {least}:00 and {least + 1}:00; its batteries took in "
        f"{meters.battery_charge_kwh.sum():,.0f} kWh and gave back "
        f"{meters.battery_discharge_kwh.sum():,.0f} kWh."
    )


def _says_voltages(results: Results) -> str:
    network, feeder = results.network, results.scenario["feeder"]
    over = int((network.v_max_pu > feeder["v_max_pu"]).sum())
    under = int((network.v_min_pu < feeder["v_min_pu"]).sum())
    return (
        f"Metered voltages ran from {network.v_min_pu.min():.3f} to {network.v_max_pu.max():.3f} "
        f"p.u.; of {len(network)} intervals {over} were above the upper limit and {under} below "
        "the lower one."
    )


def _says_savings(results: Results) -> str:
    bills = results.bills
    saving = bills.groupby("prosumer").saving.sum()
    price, operation = bills.saving_price_effect.sum(), bills.saving_operation_effect.sum()
    currency = results.manifest["currency"]
    return (
        f"Against the same homes re-operated without the market: {saving.sum():,.0f} {currency} "
        f"for all together, of which {price:,.0f} by price and {operation:,.0f} by operation; "
        f"median {saving.median():,.0f}, from {saving.min():,.0f} to {saving.max():,.0f}."
    )


_SAYS = {
    "prices": _says_prices,
    "energy_by_day": _says_energy,
    "average_day": _says_day,
    "voltages": _says_voltages,
    "savings": _says_savings,
}


def _frame_summary(results: Results) -> tuple[list[str], list[list[str]]]:
    columns = ["frame", "frames", "with trade", "offered kWh", "demanded kWh", "traded kWh"]
    columns += ["mean price", "capped frames", "withheld kWh", "curtailed kWh"]
    rows = []
    frames = results.frames.assign(price=traded_prices(results))
    for name, part in frames.groupby("name", sort=False):
        traded = part[part.traded_kwh > 0]
        price = np.average(traded.price, weights=traded.traded_kwh) if len(traded) else None
        rows.append(
            [
                str(name),
                f"{len(part)}",
                f"{len(traded)}",
                *(f"{part[c].sum():,.0f}" for c in ("offered_kwh", "demanded_kwh", "traded_kwh")),
                "n/a" if price is None else f"{price:.2f}",
                f"{int((part.capped_kwh > 0).sum())}",
                f"{part.withheld_kwh.sum():,.0f}",
                f"{part.curtailed_kwh.sum():,.1f}",
            ]
        )
    return columns, rows


_UTILITY = (
    ("all that members pay it: energy, fixed charges, network", "revenue"),
    ("of this network charges on trade between members", "network_income"),
    ("purchases: exports, banked units, bulk supply", "purchases"),
    ("given back for curtailed sales", "network_curtailment"),
    ("net", "net"),
    ("units banked for members over the run, a debt beside it", "banked_value"),
)


def _utility_rows(results: Results) -> list[list[str]]:
    """Return the utility's account over the run: what, with the market, without, difference."""
    cases = results.utility.groupby("case")[[column for _, column in _UTILITY]].sum()
    shown = cases.reindex(["market", "no-p2p", "difference"])
    return [
        [what, *(f"{round(amount):,}".replace("-", "−") for amount in shown[column].tolist())]
        for what, column in _UTILITY
        if shown[column].any() or column == "net"
    ]


def _notes(manifest: dict[str, Any]) -> list[str]:
    notes = list(manifest["notes"])
    left_out = manifest["left_out_of_trade"]
    if left_out:
        some = ", ".join(left_out[:8]) + (", ..." if len(left_out) > 8 else "")
        rules = "its tariff" if manifest["rules"] == "none" else f"the rules {manifest['rules']}"
        notes.append(
            f"{len(left_out)} members have systems too large for P2P trade under {rules} and "
            f"deal with the grid alone: {some}"
        )
    return notes


def _colophon(results: Results) -> str:
    versions: dict[str, Any] = results.manifest["versions"]
    made = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"Made with {made}. The seed and the scenario in this directory repeat every number."
