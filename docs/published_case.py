"""Make the tables and the figure of docs/published-case.md again: python docs/published_case.py."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from doc_tables import DOCS, markdown_table, replace_table
from matplotlib.figure import Figure

import gridbazaar
from gridbazaar.analysis.cleared_orders import ClearedOrders
from gridbazaar.analysis.figures import GREEN, GREY, ORANGE, PURPLE, RED, SKY, YELLOW
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.registry import CHOICE_RULES

PAGE = "published-case.md"
DATA = Path(gridbazaar.__file__).parent / "scenarios" / "data"
SELLERS, BUYERS, TRANSACTIONS = (
    DATA / f"published_{name}.csv" for name in ("sellers", "buyers", "transactions")
)
PRICES = {"off_peak": 2.75, "normal": 5.5, "peak": 7.0}
PRINTED = ("normal", "peak")  # the report prints no matrix for the off-peak frame
MARKS = {  # where two rules agree the first one's mark frames the second one's
    "demand-first": ("*", ORANGE, 17),
    "knee": ("o", "white", 16),
    "nash-bargaining": ("s", GREEN, 9),
    "weighted-sum": ("D", SKY, 7),
    "maximin": ("o", YELLOW, 17),
    "min-disparity": ("v", PURPLE, 9),
    "goal-programming": ("P", "black", 7),
}


def published_matrix(frame: str) -> dict[tuple[str, str], float]:
    """Return the printed energies of a frame by (seller, buyer) [kWh]."""
    with TRANSACTIONS.open(newline="") as file:
        return {
            (row["seller"], row["buyer"]): float(row["energy_kwh"])
            for row in csv.DictReader(file)
            if row["frame"] == frame
        }


def cleared(frame: str, **options: object) -> ClearedOrders:
    """Clear a frame of the case at the published price, everybody taking part."""
    given = {"mcp": PRICES[frame], "participation": "all", "engine": "exact", **options}
    return gridbazaar.clear(SELLERS, BUYERS, frame=frame, **given)


def matrix_table(frame: str) -> str:
    """Printed and our energies of a frame side by side, `printed / ours`."""
    printed = published_matrix(frame)
    found = cleared(frame, engine="nsga2")
    ours = {(row["seller"], row["buyer"]): row["energy_kwh"] for row in found.transactions()}
    order = sorted(found.orders.rank, key=found.orders.rank.__getitem__)
    sellers = [name for name in order if name.startswith("S")]
    buyers = [name for name in order if name.startswith("B")]

    def cell(pairs: list[tuple[str, str]]) -> str:
        return f"{sum(printed[p] for p in pairs):.2f} / {sum(ours[p] for p in pairs):.2f}"

    rows = [
        [seller, *(cell([(seller, b)]) for b in buyers), cell([(seller, b) for b in buyers])]
        for seller in sellers
    ]
    totals = [cell([(s, b) for s in sellers]) for b in buyers]
    rows.append(["received", *totals, cell([(s, b) for s in sellers for b in buyers])])
    said = found.as_dict()["buyers"]
    rows.append(["asked for", *(f"{row['demand_kwh']:.0f}" for row in said), ""])
    return markdown_table(["", *buyers, "sold"], rows)


def score_table() -> str:
    """Objectives of the printed matrices and of ours."""
    rows = []
    for frame in PRINTED:
        exact = cleared(frame, published=TRANSACTIONS)
        search = cleared(frame, engine="nsga2")
        old = exact.compared
        assert old is not None
        rows.append(
            [f"{frame}, printed", f"{old.f1:.2f}", f"{old.f2:.2f}", f"{old.traded_kwh:.2f}"]
        )
        for name, found in (("NSGA-II", search), ("exact", exact)):
            at = found.clearing
            rows.append(
                [f"{frame}, {name}", f"{at.f1:.2f}", f"{at.f2:.2f}", f"{at.traded_kwh:.2f}"]
            )
    return markdown_table(["frame", "f1", "f2", "traded, kWh"], rows)


def price_table() -> str:
    """Published prices beside those of our rules (retail 8, feed-in 2 INR/kWh)."""
    rows = []
    for frame, printed in PRICES.items():
        prices = []
        for rule in ("merit-order", "k-double-auction"):
            found = gridbazaar.clear(
                SELLERS,
                BUYERS,
                frame=frame,
                price_rule=rule,
                retail=8.0,
                feed_in=2.0,
                engine="exact",
            )
            prices.append(f"{found.clearing.mcp_per_kwh:.2f}")
        rational = cleared(frame, participation="rational").clearing
        everybody = cleared(frame).clearing
        rows.append(
            [
                frame,
                f"{printed:.2f}",
                *prices,
                f"{rational.traded_kwh:.0f}",
                f"{everybody.traded_kwh:.0f}",
            ]
        )
    header = ["frame", "published", "merit-order", "k-double-auction"]
    header += ["traded at the published price, kWh", "with `participation: all`, kWh"]
    return markdown_table(header, rows)


def choices(frame: str, objectives: str = "published") -> list[tuple[str, int]]:
    """Return each choice rule with the point of the exact front that it takes."""
    base = ClearingRules(
        price_rule="fixed",
        fixed_price=PRICES[frame],
        participation="all",
        engine="exact",
        objectives=objectives,
        front_points=1001,
    )
    orders, terms = cleared(frame).orders, cleared(frame).terms
    rules = [(name, replace(base, choose=name)) for name in CHOICE_RULES]
    rules += [
        (f"{name}, participants", replace(base, choose=name, whose="participants"))
        for name in ("maximin", "min-disparity")
    ]
    found = []
    for name, rule in rules:
        front = build_mechanism(rule).clear(orders.book, terms, np.random.default_rng(1)).front
        assert front is not None
        found.append((name, front.chosen))
    return found


def dense_front(frame: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return f1, f2 and T of 1,001 points of a frame's exact front."""
    given = cleared(frame)
    rules = replace(given.rules, front_points=1001)
    front = build_mechanism(rules).clear(given.orders.book, given.terms, np.random.default_rng(1))
    assert front.front is not None
    return front.front.f1, front.front.f2, front.front.traded_kwh


def choice_table() -> str:
    """What every choice rule takes from the exact fronts."""
    columns = []
    for frame in PRINTED:
        f1, f2, traded = dense_front(frame)
        columns.append(
            {
                name: [
                    f"{traded[k]:.1f}",
                    f"{traded[k] / traded.max():.0%}",
                    f"{f1[k]:.1f}",
                    f"{f2[k]:.1f}",
                ]
                for name, k in choices(frame)
            }
        )
    names = ["traded, kWh", "of demand", "f1", "f2"]
    header = ["rule", *(f"{frame}: {name}" for frame in PRINTED for name in names)]
    return markdown_table(
        header, ([rule, *columns[0][rule], *columns[1][rule]] for rule in columns[0])
    )


def choice_figure() -> Figure:
    """Both exact fronts with what the choice rules take, and the printed matrices."""
    figure = Figure(figsize=(9.0, 4.6), layout="constrained")
    for ax, frame in zip(figure.subplots(1, 2), PRINTED, strict=True):
        f1, f2, _ = dense_front(frame)
        ax.plot(f1, f2, color=GREY, lw=2, label="exact front")
        for name, k in choices(frame):
            if name in MARKS:
                mark, colour, size = MARKS[name]
                style = {"ms": size, "mec": "black", "mew": 0.7, "zorder": 3}
                ax.plot([f1[k]], [f2[k]], mark, color=colour, label=name, **style)
        old = cleared(frame, published=TRANSACTIONS).compared
        assert old is not None
        ax.plot([old.f1], [old.f2], "X", color=RED, ms=11, mec="black", label="published matrix")
        ax.set_title(f"{frame} frame", loc="left", fontsize="medium")
        ax.set(xlabel="buyer welfare f1", ylabel="seller welfare f2")
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(color="0.92", lw=0.6)
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    return figure


def tables() -> dict[str, str]:
    """Return every measured table of the page by name."""
    return {
        "prices": price_table(),
        "scores": score_table(),
        "normal": matrix_table("normal"),
        "peak": matrix_table("peak"),
        "choices": choice_table(),
    }


if __name__ == "__main__":
    for table, text in tables().items():
        replace_table(PAGE, table, text)
    choice_figure().savefig(DOCS / "images" / "published_case_choice.png", dpi=110)
