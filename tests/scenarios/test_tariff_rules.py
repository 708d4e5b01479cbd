"""What a tariff and a regulator's rules ask of a scenario, said before a run starts."""

import re

import pytest

from gridbazaar.scenarios.feeders import scenario_feeder
from gridbazaar.scenarios.load import ScenarioError, load_scenario
from gridbazaar.scenarios.members import generate_members
from gridbazaar.scenarios.tariffs import scenario_tariff, tariff_notes


@pytest.mark.parametrize(
    ("rules", "ahead"), [("delhi-2024", 120), ("up-2023", 1440), ("karnataka-draft-2024", 0)]
)
def test_a_gate_that_closes_too_late_for_the_rules_is_refused(rules, ahead):
    kept = [f"settlement.rules={rules}", f"gate_closure_minutes={ahead}"]
    tariff = scenario_tariff(load_scenario("kerala-village", kept))
    assert (tariff.rules, tariff.schedule_ahead_minutes) == (rules, ahead)
    if ahead:
        late = [f"settlement.rules={rules}", f"gate_closure_minutes={ahead - 15}"]
        with pytest.raises(ScenarioError) as error:
            load_scenario("kerala-village", late)
        assert error.value.problems == [
            f"kerala-village.yaml: gate_closure_minutes: {ahead - 15}: the rules {rules} want "
            f"schedules {ahead} min ahead of delivery: give {ahead} or more"
        ]


def test_a_schedule_further_ahead_than_any_gate_is_refused_with_another_remedy():
    with pytest.raises(ScenarioError, match="choose other rules"):
        load_scenario(
            "kerala-village",
            ["tariff={preset: simple, schedule_ahead_minutes: 2880}", "gate_closure_minutes=1440"],
        )


@pytest.mark.parametrize(
    ("overrides", "path"),
    [
        (["tariff=kseb-2025", "settlement.imbalance=single"], "settlement.imbalance"),
        (["tariff={preset: kseb-2025, imbalance: {price: single}}"], "tariff.imbalance.price"),
    ],
)
def test_a_single_imbalance_price_is_refused_where_units_are_netted_by_month(overrides, path):
    with pytest.raises(ScenarioError) as error:
        load_scenario("kerala-village", overrides)
    (problem,) = error.value.problems
    assert problem.startswith(
        f"kerala-village.yaml: {path}: single: the tariff kseb-2025 nets by month"
    )
    assert problem.endswith("write dual, or choose a tariff that nets by frame or interval")
    for netting in ("frame", "interval"):
        tariff = f"tariff={{preset: simple, netting: {netting}, imbalance: {{price: single}}}}"
        assert load_scenario("kerala-village", [tariff])


def test_a_penalty_that_the_rules_waive_is_refused():
    day_ahead = ["settlement.rules=up-2023", "gate_closure_minutes=1440"]
    with pytest.raises(ScenarioError) as error:
        load_scenario("kerala-village", [*day_ahead, "settlement.penalty_factor=0.2"])
    assert error.value.problems == [
        "kerala-village.yaml: settlement.penalty_factor: 0.2: the rules up-2023 waive every "
        "penalty: it would do nothing: leave it out, or choose other rules"
    ]
    assert load_scenario("kerala-village", [*day_ahead, "settlement.penalty_factor=0"])


def test_no_rules_are_not_the_rules_called_none():
    plain = scenario_tariff(load_scenario("kerala-village"))
    bare = scenario_tariff(load_scenario("kerala-village", ["settlement.rules=none"]))
    assert (plain.rules, plain.network_charge_per_kwh) == (None, 0.31)
    assert (bare.rules, bare.network_charge_per_kwh) == ("none", 0.0)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([], ()),
        (["start=2025-03-31", "days=1"], ("tariff simple applies 2025-04-01 to 2027-03-31",)),
        (["start=2025-04-01", "days=1"], ()),
        (["start=2027-03-31", "days=1"], ()),
        (["start=2027-03-31", "days=2"], ("tariff simple applies 2025-04-01 to 2027-03-31",)),
        (
            ["start=2027-05-01", "settlement.rules=delhi-2024", "gate_closure_minutes=120"],
            (
                "tariff simple applies 2025-04-01 to 2027-03-31",
                "rules delhi-2024 applies until 2027-03-31",
            ),
        ),
        (["tariff=report", "start=2030-01-01"], ()),
        (["tariff=simple", "settlement.rules=delhi-2024", "gate_closure_minutes=120"], ()),
        (
            ["tariff=kseb-2025", "settlement.rules=delhi-2024", "gate_closure_minutes=120"],
            ("rules delhi-2024: a member may have one arrangement at a time, net metering or P2P",),
        ),
    ],
)
def test_days_outside_a_tariff_are_noted_and_no_error(overrides, said):
    notes = tariff_notes(load_scenario("kerala-village", overrides))
    assert tuple(note.partition(";")[0] for note in notes) == said


def test_rules_take_over_the_facts_that_they_replace():
    tariff = scenario_tariff(
        load_scenario("kerala-village", ["settlement.rules=delhi-2024", "gate_closure_minutes=120"])
    )
    assert tariff.network_charge_per_kwh == 0.0
    assert not [fact for fact in tariff.unconfirmed if fact.startswith("network_charge")]
    plain = scenario_tariff(load_scenario("kerala-village"))
    assert [fact for fact in plain.unconfirmed if fact.startswith("network_charge")]


@pytest.fixture
def listed(tmp_path, village_text):
    """A village whose members stand in m.csv; the function writes the CSV and loads it."""
    start, end = village_text.index("  generate:"), village_text.index("profiles:")
    (tmp_path / "v.yaml").write_text(
        village_text[:start] + "  file: m.csv\n\n" + village_text[end:]
    )
    generated = load_scenario("kerala-village")
    feeder = scenario_feeder(generated)
    bus = feeder.bus_names[generate_members(generated, feeder).bus[0]]

    def load(csv: str, *overrides: str):
        (tmp_path / "m.csv").write_text(re.sub(r"\bBUS\b", bus, csv))
        scenario = load_scenario(tmp_path / "v.yaml", overrides)
        return generate_members(scenario, scenario_feeder(scenario))

    return load


def test_phases_of_a_members_file(listed):
    members = listed("member,bus,pv_kwp,phases\nanna,BUS,3,3\nbinu,BUS,,1\nchitra,BUS,,\n")
    assert members.three_phase.tolist() == [True, False, False]
    assert not listed("member,bus\nanna,BUS\n").three_phase.any()


def test_another_number_of_phases_is_refused(listed):
    with pytest.raises(ScenarioError) as error:
        listed("member,bus,phases\nanna,BUS,2\nbinu,BUS,three\n")
    assert [p.split(": ", 1)[1] for p in error.value.problems] == [
        "line 2 phases: 2: is no number of phases of a home's connection: give 1 or 3",
        "line 3 phases: three: is no number of phases of a home's connection: give 1 or 3",
    ]


def test_a_tariff_by_system_size_needs_the_sizes(listed):
    with pytest.raises(ScenarioError, match=r"m\.csv: line 1: pv_kwp: is missing.*kseb-2025"):
        listed("member,bus\nanna,BUS\n", "tariff=kseb-2025")
    assert len(listed("member,bus,pv_kwp\nanna,BUS,\n", "tariff=kseb-2025")) == 1
    assert len(listed("member,bus\nanna,BUS\n", "tariff=kseb-older")) == 1


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_share_of_three_phase_homes_is_met_exactly_and_moves_nothing_else(share):
    scenario = load_scenario("kerala-village", [f"members.generate.three_phase_share={share}"])
    feeder = scenario_feeder(scenario)
    members = generate_members(scenario, feeder)
    assert members.three_phase.sum() == int(share * len(members) + 0.5)
    plain = generate_members(load_scenario("kerala-village"), feeder)
    assert members.pv_kwp.tolist() == plain.pv_kwp.tolist()
    assert members.bid_margin_per_kwh.tolist() == plain.bid_margin_per_kwh.tolist()
