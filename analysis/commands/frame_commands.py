"""Commands for one frame and one power flow: clear, feeders, flow."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .console import Json, app, bad_input_listed, print_json, say


@app.command(
    epilog="Example: gridbazaar clear --sellers sellers.csv --buyers buyers.csv "
    "--frame normal --mcp 5.5 --participation all"
)
def clear(
    sellers: Annotated[
        str,
        typer.Option(metavar="FILE", help="CSV: seller, capacity_kwh, offer_per_kwh, frame, bus."),
    ],
    buyers: Annotated[
        str, typer.Option(metavar="FILE", help="CSV: buyer, demand_kwh, bid_per_kwh, frame, bus.")
    ],
    frame: Annotated[str | None, typer.Option(metavar="NAME", help="Its rows only.")] = None,
    mechanism: Annotated[
        str, typer.Option(help="pareto, optimum, uniform, vcg, ...: any market rule.")
    ] = "pareto",
    mcp: Annotated[float | None, typer.Option(help="The price, given by hand.")] = None,
    price_rule: Annotated[
        str | None, typer.Option(help="merit-order, k-double-auction or mid-market.")
    ] = None,
    retail: Annotated[float | None, typer.Option(help="Retail price of the grid.")] = None,
    feed_in: Annotated[float | None, typer.Option(help="Feed-in price of the grid.")] = None,
    engine: Annotated[str, typer.Option(help="nsga2 or exact.")] = "nsga2",
    objectives: Annotated[str, typer.Option(help="published, per-buyer or surplus.")] = "published",
    encoding: Annotated[str, typer.Option(help="marginal or pairwise.")] = "marginal",
    choose: Annotated[str | None, typer.Option(help="demand-first, knee, ...")] = None,
    participation: Annotated[str, typer.Option(help="rational or all.")] = "rational",
    feeder: Annotated[
        str | None, typer.Option(help="Check voltages; orders then need a column bus.")
    ] = None,
    hours: Annotated[float | None, typer.Option(help="Length of the frame.")] = None,
    source_voltage: Annotated[float | None, typer.Option(help="At the feeder's source.")] = None,
    method: Annotated[
        str, typer.Option(help="adaptive-capping, constrained or ignore.")
    ] = "adaptive-capping",
    population: Annotated[int, typer.Option(help="Of the search.")] = 100,
    generations: Annotated[int, typer.Option(help="At most.")] = 200,
    seed: Annotated[int, typer.Option(help="One seed makes one result.")] = 1,
    published: Annotated[
        str | None, typer.Option(metavar="FILE", help="CSV of transactions to set beside ours.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="New directory for the figure and the transactions.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Clear one frame from two CSV files of orders."""
    from ..clear_orders import clear as clear_orders

    with bad_input_listed():
        cleared = clear_orders(
            sellers,
            buyers,
            frame=frame,
            mechanism=mechanism,
            mcp=mcp,
            price_rule=price_rule,
            retail=retail,
            feed_in=feed_in,
            engine=engine,
            objectives=objectives,
            encoding=encoding,
            choose=choose,
            participation=participation,
            feeder=feeder,
            hours=hours,
            source_voltage=source_voltage,
            method=method,
            population=population,
            generations=generations,
            seed=seed,
            published=published,
            out=out,
        )
    if as_json:
        print_json(cleared.as_dict())
    else:
        from rich.console import Console

        from ..clear_files import outcome_table, transactions_table
        from ..clear_money import prices_table, transfers_table

        console = Console()
        console.print(outcome_table(cleared))
        for make in (transactions_table, prices_table, transfers_table):
            table = make(cleared)
            if table is not None:
                console.print(table)
        for note in cleared.clearing.notes:
            say(f"note: {note}")
        if out is not None:
            console.print(f"results  {out}", soft_wrap=True)
    if not cleared.feasible:
        raise typer.Exit(1)


@app.command(epilog="Example: gridbazaar feeders --json")
def feeders(as_json: Json = False) -> None:
    """List the feeder library with sizes, published figures and sources."""
    from ...network.library import feeder_index

    entries = feeder_index().values()
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return
    from rich.console import Console

    from ..flow import feeders_table

    Console().print(feeders_table(entries))


@app.command(epilog="Example: gridbazaar flow ieee33_mv --scale 1.2 --out flow33")
def flow(
    feeder: Annotated[
        str,
        typer.Argument(
            help="A shipped feeder (see [b]gridbazaar feeders[/b]), a folder or prefix of CSV "
            "files, a MATPOWER .m case or a pandapower .json network."
        ),
    ],
    buses: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Other loads: bus,p_kw,q_kvar.")
    ] = None,
    scale: Annotated[float, typer.Option(metavar="X", help="Factor on all loads.")] = 1.0,
    source_voltage: Annotated[
        float | None, typer.Option(metavar="V", help="Voltage at the source, in p.u.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="New directory for the picture and the tables.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Solve one power flow of a feeder; exit status 1 when it has no solution."""
    from ..flow import (
        MEANING,
        feeder_as_asked,
        flow_figures,
        flow_table,
        solve_feeder,
        write_flow,
    )

    with bad_input_listed():
        answer = solve_feeder(feeder_as_asked(feeder, buses, scale, source_voltage, out))
    written = out is not None and answer.status == "converged"
    if out is not None and written:
        write_flow(answer, out)
    if as_json:
        print_json({**flow_figures(answer), "out": str(out) if written else None})
    else:
        from rich.console import Console

        console = Console()
        console.print(flow_table(answer))
        if written:
            console.print(f"results  {out}", soft_wrap=True)
    if answer.status != "converged":
        say(MEANING[answer.status] + (" Nothing was written." if out is not None else ""))
        raise typer.Exit(1)
