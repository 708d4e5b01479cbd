"""Every tariff and every regulator's rules run, and their books close to the minor unit."""

import numpy as np
import pytest

from gridbazaar.analysis.audit import audit_run
from gridbazaar.market.tariff_presets import preset_names
from gridbazaar.sim.bill_table import bill_lines_frame, bills_frame, utility_frame
from gridbazaar.sim.build import build_world, load_checked
from gridbazaar.sim.results import read_results
from gridbazaar.sim.run import run_scenario
from gridbazaar.sim.simulation import Simulation

ONE_DAY = ["days=1", "market.engine=exact"]
DAY_AHEAD = "gate_closure_minutes=1440"  # early enough for every shipped preset of rules


def simulated(*overrides: str) -> Simulation:
    simulation = Simulation(build_world(load_checked("kerala-village", [*ONE_DAY, *overrides])))
    while simulation.next_frame is not None:
        simulation.step()
    simulation.release()
    return simulation


@pytest.mark.parametrize(
    ("tariff", "rules"),
    [(tariff, "none") for tariff in preset_names()]
    + [("simple", rules) for rules in preset_names("rules") if rules != "none"]
    + [("kseb-2025", "delhi-2024")],
)
def test_every_preset_runs_and_its_books_close(tariff, rules):
    simulation = simulated(f"tariff={tariff}", f"settlement.rules={rules}", DAY_AHEAD)
    world = simulation.world
    assert (world.tariff.name, world.tariff.rules) == (tariff, rules)
    ledger, (month,) = simulation.with_market.state.ledger, simulation.with_market.state.bills
    assert ledger.problems() == []
    columns = ledger.columns()
    assert (columns["purpose"] == "p2p_energy").any()

    # Every account's balance is its postings', and all together are nothing.
    accounts = sorted({*columns["payer"].tolist(), *columns["payee"].tolist()})
    got = {
        name: int(columns["amount_minor"][columns["payee"] == name].sum())
        - int(columns["amount_minor"][columns["payer"] == name].sum())
        for name in accounts
    }
    assert sum(got.values()) == 0
    owed = [-got.get(name, 0) for name in world.members.names]
    assert month.market.total_minor.tolist() == owed

    # The three tables say the same, to the minor unit.
    bills, without = [month], simulation.without_market.state.bills
    table, lines = bills_frame(world, bills, without), bill_lines_frame(world, bills)
    summed = lines.groupby("prosumer").amount.sum().reindex(table.prosumer, fill_value=0.0)
    assert np.rint(100 * summed.to_numpy()).tolist() == month.market.total_minor.tolist()
    utility = utility_frame(bills, without).set_index("case")
    assert round(100 * utility.net["market"]) == got["utility"]
    assert utility.net["difference"] == pytest.approx(
        utility.net["market"] - utility.net["no-p2p"], abs=1e-9
    )
    # Without trade there is no network income, and nothing that a platform earns.
    assert utility.network_income["no-p2p"] == utility.network_income["same-meter"] == 0.0
    # Whatever comes into the market's clearing account leaves it again.
    assert got["clearing"] == 0


@pytest.fixture(scope="module")
def over_the_settlement_year(tmp_path_factory):
    """Forty days of net metering from mid-March: banking, the year's end, two prorated months."""
    out = tmp_path_factory.mktemp("banking") / "out"
    overrides = ["start=2026-03-12", "days=40", "market.engine=exact", "tariff=kseb-2025"]
    return run_scenario("kerala-village", overrides, out=out)


def test_a_run_over_two_months_prorates_and_says_so(over_the_settlement_year):
    bills = over_the_settlement_year.bills
    notes = bills.groupby("month").note.unique()
    assert notes["2026-03"].tolist() == ["prorated: 20.00 of 31 days"]
    assert notes["2026-04"].tolist() == ["prorated: 20.00 of 30 days"]
    assert bills.groupby("month").month_share.first().tolist() == [20 / 31, 20 / 30]
    fixed = over_the_settlement_year.bill_lines.query("line == 'fixed_charge'")
    assert fixed.text.str.contains("prorated: 20.00 of").all()
    whole = {50.0, 85.0, 105.0, 140.0, 160.0, 220.0, 240.0, 260.0, 286.0, 310.0}
    march = {round(charge * 20 / 31, 2) for charge in whole}
    assert set(fixed[fixed.month == "2026-03"].amount) <= march


def test_the_bank_is_paid_out_at_the_end_of_the_settlement_year(over_the_settlement_year):
    bills = over_the_settlement_year.bills
    march, april = (bills[bills.month == month] for month in ("2026-03", "2026-04"))
    assert (march.bank_payout < 0.0).sum() >= 3
    assert (march.bank_kwh == 0.0).all()
    assert (april.bank_payout == 0.0).all()
    assert (april.bank_kwh > 0.0).any()
    paid = over_the_settlement_year.bill_lines.query("line == 'bank_payout'")
    assert set(paid.month) == {"2026-03"}
    assert (paid.rate_per_kwh == 3.26).all()


def test_the_audit_accepts_banking_over_two_months(over_the_settlement_year):
    failed = [check for check in audit_run(over_the_settlement_year.path).checks if not check.ok]
    assert failed == []


def test_the_money_tables_are_on_file_and_agree(over_the_settlement_year):
    results = read_results(over_the_settlement_year.path)
    totals = results.bills.set_index(["month", "prosumer"]).total
    lines = results.bill_lines.groupby(["month", "prosumer"]).amount.sum()
    assert np.rint(100 * lines.reindex(totals.index).to_numpy()).tolist() == (
        np.rint(100 * totals.to_numpy()).tolist()
    )
    ledger, utility = results.ledger, results.utility
    got = ledger[ledger.payee == "utility"].amount_minor.sum()
    paid = ledger[ledger.payer == "utility"].amount_minor.sum()
    assert round(100 * utility[utility.case == "market"].net.sum()) == got - paid
    drawn = results.network.substation_kw.sum() * 0.25
    assert utility[utility.case == "market"].bulk_purchase_kwh.sum() == pytest.approx(drawn)


def test_three_phase_homes_pay_their_own_fixed_charge(tmp_path):
    overrides = [*ONE_DAY, "tariff=kseb-2025", "members.generate.three_phase_share=0.2"]
    run = run_scenario("kerala-village", overrides, out=tmp_path / "out")
    three = run.members.set_index("prosumer").three_phase
    assert three.sum() == round(0.2 * len(three))
    # By slab of the public tariff: single | three phase, a thirtieth of it for one day.
    single_charge = (50, 85, 105, 140, 160, 220, 240, 260, 286, 310)
    three_charge = (130, 175, 205, 215, 235, 240, 250, 260, 285, 310)
    fixed = run.bill_lines.query("line == 'fixed_charge'").set_index("prosumer")
    assert len(fixed) == len(three)
    for home, line in fixed.iterrows():
        charges = three_charge if three[home] else single_charge
        assert line.amount == pytest.approx(charges[line.slab - 1] / 30, abs=0.005001)
    # The counterfactuals have the same connections: with the same slab nothing is "saved".
    plain = simulated("tariff=kseb-2025")
    bills = bills_frame(
        plain.world, plain.with_market.state.bills, plain.without_market.state.bills
    ).set_index("prosumer")
    same = run.bills.set_index("prosumer")
    assert (same.saving - bills.saving)[~three].abs().max() == 0.0
    assert ((same.no_pv_total - bills.no_pv_total)[three] != 0.0).any()


def test_systems_above_the_limit_of_the_rules_are_left_out_of_the_market(tmp_path):
    run = run_scenario("kerala-village", [*ONE_DAY, "tariff.p2p_max_kw=4"], out=tmp_path / "out")
    members = run.members.set_index("prosumer")
    large = members.index[members.pv_kwp > 4.0]
    assert 3 <= len(large) < (members.pv_kwp > 0.0).sum()
    assert run.manifest["left_out_of_trade"] == list(large)
    assert not run.orders.prosumer.isin(large).any()
    positions = run.positions.set_index("prosumer")
    assert (positions.sold_kwh > 0.0).any()
    out = positions.loc[large]
    assert (out.sold_kwh == 0.0).all() and (out.bought_kwh == 0.0).all()
    # They remain customers: what they have to spare goes to the grid, within the envelope.
    assert out.grid_export_scheduled_kwh.sum() > 1.0
    bills = run.bills.set_index("prosumer").loc[large]
    assert (bills.saving_price_effect == 0.0).all()


def test_where_no_seller_may_trade_the_bills_are_those_without_a_market(tmp_path):
    run = run_scenario("kerala-village", [*ONE_DAY, "tariff.p2p_max_kw=0.5"], out=tmp_path / "out")
    assert run.frames.traded_kwh.sum() == 0.0
    assert run.bills.total.tolist() == run.bills.no_p2p_total.tolist()
    assert (run.bills.saving == 0.0).all()
