import copy
import math
from dataclasses import FrozenInstanceError
from datetime import date

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.market.tariff import Imbalance, TariffError
from gridbazaar.market.tariff_presets import preset_file, preset_names
from gridbazaar.market.tariff_reading import rules_from_dict, tariff_from_dict
from gridbazaar.market.tariff_rules import lay_rules
from gridbazaar.market.tod import ToDFrame, clock, coverage_problems

GOOD = {
    "name": "good",
    "source": "made up",
    "currency": "INR",
    "reference_rate_per_kwh": 6.75,
    "feed_in_per_kwh": 3.15,
    "bulk_price_per_kwh": 3.15,
    "frames": [
        {"name": "day", "start": "06:00", "end": "18:00", "multiplier": 0.9},
        {"name": "night", "start": "18:00", "end": "06:00", "multiplier": 1.1},
    ],
}


def read(name):
    return yaml.safe_load(preset_file(name).read_text(encoding="utf-8"))


def problems_of(changes, build=tariff_from_dict, base=GOOD):
    data = {**copy.deepcopy(base), **changes}
    with pytest.raises(TariffError) as error:
        build({k: v for k, v in data.items() if v is not ...}, "t.yaml")
    for problem in error.value.problems:
        assert problem.startswith("t.yaml: "), problem
        assert len(problem.split(": ")) >= 5, problem
    return error.value.problems


@pytest.mark.parametrize("name", preset_names())
def test_every_shipped_tariff_is_sound_and_says_where_it_comes_from(name):
    tariff = tariff_from_dict(read(name), name)
    assert tariff.name == name
    assert len(tariff.source) > 20
    assert tariff.title and tariff.currency == "INR"
    assert sum(frame.minutes for frame in tariff.frames) == 1440
    assert coverage_problems(tariff.frames) == []
    assert tariff.unconfirmed
    for frame in tariff.frames:
        assert tariff.retail_per_kwh(frame.name) > tariff.feed_in_per_kwh
        assert tariff.retail_per_kwh(frame.name) == pytest.approx(
            tariff.reference_rate_per_kwh * frame.multiplier
        )
    assert tariff.interval_problems(15) == []


@pytest.mark.parametrize("name", preset_names("rules"))
def test_every_rule_preset_lies_over_every_tariff(name):
    rules = rules_from_dict(read(name), name)
    assert rules.name == name
    for base in preset_names():
        tariff = tariff_from_dict(read(base), base)
        under = tariff_from_dict(lay_rules(read(base), read(name), name), base)
        assert under.rules == name
        assert under.frames == tariff.frames
        assert set(rules.unconfirmed) <= set(under.unconfirmed)
        assert under.transaction_charge_per_kwh == rules.transaction_charge_per_kwh


def test_the_shipped_presets_are_those_promised():
    assert preset_names() == ("kseb-2025", "kseb-older", "report", "simple")
    assert preset_names("rules") == ("delhi-2024", "karnataka-draft-2024", "none", "up-2023")


def test_facts_of_the_rule_presets():
    delhi = rules_from_dict(read("delhi-2024"), "delhi")
    assert (delhi.transaction_charge_per_kwh, delhi.seller_share) == (0.42, 0.5)
    assert (delhi.network_charge_per_kwh, delhi.p2p_max_kw) == (0.0, 200.0)
    assert delhi.schedule_ahead_minutes == 8 * 15
    assert rules_from_dict(read("up-2023"), "up").imbalance.factor == 0.0
    assert read("simple")["network_charge_per_kwh"] == 0.31
    network = {
        name: tariff_from_dict(lay_rules(read("simple"), read(name), name), name)
        for name in preset_names("rules")
    }
    assert {name: under.network_charge_per_kwh for name, under in network.items()} == {
        **{"delhi-2024": 0.0, "none": 0.0},
        **{"karnataka-draft-2024": 0.31, "up-2023": 0.31},
    }


@pytest.mark.parametrize("other", ["off-peak", "off_peak"])
def test_frames_whose_columns_would_be_one_are_refused(other):
    frames = copy.deepcopy(GOOD["frames"])
    frames[0]["name"], frames[1]["name"] = "off peak", other
    (problem,) = problems_of({"frames": frames})
    assert "has the same column in tables as 'off peak' (billed_off_peak_kwh)" in problem


@pytest.mark.parametrize(
    "key",
    [
        *("reference_rate_per_kwh", "feed_in_per_kwh", "bulk_price_per_kwh"),
        *("network_charge_per_kwh", "transaction_charge_per_kwh", "tod_above_kwh"),
    ],
)
def test_a_number_that_money_could_not_hold_is_refused(key):
    problems = problems_of({key: 1e300})
    assert f"t.yaml: {key}: 1e+300: is too large: write a number of at most 1,000,000" in problems
    assert not [p for p in problems_of({key: True}) if "too large" in p]


def test_a_feed_in_price_far_below_zero_is_refused_too():
    (problem,) = problems_of({"feed_in_per_kwh": -1e300})
    assert problem.endswith("is too small: write a number of at least -1,000,000")


def test_report_is_cheapest_at_night_and_kerala_by_day():
    for name, cheapest in (
        ("report", "off-peak"),
        ("simple", "normal"),
        ("kseb-older", "off-peak"),
    ):
        tariff = tariff_from_dict(read(name), name)
        assert min(tariff.frame_names, key=tariff.retail_per_kwh) == cheapest


def test_an_unknown_preset_is_answered_with_the_known_ones():
    with pytest.raises(TariffError, match=r"kseb-2026.*kseb-2025.*delhi-2024"):
        preset_file("kseb-2026")


def test_a_tariff_is_frozen_and_in_the_order_of_the_market_day():
    shuffled = {**GOOD, "frames": GOOD["frames"][::-1]}
    tariff = tariff_from_dict(shuffled, "t.yaml")
    assert tariff.frame_names == ("day", "night")
    assert tariff.day_start_minute == 360
    assert [frame.minutes for frame in tariff.frames] == [720, 720]
    with pytest.raises(FrozenInstanceError):
        tariff.feed_in_per_kwh = 0.0


def test_an_unknown_frame_is_answered_with_the_known_ones():
    tariff = tariff_from_dict(GOOD, "t.yaml")
    with pytest.raises(KeyError, match="use one of day, night"):
        tariff.retail_per_kwh("noon")


def test_a_negative_feed_in_is_allowed():
    assert tariff_from_dict({**GOOD, "feed_in_per_kwh": -0.5}, "t").feed_in_per_kwh == -0.5


def test_times_may_be_text_or_what_yaml_makes_of_them():
    assert yaml.safe_load("18:00") == 1080
    frames = [
        {"name": "day", "start": "06:00", "end": 1080},
        {"name": "night", "start": 1080, "end": "06:00"},
    ]
    tariff = tariff_from_dict({**GOOD, "frames": frames}, "t.yaml")
    assert [frame.minutes for frame in tariff.frames] == [720, 720]


def test_null_drops_a_key_of_a_preset():
    by_frame = {"netting": "frame", "metering": None, "banking": None, "grid_support": None}
    tariff = tariff_from_dict({**read("kseb-2025"), **by_frame, "rules": "mine"}, "t.yaml")
    assert (tariff.metering, tariff.banking, tariff.rules) == ("net-billing", None, "mine")
    problems = problems_of({"netting": "frame"}, base=read("kseb-2025"))
    places = [problem.split(": ")[1] for problem in problems]
    assert places == ["metering", "banking", "grid_support"]


def test_dates():
    tariff = tariff_from_dict({**GOOD, "valid_from": "2025-04-01"}, "t.yaml")
    assert tariff.valid_from == date(2025, 4, 1)
    assert tariff.dated == "2025-04-01 to ..."
    assert tariff_from_dict(GOOD, "t.yaml").dated == "undated"
    assert "valid_to" in problems_of({"valid_from": "2025-04-01", "valid_to": "2024-01-01"})[0]


FLAT = [{"name": "a", "start": "00:00", "end": "24:00"}]
SLAB = {"up_to_kwh": 50, "rate_per_kwh": 3}


@pytest.mark.parametrize(
    ("changes", "path", "says"),
    [
        ({"frames": [{"name": "a", "start": "06:00", "end": "18:00"}]}, "frames", "no frame"),
        (
            {
                "frames": [
                    {"name": "a", "start": "06:00", "end": "18:00"},
                    {"name": "b", "start": "17:00", "end": "06:00"},
                ]
            },
            "frames",
            "17:00-18:00 belongs to several frames (a, b)",
        ),
        ({"frames": FLAT * 2}, "frames", "names several frames"),
        ({"frames": []}, "frames", "missing or empty"),
        ({"frames": [{**FLAT[0], "end": "25:00"}]}, "frames[0].end", "not a time of day"),
        ({"frames": [{**FLAT[0], "multiplier": 0}]}, "frames[0].multiplier", "too small"),
        ({"frames": "06-18"}, "frames", "not a list"),
        ({"frames": ["06-18"]}, "frames[0]", "not a mapping"),
        ({"retail": 3}, "retail", "unknown key"),
        ({"name": ...}, "name", "is missing"),
        ({"name": 7}, "name", "not text"),
        ({"reference_rate_per_kwh": "6,75"}, "reference_rate_per_kwh", "not a number"),
        ({"reference_rate_per_kwh": True}, "reference_rate_per_kwh", "not a number"),
        ({"reference_rate_per_kwh": math.nan}, "reference_rate_per_kwh", "not finite"),
        ({"reference_rate_per_kwh": -1}, "reference_rate_per_kwh", "negative"),
        ({"bulk_price_per_kwh": -1}, "bulk_price_per_kwh", "negative"),
        ({"network_charge_per_kwh": -0.1}, "network_charge_per_kwh", "negative"),
        ({"transaction_charge_per_kwh": -0.1}, "transaction_charge_per_kwh", "negative"),
        ({"seller_share": 1.2}, "seller_share", "too large"),
        ({"feed_in_per_kwh": 7}, "feed_in_per_kwh", "above retail"),
        ({"netting": "week"}, "netting", "unknown"),
        ({"netting": "month", "metering": "net-billing"}, "metering", "does not go with"),
        ({"netting": "frame", "metering": "net-metering"}, "metering", "does not go with"),
        ({"banking": {"payout_per_kwh": 3}}, "banking", "is not used"),
        (
            {"netting": "month", "banking": {"payout_per_kwh": 3, "year_starts_month": 13}},
            "banking.year_starts_month",
            "whole number",
        ),
        ({"minor_per_major": 0}, "minor_per_major", "whole number"),
        ({"imbalance": {"penalty_factor": -1}}, "imbalance.penalty_factor", "negative"),
        ({"imbalance": {"waived": "yes"}}, "imbalance.waived", "neither true nor false"),
        ({"imbalance": 3}, "imbalance", "not a mapping"),
        ({"unconfirmed": [{"a": "b"}]}, "unconfirmed", "not a list of texts"),
        ({"valid_from": "soon"}, "valid_from", "not a date"),
        ({"slabs": [{**SLAB, "rate_per_kwh": -1}, {"rate_per_kwh": 4}]}, "slabs[0]", "negative"),
        (
            {"slabs": [{**SLAB, "up_to_kwh": 90}, SLAB, {"rate_per_kwh": 4}]},
            "slabs[1]",
            "not above",
        ),
        ({"slabs": [SLAB]}, "slabs[0].up_to_kwh", "ends the last slab"),
        ({"slabs": [SLAB], "all_units": [{**SLAB}, {"rate_per_kwh": 4}]}, "all_units[0]", "above"),
        (
            {"slabs": [{"rate_per_kwh": 3}], "all_units": [{"rate_per_kwh": 4}]},
            "slabs[0]",
            "missing",
        ),
        ({"all_units": [{"rate_per_kwh": 4}]}, "all_units", "no slabs below"),
        (
            {"slabs": [{"rate_per_kwh": 3}], "fixed_charge_per_month": {"single": 5}},
            "fixed_charge_per_month",
            "beside slabs",
        ),
        (
            {
                "netting": "month",
                "grid_support": {
                    "above_kw": 10,
                    "frames": ["noon"],
                    "blocks": [{"rate_per_kwh": 1}],
                },
            },
            "grid_support.frames",
            "lacks",
        ),
        (
            {"netting": "month", "grid_support": {"above_kw": 10, "frames": ["day"]}},
            "grid_support.blocks",
            "missing or empty",
        ),
    ],
)
def test_each_mistake_is_named_with_its_place(changes, path, says):
    problems = problems_of(changes)
    assert any(f": {path}" in problem and says in problem for problem in problems), problems


def test_all_problems_come_at_once():
    problems = problems_of(
        {"bulk_price_per_kwh": -1, "seller_share": 2, "oops": 1, "netting": "never", "source": ...}
    )
    assert len(problems) == 5


def test_rules_are_checked_too():
    base = {"kind": "rules", "name": "r", "source": "s"}
    assert "kind" in problems_of({"kind": "tariff"}, rules_from_dict, base)[0]
    assert "unknown key" in problems_of({"frames": []}, rules_from_dict, base)[0]
    assert "source" in problems_of({"source": ...}, rules_from_dict, base)[0]
    problems = problems_of({"kind": "rules"})
    assert "kind" in problems[0]


def test_anything_but_a_mapping_is_refused():
    with pytest.raises(TariffError, match="not a mapping"):
        tariff_from_dict([1, 2], "t.yaml")


def test_what_a_tariff_needs_is_said():
    assert tariff_from_dict(GOOD, "t").needs == ()
    assert "interval" in tariff_from_dict({**GOOD, "netting": "interval"}, "t").needs[0]
    assert "gross" in tariff_from_dict({**GOOD, "metering": "gross-metering"}, "t").needs[0]
    kerala = tariff_from_dict(read("kseb-2025"), "k")
    assert kerala.needs == ("size of each member's PV system in kW",)
    assert kerala.banking.last_month == 3


def test_frames_must_hold_whole_intervals():
    frames = [
        {"name": "a", "start": "06:10", "end": "18:00"},
        {"name": "b", "start": "18:00", "end": "06:10"},
    ]
    tariff = tariff_from_dict({**GOOD, "frames": frames}, "t")
    assert len(tariff.interval_problems(15)) == 2
    assert tariff.interval_problems(5) == []


def test_a_waived_penalty_is_none():
    assert Imbalance(penalty_factor=0.3).factor == 0.3
    assert Imbalance(penalty_factor=0.3, waived=True).factor == 0.0


@settings(deadline=None, max_examples=100)
@given(st.sets(st.integers(0, 1439), min_size=1, max_size=12), st.data())
def test_any_cut_of_the_day_covers_it_once_and_any_missing_piece_is_noticed(cuts, data):
    edges = sorted(cuts)
    frames = [
        ToDFrame(f"f{k}", start, edges[(k + 1) % len(edges)] or 1440)
        for k, start in enumerate(edges)
    ]
    assert coverage_problems(frames) == []
    assert sum(frame.minutes for frame in frames) == 1440
    lost = data.draw(st.sampled_from(frames))
    kept = [frame for frame in frames if frame is not lost]
    assert any("no frame" in problem for problem in coverage_problems(kept))
    assert any("several" in problem for problem in coverage_problems([*frames, lost]))
    assert all(sum(frame.holds(minute) for frame in frames) == 1 for minute in (0, 361, 1439))


def test_clock_reads_as_people_do():
    assert clock(0) == "00:00" and clock(1440) == "24:00"
    assert ToDFrame("off-peak", 1320, 360).clock == "22:00-06:00"
