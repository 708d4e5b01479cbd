"""What `gridbazaar flow` and `gridbazaar feeders` answer: figures, tables for people, and files."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..network import (
    STATUS_NAMES,
    BranchFlows,
    Feeder,
    FeederEntry,
    FeederError,
    PowerFlow,
    VoltageLimits,
    branch_flows,
    load_feeder,
    solve_power_flow,
)
from ..network.csv_reader import read_csv_loads
from ..network.problems import MOST_KW, source_voltage_problem
from .new_directory import new_directory, new_directory_problems

Floats = NDArray[np.float64]

# What a status other than `converged` means to the one who asked.
MEANING = {
    "diverged": "The sweep diverged: the voltages collapse, so this load is past what the feeder "
    "can carry (its loadability limit) and no voltages exist to report. Try a smaller --scale or "
    "a higher --source-voltage, and check the units of loads (kW) and impedances (ohm).",
    "iteration-limit": "The sweep did not settle within its iterations, as it happens very near "
    "to the feeder's loadability limit: the figures are the last ones reached, not a solution. "
    "Try a slightly smaller --scale.",
}


@dataclass(frozen=True, eq=False)
class FeederFlow:
    """One power flow of a feeder at its own loads.

    Parameters
    ----------
    feeder : Feeder
        The feeder as it was solved: loads scaled, source voltage set.
    flow : PowerFlow
        The solution, a batch of one.
    branches : BranchFlows
        Flows, currents and loading of the branches; NaN where diverged.
    """

    feeder: Feeder
    flow: PowerFlow
    branches: BranchFlows

    @property
    def status(self) -> str:
        """`converged`, `iteration-limit` or `diverged`."""
        return STATUS_NAMES[int(self.flow.status[0])]

    @property
    def v_pu(self) -> Floats:
        """Voltage of each bus [p.u.]."""
        return self.flow.v_pu[0]

    @property
    def worst_branch(self) -> int | None:
        """The branch of the highest loading; None where no ampacity is known."""
        loading = self.branches.loading[0]
        return None if np.isnan(loading).all() else int(np.nanargmax(loading))

    def branch_name(self, branch: int) -> str:
        """A branch by the names of its ends."""
        names = self.feeder.bus_names
        return f"{names[self.feeder.from_bus[branch]]}-{names[self.feeder.to_bus[branch]]}"


def feeder_as_asked(
    name: str,
    buses: Path | None = None,
    scale: float = 1.0,
    source_voltage_pu: float | None = None,
    out: Path | None = None,
) -> Feeder:
    """Load a feeder with the loads and the source voltage that a user asks for.

    Parameters
    ----------
    name : str
        As for `load_feeder`.
    buses : Path, optional
        Another table of buses, whose loads take the place of the feeder's.
    scale : float
        Factor on all loads; negative for generation in their place.
    source_voltage_pu : float, optional
        Voltage of the slack bus [p.u.]; the feeder's own by default.
    out : Path, optional
        The directory that will be written: checked here, so that nothing is done in vain.

    Returns
    -------
    Feeder
        Ready to be solved at its `load_kw`, `load_kvar`.

    Raises
    ------
    FeederError
        With the problems of all of these at once.

    Examples
    --------
    >>> float(feeder_as_asked("ieee33_mv", scale=2.0).load_kw.sum())
    7430.0
    """
    problems = []
    if not math.isfinite(scale):
        problems.append(f"--scale: {scale}: not a finite number: give a factor, such as 1.2")
    if source_voltage_pu is not None:
        problems += source_voltage_problem(source_voltage_pu, "--source-voltage")
    if out is not None:
        problems += new_directory_problems(out)
    try:
        feeder = load_feeder(name)
        if buses is not None:
            kw, kvar = read_csv_loads(buses, feeder)
            feeder = replace(feeder, load_kw=kw, load_kvar=kvar)
    except FeederError as error:
        raise FeederError([*problems, *error.problems]) from error
    most = max(float(np.abs(load).max()) for load in (feeder.load_kw, feeder.load_kvar))
    if math.isfinite(scale) and not abs(scale) * most <= MOST_KW:
        problems.append(
            f"--scale: {scale:g}: it makes a load of {abs(scale) * most:g} kW, above {MOST_KW:g}: "
            "give a factor, such as 1.2"
        )
    if problems:
        raise FeederError(problems)
    feeder = replace(feeder, load_kw=scale * feeder.load_kw, load_kvar=scale * feeder.load_kvar)
    return feeder if source_voltage_pu is None else feeder.with_source_voltage(source_voltage_pu)


def solve_feeder(feeder: Feeder) -> FeederFlow:
    """Solve a feeder at its own loads.

    Parameters
    ----------
    feeder : Feeder
        The feeder.

    Returns
    -------
    FeederFlow
        Voltages, losses and branch flows.

    Examples
    --------
    >>> answer = solve_feeder(feeder_as_asked("kerber_village_lv"))
    >>> answer.status, answer.branch_name(answer.worst_branch)
    ('converged', '1-2')
    """
    kw, kvar = -feeder.load_kw[None], -feeder.load_kvar[None]
    flow = solve_power_flow(feeder, kw, kvar)
    return FeederFlow(feeder, flow, branch_flows(feeder, kw, kvar, flow.v_pu))


def flow_figures(answer: FeederFlow) -> dict[str, Any]:
    """The figures of a power flow as one flat document; None where there is none.

    Examples
    --------
    >>> figures = flow_figures(solve_feeder(feeder_as_asked("ieee33_mv")))
    >>> figures["status"], round(figures["v_min_pu"], 4), figures["v_min_bus"]
    ('converged', 0.9131, '18')
    """
    feeder, flow = answer.feeder, answer.flow
    figures: dict[str, Any] = {
        "status": answer.status,
        "v_min_pu": None,
        "v_min_bus": None,
        "v_max_pu": None,
        "v_max_bus": None,
        "loss_kw": None,
        "loss_kvar": None,
        "iterations": int(flow.iterations[0]),
        "source_kw": None,
        "source_kvar": None,
        "loading_max": None,
        "loading_max_branch": None,
        "feeder": feeder.name,
        "n_buses": feeder.n_buses,
        "load_kw": _load(feeder.load_kw, feeder),
        "load_kvar": _load(feeder.load_kvar, feeder),
        "source_voltage_pu": feeder.source_voltage_pu,
    }
    if answer.status == "diverged":
        return figures
    for key, bus in (("v_min", answer.v_pu.argmin()), ("v_max", answer.v_pu.argmax())):
        figures[f"{key}_pu"] = float(answer.v_pu[bus])
        figures[f"{key}_bus"] = feeder.bus_names[bus]
    for key in ("loss_kw", "loss_kvar", "source_kw", "source_kvar"):
        figures[key] = float(getattr(flow, key)[0])
    worst = answer.worst_branch
    if worst is not None:
        figures["loading_max"] = float(answer.branches.loading[0, worst])
        figures["loading_max_branch"] = answer.branch_name(worst)
    return figures


def _load(load: Floats, feeder: Feeder) -> float:
    """The feeder's load without what stands at the slack bus, which no branch carries."""
    return float(np.delete(load, feeder.slack).sum())


def flow_table(answer: FeederFlow, limits: VoltageLimits | None = None) -> Table:
    """The figures of a power flow for people, with the count of buses outside the limits.

    Examples
    --------
    >>> flow_table(solve_feeder(feeder_as_asked("das12_mv_india"))).row_count
    8
    """
    limits = limits or VoltageLimits()
    found = flow_figures(answer)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.title = f"{found['feeder']}: {found['n_buses']} buses, {answer.feeder.base_kv:g} kV"
    table.title_justify = "left"
    table.add_row("status", f"{found['status']} ({_count(found['iterations'], 'iteration')})")
    table.add_row("load", f"{found['load_kw']:.2f} kW, {found['load_kvar']:.2f} kvar")
    table.add_row("source voltage", f"{found['source_voltage_pu']:.4f} p.u.")
    if found["v_min_pu"] is None:
        return table
    for word, key in (("lowest voltage", "v_min"), ("highest voltage", "v_max")):
        table.add_row(word, f"{found[f'{key}_pu']:.6f} p.u. at bus {found[f'{key}_bus']}")
    below = int((answer.v_pu < limits.lower_pu).sum())
    above = int((answer.v_pu > limits.upper_pu).sum())
    table.add_row(
        "outside the band",
        f"{_count(below, 'bus')} below {limits.lower_pu:g}, {above} above {limits.upper_pu:g} p.u.",
    )
    table.add_row("losses", f"{found['loss_kw']:.3f} kW, {found['loss_kvar']:.3f} kvar")
    table.add_row(
        "from the source", f"{found['source_kw']:.2f} kW, {found['source_kvar']:.2f} kvar"
    )
    worst = answer.worst_branch
    if worst is not None:
        rated = int(np.isfinite(answer.feeder.i_max_a).sum())
        table.add_row(
            "worst loaded",
            f"branch {found['loading_max_branch']}: {answer.branches.current_a[0, worst]:.1f} of "
            f"{answer.feeder.i_max_a[worst]:.1f} A, {found['loading_max']:.1%}"
            f" ({rated} of {answer.feeder.n_branches} rated)",
        )
    return table


def _count(number: int, thing: str) -> str:
    plural = "" if number == 1 else "es" if thing.endswith("s") else "s"
    return f"{number} {thing}{plural}"


def write_flow(answer: FeederFlow, out: Path) -> None:
    """Write ``buses.csv``, ``branches.csv`` and the feeder's picture into a new directory.

    The directory appears when all of it is written.

    Parameters
    ----------
    answer : FeederFlow
        A solved feeder.
    out : Path
        A directory that does not exist yet, or is empty.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "flow"
    >>> write_flow(solve_feeder(feeder_as_asked("das12_mv_india")), folder)
    >>> sorted(file.name for file in folder.iterdir())
    ['branches.csv', 'buses.csv', 'feeder.png', 'feeder.svg']
    """
    from .feeder_figure import draw_feeder

    feeder, branches = answer.feeder, answer.branches
    with new_directory(out) as folder:
        _write_csv(
            folder / "buses.csv",
            ("bus", "v_pu", "load_kw", "load_kvar"),
            zip(feeder.bus_names, answer.v_pu, feeder.load_kw, feeder.load_kvar, strict=True),
        )
        names = np.array(feeder.bus_names, object)
        columns = {
            "from_kw": branches.from_kw[0],
            "from_kvar": branches.from_kvar[0],
            "to_kw": branches.to_kw[0],
            "to_kvar": branches.to_kvar[0],
            "loss_kw": branches.from_kw[0] + branches.to_kw[0],
            "current_a": branches.current_a[0],
            "i_max_a": feeder.i_max_a,
            "loading": branches.loading[0],
        }
        ends = names[feeder.from_bus], names[feeder.to_bus]
        _write_csv(
            folder / "branches.csv",
            ("from", "to", *columns),
            zip(*ends, *columns.values(), strict=True),
        )
        figure = draw_feeder(feeder, answer.v_pu)
        figure.savefig(folder / "feeder.svg", metadata={"Date": None})
        figure.savefig(folder / "feeder.png", dpi=150)


def _write_csv(path: Path, head: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table; what is not known stays empty, numbers keep 10 digits."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        for row in rows:
            writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if math.isnan(value) else f"{float(value) + 0.0:.10g}"


def feeders_table(entries: Iterable[FeederEntry]) -> Group:
    """The feeder library for people: a table of 80 columns, with the sources below it.

    Examples
    --------
    >>> from gridbazaar.network import feeder_index
    >>> len(feeders_table(feeder_index().values()).renderables)  # the table and the sources
    2
    """
    entries = list(entries)
    table = Table(
        title="Feeder library", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("feeder", no_wrap=True)
    for head in ("buses", "kV", "load kW", "loss kW", "least p.u.", "at bus"):
        table.add_column(head, justify="right", no_wrap=True)
    sources = Table(title="Sources", title_justify="left", box=None, show_header=False)
    sources.add_column(no_wrap=True)
    sources.add_column(overflow="fold")
    for entry in entries:
        table.add_row(
            entry.name,
            str(entry.n_buses),
            f"{entry.base_kv:g}",
            f"{entry.load_kw:.1f}",
            f"{entry.loss_kw:.1f}",
            f"{entry.v_min_pu:.4f}",
            entry.v_min_bus,
        )
        sources.add_row(entry.name, Text(entry.source))
    return Group(table, sources)
