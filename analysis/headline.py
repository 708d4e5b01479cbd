"""The ten figures that a run ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..sim.results import Results
from .kpis.members import share_better_off
from .traded_prices import traded_prices
from .wording import counted

if TYPE_CHECKING:
    from rich.table import Table


def headline_figures(results: Results) -> dict[str, float | None]:
    """Return the headline figures of a run; None where a figure has no meaning.

    Names carry the units; money is in the run's currency. Shares are of 1.

    - `traded_kwh`, `p2p_share_of_load`: energy contracted between members, what outages made void
      left out, and its share of load.
    - `mean_price_per_kwh`: price of traded energy, weighted by energy; None where it has none.
    - `saving`, `members_better_off`: what the market was worth to all members together against
      the same homes re-operated without it, and the share that gained more than a minor unit.
    - `self_sufficiency`: 1 - import / load, the import being what all meters together draw in each
      interval, line losses left out.
    - `frames_capped`, `withheld_kwh`, `curtailed_kwh`: frames that needed capping; surplus that
      the export envelope held back on the forecast; PV energy curtailed in real time.
    - `v_min_pu`, `v_max_pu`: extreme metered voltages; None where no interval has any.
    """
    frames, bills, network = results.frames, results.bills, results.network
    kept = frames.traded_kwh * (1.0 - frames.void_share)
    traded = float(kept.sum())
    value = float((kept * traded_prices(results))[kept > 0.0].sum(skipna=False))
    load = float(results.community.load_kwh.sum())
    drawn = float((-results.community.net_export_kwh).clip(lower=0.0).sum())
    saving = bills.groupby("prosumer").saving.sum()
    return {
        "traded_kwh": traded,
        "p2p_share_of_load": _ratio(traded, load),
        "mean_price_per_kwh": None if np.isnan(value) else _ratio(value, traded),
        "saving": float(bills.saving.sum()),
        "members_better_off": share_better_off(saving, 1.0 / results.manifest["minor_per_major"]),
        "self_sufficiency": None if load == 0.0 else 1.0 - drawn / load,
        "frames_capped": int((frames.capped_kwh > 0.0).sum()),
        "withheld_kwh": float(frames.withheld_kwh.sum()),
        "curtailed_kwh": float(frames.curtailed_kwh.sum()),
        "v_min_pu": _known(network.v_min_pu.min()),
        "v_max_pu": _known(network.v_max_pu.max()),
    }


def headline_rows(results: Results) -> list[tuple[str, str]]:
    """Return the headline figures as people read them: (what, value with unit)."""
    figure = headline_figures(results)
    currency = results.manifest["currency"]
    n_frames, n_members = len(results.frames), len(results.members)

    def text(name: str, pattern: str) -> str:
        value = figure[name]
        return "n/a" if value is None else pattern.format(value).replace("%", " %")

    return [
        ("energy traded between members", text("traded_kwh", "{:,.0f} kWh")),
        ("share of the community's load", text("p2p_share_of_load", "{:.1%}")),
        ("mean price of traded energy", text("mean_price_per_kwh", f"{{:.2f}} {currency}/kWh")),
        ("saving of all members together", text("saving", f"{{:,.0f}} {currency}")),
        (f"members better off, of {n_members}", text("members_better_off", "{:.0%}")),
        ("self-sufficiency of the community", text("self_sufficiency", "{:.1%}")),
        (f"frames in which sales were capped, of {n_frames}", text("frames_capped", "{:.0f}")),
        ("surplus held back by the export envelope", text("withheld_kwh", "{:,.0f} kWh")),
        ("PV energy curtailed", text("curtailed_kwh", "{:,.1f} kWh")),
        (
            "voltages, least and greatest",
            text("v_min_pu", "{:.3f} to ") * (figure["v_max_pu"] is not None)
            + text("v_max_pu", "{:.3f} p.u."),
        ),
    ]


def headline_table(results: Results) -> Table:
    """Return the headline figures as a table for the terminal."""
    from rich.table import Table

    manifest = results.manifest
    frames, homes = counted(manifest["frames"], "frame"), counted(manifest["prosumers"], "home")
    title = f"{manifest['scenario']}: {frames}, {homes}"
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for row in headline_rows(results):
        table.add_row(*row)
    return table


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
