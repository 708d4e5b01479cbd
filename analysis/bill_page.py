"""A home's bill as one page that a householder can read and print, made from a run's files."""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import yaml

from ..market.tariff import Tariff
from ..market.tariff_reading import tariff_from_dict
from ..scenarios.problems import problem
from ..sim.results import Results, read_results
from ..sim.run_directory import RunError
from ..sim.whole_file import write_whole
from .bill_words import BillMonth, bill_months, formats


@dataclass(frozen=True)
class MemberBill:
    """A member's bills of a run, and where the page of them was written.

    Attributes
    ----------
    prosumer, currency : str
        Whose bills they are, and in what money.
    months : tuple of BillMonth
        The months asked for, in order of time.
    out : Path
        The HTML page.
    """

    prosumer: str
    currency: str
    months: tuple[BillMonth, ...]
    out: Path

    def as_dict(self) -> dict[str, Any]:
        """Return the bills as plain data, money in major units."""
        return {
            "out": str(self.out),
            "prosumer": self.prosumer,
            "currency": self.currency,
            "months": [month.as_dict() for month in self.months],
        }


def write_bill(
    run: str | Path, member: str, month: str | None = None, out: str | Path | None = None
) -> MemberBill:
    """Write the bill of one member as a self-contained HTML page.

    Parameters
    ----------
    run : str or Path
        A finished run.
    member : str
        A prosumer of it.
    month : str, optional
        A billing month `YYYY-MM`; by default every month of the run, each on a page of its own
        when printed.
    out : str or Path, optional
        The file; by default `bills/MEMBER.html` (`bills/MEMBER-MONTH.html`) in the run directory.

    Returns
    -------
    MemberBill
        What stands on the page, and where it is.

    Raises
    ------
    RunError
        With every problem, before anything is written: not a run, unknown member (with those of
        like names), unknown month, files that contradict one another, a file that cannot be
        written.

    Examples
    --------
    >>> bill = write_bill("runs/kerala-village-001", "home-005")         # doctest: +SKIP
    >>> bill.months[0].total                                             # doctest: +SKIP
    """
    results, tariff = _open(Path(run))
    bills = results.bills
    problems = _unknown(list(results.members.prosumer), list(bills.month.unique()), member, month)
    path = _page_path(results.path, member, month) if out is None else Path(out)
    if out is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        wrong = "is a directory" if path.is_dir() else "stands in a directory that does not exist"
        problems.append(problem("bill", "--out", path, wrong, "name a file in one that exists"))
    if problems:
        raise RunError(problems)
    months = bill_months(results, tariff, member, month)
    template = files(__package__).joinpath("templates", "bill.html.j2").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(formats(tariff.minor_per_major))
    manifest = results.manifest
    home = results.members.set_index("prosumer").loc[member]
    html = environment.from_string(template).render(
        member=member,
        months=months,
        currency=tariff.currency,
        scenario=manifest["scenario"],
        seed=manifest["seed"],
        home=_home_words(home),
        left_out=member in manifest["left_out_of_trade"],
        p2p_max_kw=tariff.p2p_max_kw,
        tariff=tariff,
        title_of_tariff=tariff.title or tariff.name,
        unconfirmed=manifest["unconfirmed"],
        notes=[*manifest["notes"], *tariff.notes],
    )
    path.parent.mkdir(exist_ok=True)
    write_whole(path, html)
    return MemberBill(member, tariff.currency, months, path)


def _open(path: Path) -> tuple[Results, Tariff]:
    results = read_results(path)
    try:
        data = yaml.safe_load((path / "tariff.yaml").read_text(encoding="utf-8"))
        tariff = tariff_from_dict(data, "tariff.yaml")
    except (yaml.YAMLError, ValueError) as error:
        wrong = " ".join(str(error).split())
        raise RunError(
            [f"{path / 'tariff.yaml'}: RUN: cannot be read ({wrong}): run the scenario again"]
        ) from error
    return results, tariff


def _unknown(members: list[str], months: list[str], member: str, month: str | None) -> list[str]:
    """Say which of the two is unknown, with what there is."""
    found = []
    if member not in members:
        ratio = {n: difflib.SequenceMatcher(None, member, n).ratio() for n in members}
        some = [n for n in sorted(members, key=lambda n: -ratio[n])[:8] if ratio[n] >= 0.6]
        wrong = "the run has no such member"
        remedy = f"use one of {', '.join(members[:8])}{', ...' if len(members) > 8 else ''}"
        if some:
            remedy = f"perhaps {', '.join(some)}; members.parquet lists all {len(members)}"
        found.append(problem("bill", "MEMBER", member, wrong, remedy))
    if month is not None and month not in months:
        wrong = "the run has no such billing month"
        found.append(problem("bill", "--month", month, wrong, f"use {' or '.join(months)}"))
    return found


def _page_path(run: Path, member: str, month: str | None) -> Path:
    """Return the page's place in the run; members' names are free text, file names are not."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", member).lstrip(".")[:80]
    if safe != member:
        safe += "-" + hashlib.sha256(member.encode()).hexdigest()[:8]
    return run / "bills" / f"{safe}{'' if month is None else '-' + month}.html"


def _home_words(home: Any) -> str:
    parts = []
    if home.pv_kwp > 0.0:
        parts.append(f"{home.pv_kwp:g} kWp of solar panels")
    if home.battery_kwh > 0.0:
        parts.append(f"a battery of {home.battery_kwh:g} kWh")
    phases = "three-phase" if home.three_phase else "single-phase"
    devices = " and ".join(parts) or "no solar panels or battery"
    return f"{phases} connection at bus {home.bus}, {devices}"
