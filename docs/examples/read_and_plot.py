"""Read a run and draw a figure of your own: each home's saving over what it traded.

    python docs/examples/read_and_plot.py [RUN]

RUN is the directory of a finished run; without it two days of the village are run first.
"""

from __future__ import annotations

import sys
from pathlib import Path

from matplotlib.figure import Figure

from gridbazaar import kpi_table, read_results, run


def main() -> None:
    """Read, print, draw."""
    if len(sys.argv) > 1:
        results = read_results(sys.argv[1])
    else:
        results = run("kerala-village", ["days=2", "market.engine=exact"])

    # Every table is a pandas frame; column names carry units.
    print(results.frames[["name", "mcp_per_kwh", "offered_kwh", "traded_kwh"]])
    kpis = kpi_table(results).set_index("kpi")
    print(kpis.loc[["self_sufficiency", "surplus", "worse_off"], ["market", "no_p2p", "unit"]])

    sums = results.bills.groupby("prosumer")[["p2p_bought_kwh", "p2p_sold_kwh", "saving"]].sum()
    figure = Figure(figsize=(6, 4), layout="constrained")
    ax = figure.subplots()
    for column, marker in (("p2p_bought_kwh", "o"), ("p2p_sold_kwh", "^")):
        traded = sums[sums[column] > 0.0]
        ax.scatter(traded[column], traded.saving, marker=marker, label=column)
    ax.axhline(0.0, color="black", lw=0.6)
    ax.set(xlabel="energy, kWh", ylabel=f"saving, {results.manifest['currency']}")
    ax.legend()
    path = Path(results.path) / "saving_over_trade.png"
    figure.savefig(path, dpi=150)
    print("figure", path)


if __name__ == "__main__":
    main()
