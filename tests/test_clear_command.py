"""`gridbazaar clear` and its Python face: the published case, options, bad input, edges."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import gridbazaar
from gridbazaar.__main__ import app
from gridbazaar.market.mechanism import ClearingRules, build_mechanism
from gridbazaar.market.order import OrderError
from gridbazaar.market.registry import MECHANISMS

DATA = Path(gridbazaar.__file__).parent / "scenarios" / "data"
PUBLISHED = [
    *("--sellers", str(DATA / "published_sellers.csv")),
    *("--buyers", str(DATA / "published_buyers.csv")),
]
KEYS = {
    *("mcp_per_kwh", "engine", "objectives", "f1", "f2", "traded_kwh", "front", "front_collapsed"),
    *("transactions", "unserved_kwh", "capping", "undervoltage_base", "status", "seconds"),
}


def clear(*words):
    return CliRunner().invoke(app, ["clear", *map(str, words)])


def said(*words):
    done = clear(*words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def files(folder, sellers, buyers, bus=False):
    """Write two order files from rows as text."""
    more = ",bus" if bus else ""
    (folder / "s.csv").write_text(f"seller,capacity_kwh,offer_per_kwh{more}\n{sellers}\n")
    (folder / "b.csv").write_text(f"buyer,demand_kwh,bid_per_kwh{more}\n{buyers}\n")
    return "--sellers", folder / "s.csv", "--buyers", folder / "b.csv"


@pytest.mark.parametrize("engine", ["nsga2", "exact"])
@pytest.mark.parametrize(
    ("frame", "mcp", "f1", "f2"), [("normal", 5.5, -635.1, 934.99), ("peak", 7.0, -1226.5, 1434.99)]
)
def test_the_published_case_is_beaten_in_both_objectives(frame, mcp, f1, f2, engine):
    found = said(
        *PUBLISHED,
        *("--frame", frame, "--mcp", mcp, "--participation", "all", "--engine", engine),
        *("--published", DATA / "published_transactions.csv"),
    )
    assert set(found) >= KEYS
    assert found["status"] == "cleared" and found["mcp_per_kwh"] == mcp
    assert found["f1"] >= f1 and found["f2"] >= f2
    assert found["f1"] > found["published"]["f1"] and found["f2"] > found["published"]["f2"]
    assert found["unserved_kwh"] == pytest.approx(0.0, abs=1e-6)
    assert sum(row["energy_kwh"] for row in found["transactions"]) == pytest.approx(
        found["traded_kwh"]
    )
    assert [found["f1"], found["f2"]] in found["front"]
    assert not found["front_collapsed"]


def test_the_same_seed_gives_the_same_document():
    words = (
        *PUBLISHED,
        "--frame",
        "peak",
        "--mcp",
        7,
        "--participation",
        "all",
        "--choose",
        "knee",
    )
    one, two, other = said(*words), said(*words), said(*words, "--seed", 2)
    for document in (one, two, other):
        del document["seconds"]
    assert one == two
    assert one["front"] != other["front"]


@pytest.mark.parametrize("rule", ["merit-order", "k-double-auction", "mid-market"])
@pytest.mark.parametrize("objectives", ["published", "per-buyer", "surplus"])
def test_price_rules_and_objectives(rule, objectives):
    found = said(
        *(*PUBLISHED, "--frame", "normal", "--retail", 7.5, "--feed-in", 4.0),
        *("--price-rule", rule, "--objectives", objectives, "--engine", "exact"),
    )
    assert found["status"] == "cleared" and found["objectives"] == objectives
    assert 5.2 <= found["mcp_per_kwh"] <= 7.0


def test_a_published_matrix_is_valued_over_the_same_pairs_as_ours():
    """Where only those who gain take part f1 has fewer pairs than the printed matrix."""
    words = (*PUBLISHED, "--frame", "normal", "--retail", 8, "--feed-in", 2)
    found = said(*words, "--published", DATA / "published_transactions.csv", "--engine", "exact")
    pairs = {(row["seller"], row["buyer"]): row["energy_kwh"] for row in found["transactions"]}
    with (DATA / "published_buyers.csv").open() as file:
        bids = {
            row["buyer"]: float(row["bid_per_kwh"])
            for row in csv.DictReader(file)
            if row["frame"] == "normal"
        }
    sellers = [row["seller"] for row in found["sellers"]]
    ours = sum(
        bid * np.log(pairs.get((seller, buyer), 0.0) + 1e-6)
        for seller in sellers
        for buyer, bid in bids.items()
    )
    ours -= found["mcp_per_kwh"] * found["traded_kwh"]
    assert found["published"]["ours_f1"] == pytest.approx(ours, abs=1e-3)
    assert found["published"]["ours_f1"] < found["f1"] - 100.0  # three of six sellers stay away


def test_the_document_carries_multipliers_and_no_round_off(tmp_path):
    words = files(tmp_path, "s,1.1,3\nt,2.2,3\nu,9,4.1", "b,3.3,6.123456\nc,0.7,5")
    numbers = []

    def collect(part):
        for one in part.values() if isinstance(part, dict) else part:
            if isinstance(one, (dict, list)):
                collect(one)
            elif isinstance(one, float):
                numbers.append(one)

    grid = ("--retail", 7, "--feed-in", 2, "--price-rule", "k-double-auction")
    for objectives in ("published", "per-buyer", "surplus"):
        found = said(*words, *grid, "--objectives", objectives, "--engine", "exact")
        del found["seconds"]
        collect(found)
        assert all(row["capacity_value"] >= 0.0 for row in found["sellers"])
        assert all(row["demand_value"] >= 0.0 for row in found["buyers"])
        assert (found["energy_value"] is None) == (objectives == "surplus")
        searched = said(*words, *grid, "--objectives", objectives)
        assert searched["buyers"][0]["demand_value"] is None
    assert all(number == round(number, 6) for number in numbers)


def test_seconds_hold_no_compilation(tmp_path):
    """A kernel that is compiled, or read from its cache, takes a second; the frame milliseconds."""
    words = files(tmp_path, "s,4,3\nt,9,3", "b,6,6\nc,2,5")
    code = (
        "import gridbazaar, sys; print(gridbazaar.clear(sys.argv[1], sys.argv[2], "
        "retail=7, feed_in=2).seconds)"
    )
    run = [sys.executable, "-c", code, str(words[1]), str(words[3])]
    seconds = [float(subprocess.check_output(run, text=True)) for _ in range(2)]
    assert min(seconds) < 0.25


def test_the_surplus_front_is_drawn_with_its_gaps():
    from gridbazaar.analysis.front_figure import front_figure

    done = gridbazaar.clear(
        DATA / "published_sellers.csv",
        DATA / "published_buyers.csv",
        frame="normal",
        objectives="surplus",
        engine="exact",
        retail=8.0,
        feed_in=2.0,
    )
    ax = front_figure(done).axes[0]
    x, y = (np.asarray(part, dtype=float) for part in ax.lines[0].get_data())
    gaps = np.isnan(x)
    assert gaps.any()
    np.testing.assert_array_less(np.abs(np.diff(x + y))[~(gaps[1:] | gaps[:-1])], 1e-6)
    assert "currency" in ax.get_xlabel() and "currency" in ax.get_ylabel()


def test_people_get_tables_and_files(tmp_path):
    words = (*PUBLISHED, "--frame", "normal", "--mcp", 5.5, "--participation", "all")
    done = clear(*words, "--out", tmp_path / "deep" / "new")
    assert done.exit_code == 0, done.stderr
    assert "cleared" in done.stdout and "170.00" in done.stdout
    out = tmp_path / "deep" / "new"
    assert {p.name for p in out.iterdir()} == {
        *("front.svg", "front.png", "transactions.csv", "clearing.json"),
    }
    assert [p.name for p in out.parent.iterdir()] == ["new"]
    with (out / "transactions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(float(row["energy_kwh"]) for row in rows) == pytest.approx(170.0)
    assert [row["seller"] for row in rows[::4]] == ["S5", "S6", "S7", "S8", "S9", "S10"]
    under = clear(*words, "--out", out / "clearing.json" / "deeper")
    assert under.exit_code == 2 and "stands under a file" in under.stderr
    again = clear(*words, "--out", out)
    assert again.exit_code == 2 and "not an empty directory" in again.stderr


def test_several_frames_need_a_name():
    done = clear(*PUBLISHED, "--mcp", 5.5)
    assert done.exit_code == 2
    for word in ("--frame", "off_peak", "normal", "peak"):
        assert word in done.stderr
    done = clear(*PUBLISHED, "--mcp", 5.5, "--frame", "nomal")
    assert done.exit_code == 2 and "nomal" in done.stderr and "off_peak" in done.stderr


def test_all_problems_of_both_files_are_listed_at_once(tmp_path):
    words = files(
        tmp_path,
        "anna,-3,2\nbinu,4,nan\nanna,5,2\n,1,1\nciya,inf,3",
        "dev,ten,6\nbinu,4,5\nelsa,4,\nfiza,1e300,4",
    )
    done = clear(*words, "--mcp", 4)
    assert done.exit_code == 2 and done.stdout == ""
    for place in (
        "s.csv: line 2 capacity_kwh: -3: is negative",
        "s.csv: line 3 offer_per_kwh: nan: is not finite",
        "s.csv: line 4 seller: anna: stands a second time",
        "s.csv: line 5 seller: (empty): has no name",
        "s.csv: line 6 capacity_kwh: inf: is not finite",
        "b.csv: line 2 demand_kwh: ten: is no number",
        "b.csv: line 3 buyer: binu: sells too",
        "b.csv: line 4 bid_per_kwh: (empty): is no number",
        "b.csv: line 5 demand_kwh: 1e300: is above 1e+12",
    ):
        assert place in done.stderr
    assert "9 problems" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["is empty"]),
        ("seler,capacity_kwh,offer_per_kwh\na,1,2\n", ["seler", "perhaps seller", "is missing"]),
        ("seller,capacity_kwh,offer_per_kwh\na,1,2,3\n", ["4 cells"]),
        ("seller,capacity_kwh,offer_per_kwh,bus,bus\na,1,2,3,3\n", ["stands twice"]),
        ('seller,capacity_kwh,offer_per_kwh\n"a,1,2\n', ["no CSV"]),
        (b"\xff\xfe\x00", ["UTF-8"]),
        (None, ["no such file"]),
    ],
)
def test_files_that_are_no_orders(content, words, tmp_path):
    given = files(tmp_path, "a,1,2", "b,1,3")
    if content is None:
        (tmp_path / "s.csv").unlink()
    else:
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "s.csv").write_bytes(raw)
    done = clear(*given, "--mcp", 2.5)
    assert done.exit_code == 2
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ["--retail", "--mcp"]),
        (("--mcp", 4, "--price-rule", "merit-order"), ["one of the two"]),
        (("--mcp", -4), ["--mcp", "-4"]),
        (("--mcp", "nan"), ["--mcp", "nan"]),
        (("--price-rule", "mid-market", "--retail", 5), ["--feed-in"]),
        (("--price-rule", "best", "--retail", 5), ["best", "merit-order", "k-double-auction"]),
        (("--price-rule", "fixed"), ["--mcp"]),
        (("--retail", 3, "--feed-in", 4), ["above the retail price"]),
        (("--mcp", 4, "--objectives", "surplus"), ["leave it out"]),
        (("--mcp", 4, "--engine", "ga"), ["ga", "nsga2, exact"]),
        (("--mcp", 4, "--choose", "best"), ["best", "demand-first", "knee"]),
        (("--mcp", 4, "--population", 1, "--generations", 0), ["--population", "--generations"]),
        (("--mcp", 4, "--hours", 12), ["--feeder"]),
        (("--mcp", 4, "--feeder", "ieee33_mv"), ["--hours", "needs a bus"]),
        (("--mcp", 4, "--feeder", "no_such", "--hours", 1), ["no_such", "ieee33_mv"]),
        (("--mcp", 4, "--seed", -1), ["--seed"]),
        (("--mcp", 4, "--frame", "day"), ["no column frame"]),
    ],
)
def test_options_that_cannot_be_met_are_explained(options, words, tmp_path):
    done = clear(*files(tmp_path, "a,4,2", "b,4,6"), *options, "--out", tmp_path / "new")
    assert done.exit_code == 2, done.output
    for word in words:
        assert word in done.stderr
    assert not (tmp_path / "new").exists()


EDGES = {
    "no sellers": ("", "b,4,6", "no-trade", 0.0),
    "no buyers": ("a,4,2", "", "no-trade", 0.0),
    "nobody": ("", "", "no-trade", 0.0),
    "zero quantities": ("a,0,2\nc,4,2", "b,0,6\nd,3,6", "cleared", 3.0),
    "all quantities zero": ("a,0,2", "b,0,6", "no-trade", 0.0),
    "offers above bids": ("a,4,9\nc,4,8", "b,4,6\nd,4,5", "no-trade", 0.0),
    "one and one": ("a,4,2", "b,3,6", "cleared", 3.0),
    "ties": ("a,4,5\nc,4,5", "b,3,5\nd,3,5", "cleared", 6.0),
    "demand far above supply": ("a,0.001,2", "b,100000,6", "cleared", 0.001),
    "supply far above demand": ("a,100000,2", "b,0.001,6", "cleared", 0.001),
    "prices of zero": ("a,4,0", "b,3,0", "cleared", 3.0),
    "huge": ("a,1e12,2", "b,1e12,6", "cleared", None),
}


@pytest.mark.parametrize("engine", ["nsga2", "exact"])
@pytest.mark.parametrize("case", EDGES)
def test_edges_have_a_right_answer(case, engine, tmp_path):
    sellers, buyers, status, traded = EDGES[case]
    words = files(tmp_path, sellers, buyers)
    found = said(*words, "--retail", 8, "--feed-in", 1, "--engine", engine, "--out", tmp_path / "o")
    assert found["status"] == status
    if traded is not None:
        assert found["traded_kwh"] == pytest.approx(traded, rel=1e-6)
    if status == "no-trade":
        assert found["mcp_per_kwh"] is None and found["front"] == []
        assert found["transactions"] == [] and found["f1"] is None
    assert (tmp_path / "o" / "front.png").stat().st_size > 1000


FEEDER = ("--feeder", "kerala_village_lv", "--hours", 6, "--mcp", 4, "--source-voltage", 1.04)
SELLERS_AT = "a,90,2,4\nc,90,2,12\nd,120,2,18"
BUYERS_AT = "b,150,6,3\ne,150,6,5"


@pytest.mark.parametrize("method", ["adaptive-capping", "constrained"])
def test_a_feeder_caps_what_it_cannot_carry(method, tmp_path):
    words = (*files(tmp_path, SELLERS_AT, BUYERS_AT, bus=True), *FEEDER)
    free = said(*words, "--method", "ignore")
    assert free["v_max_pu"] > 1.05
    held = said(*words, "--method", method)
    assert held["status"] == "cleared"
    assert held["v_max_pu"] <= 1.05 + 1e-9
    assert 0.0 < held["traded_kwh"] < free["traded_kwh"]
    if method == "adaptive-capping":
        assert held["capping"][0]["critical_buses"]
        assert set(held["capping"][-1]["caps"]) == {"a", "c", "d"}
        assert all(set(s) >= {"caps", "v_min_pu", "v_max_pu"} for s in held["capping"])


def test_the_flat_profile_is_the_power_flow_of_the_mean_power(tmp_path):
    words = (*files(tmp_path, "a,6,2,18", "b,12,6,5", bus=True), *FEEDER)
    found = said(*words)
    feeder = gridbazaar.load_feeder("kerala_village_lv").with_source_voltage(1.04)
    kw = np.zeros((1, feeder.n_buses))
    kvar = kw.copy()
    kw[0, feeder.bus_index("18")] = 1.0
    kw[0, feeder.bus_index("5")] = -2.0
    kvar[0, feeder.bus_index("5")] = -2.0 * np.tan(np.arccos(0.95))
    flow = gridbazaar.solve_power_flow(feeder, kw, kvar)
    assert found["v_max_pu"] == pytest.approx(float(flow.v_pu.max()), abs=1e-7)
    assert found["v_min_pu"] == pytest.approx(float(flow.v_pu.min()), abs=1e-7)


def test_a_base_above_the_limit_ends_with_its_status_and_exit_1(tmp_path):
    words = (*files(tmp_path, SELLERS_AT, "b,1,6,3", bus=True), *FEEDER)
    done = clear(*words, "--source-voltage", 1.07, "--json")
    assert done.exit_code == 1, done.output
    assert json.loads(done.stdout)["status"] == "infeasible-base"


@pytest.mark.parametrize("method", ["adaptive-capping", "constrained", "ignore"])
def test_loads_beyond_what_the_feeder_carries_are_told(tmp_path, method):
    words = files(tmp_path, "s,10000,3,18", "b,18000,6,18", bus=True)
    on = ("--retail", 8, "--feed-in", 2, "--feeder", "ieee33_mv", "--hours", 5, "--method", method)
    done = clear(*words, *on, "--json")
    found = json.loads(done.stdout)
    assert found["undervoltage_base"] and "no solution with these loads" in found["notes"][-1]
    if method != "ignore":
        assert done.exit_code == 1 and found["status"] == "infeasible-base"
        assert len(found["capping"]) == 1 and found["v_max_pu"] is None


def test_unknown_buses_are_listed(tmp_path):
    words = files(tmp_path, "a,4,2,4\nc,4,2,nowhere", "b,4,6,", bus=True)
    done = clear(*words, *FEEDER)
    assert done.exit_code == 2
    assert "s.csv: line 3: bus: nowhere" in done.stderr
    assert "b.csv: line 2: bus: (empty)" in done.stderr


def test_the_python_face_takes_rows_and_says_all_problems():
    sellers = [{"seller": "s", "capacity_kwh": 4, "offer_per_kwh": 3}]
    buyers = [{"buyer": "b", "demand_kwh": 2, "bid_per_kwh": 6}]
    done = gridbazaar.clear(sellers, buyers, retail=7, feed_in=2)
    assert done.clearing.traded_kwh == pytest.approx(2.0)
    assert done.as_dict()["front_collapsed"]
    with pytest.raises(OrderError) as bad:
        gridbazaar.clear(sellers, [{"buyer": "s", "demand_kwh": -2, "bid_per_kwh": 6}])
    assert len(bad.value.problems) == 3


GRID = ("--retail", 7, "--feed-in", 3)


@pytest.mark.parametrize("name", [name for name in MECHANISMS if name != "pareto"])
def test_a_frame_is_cleared_by_any_mechanism(name):
    found = said(*PUBLISHED, "--frame", "normal", "--mechanism", name, *GRID)
    assert found["mechanism"] == name and found["front"] == [] and found["engine"] is None
    sold = sum(row["sold_kwh"] for row in found["sellers"])
    assert sold == pytest.approx(sum(row["bought_kwh"] for row in found["buyers"]))
    left = sum(row["paid"] for row in found["buyers"]) - sum(
        row["received"] for row in found["sellers"]
    )
    budget = build_mechanism(ClearingRules(name)).traits.budget_balanced
    unit = 0.5e-6 * (len(found["buyers"]) + len(found["sellers"]))  # amounts are rounded to 1e-6
    assert {"strong": abs(left) < unit, "weak": left > -unit, "no": left < unit}[budget]
    exact = gridbazaar.clear(
        *(DATA / f"published_{side}.csv" for side in ("sellers", "buyers")),
        frame="normal",
        mechanism=name,
        retail=7,
        feed_in=3,
    ).clearing
    left = float(exact.paid.sum() - exact.received.sum())
    assert {"strong": abs(left) < 1e-9, "weak": left > -1e-9, "no": left < 1e-9}[budget]
    assert (found["status"] == "cleared") == (sold > 0.0) == (name != "grid-only")


@pytest.mark.parametrize("name", list(MECHANISMS))
def test_money_follows_from_pairs_transfers_and_budget(name):
    """Every sum of money can be had again from the document alone, to its six decimals."""
    room = 1e-4  # of what half a millionth of a price or of a kWh makes of a hundred of the other
    settings = ("--engine", "exact") if name == "pareto" else ()
    found = said(*PUBLISHED, "--frame", "normal", "--mechanism", name, *settings, *GRID)
    for side, price, money, sign in (
        ("seller", "price_per_kwh", "received", 1.0),
        ("buyer", "buyer_price_per_kwh", "paid", -1.0),
    ):
        for row in found[side + "s"]:
            pairs = [pair for pair in found["transactions"] if pair[side] == row[side]]
            energy = sum(pair["energy_kwh"] * pair[price] for pair in pairs)
            beside = found["transfers"].get(row[side], 0.0)
            assert row[money] == pytest.approx(energy + sign * beside, abs=room)
    left = sum(row["paid"] for row in found["buyers"])
    left -= sum(row["received"] for row in found["sellers"])
    assert found["budget"] == pytest.approx(left, abs=room)
    assert bool(found["transfers"]) == (name in ("vcg", "agv"))
    budget = build_mechanism(ClearingRules(name)).traits.budget_balanced
    assert {"strong": found["budget"] == 0.0, "weak": found["budget"] >= 0.0}.get(budget, True)


def test_people_see_the_money_of_a_mechanism(tmp_path):
    words = files(tmp_path, "s,4,3\nt,4,5", "b,4,9\nc,4,6")
    vcg = clear(*words, "--mechanism", "vcg", *GRID).output
    assert "budget: the utility bears" in vcg and "Paid beside the price of energy" in vcg
    pay = clear(*words, "--mechanism", "pay-as-bid", *GRID).output
    assert "Pairs and their prices" in pay and "5 to 5.5" in pay and "beside" not in pay
    reduced = clear(*words, "--mechanism", "trade-reduction", *GRID).output
    assert "budget: the utility keeps" in reduced and "4.00" in reduced


def test_transactions_on_file_have_prices_and_can_be_set_beside_others(tmp_path):
    words, out = files(tmp_path, "s,4,3\nt,4,5", "b,4,9\nc,4,6"), tmp_path / "out"
    done = clear(*words, "--mechanism", "trade-reduction", *GRID, "--out", out)
    assert done.exit_code == 0, done.output
    head, row = (out / "transactions.csv").read_text().splitlines()
    assert head == "seller,buyer,energy_kwh,price_per_kwh,buyer_price_per_kwh"
    assert row == "s,b,4.0,5.0,6.0"
    found = said(*words, "--mcp", 5, "--published", out / "transactions.csv")
    assert found["published"]["traded_kwh"] == 4.0


def test_what_another_mechanism_needs_or_does_not_know_is_said():
    words = (*PUBLISHED, "--frame", "normal", "--mechanism")
    for more, told in (
        (("vgc", *GRID), "use one of pareto, optimum"),
        (("vcg",), "vcg needs it"),
        (("vcg", *GRID, "--engine", "exact"), "has no effect on the mechanism vcg"),
        (("vcg", *GRID, "--mcp", 5), "has no effect on the mechanism vcg"),
        (("vcg", *GRID, "--method", "constrained"), "needs a mechanism with a search"),
        (("supply-demand-ratio", "--retail", 7, "--feed-in", 0), "use mid-market-rate"),
    ):
        done = clear(*words, *more)
        assert done.exit_code == 2 and told in " ".join(done.stderr.split()), more
