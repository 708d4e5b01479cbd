import pickle
from pathlib import Path

import pytest
import yaml

from gridbazaar.scenarios.load import ScenarioError, load_scenario
from gridbazaar.scenarios.names import known_names
from gridbazaar.scenarios.schema import Scenario
from gridbazaar.scenarios.shipped import scenario_names
from gridbazaar.scenarios.tariffs import scenario_tariff, tariff_data


@pytest.mark.parametrize("name", scenario_names())
def test_shipped_scenarios_load_and_describe_themselves(name):
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.description
    assert scenario.schema_version == 1
    assert scenario.days == 30


def test_a_dumped_scenario_loads_to_the_same(tmp_path):
    scenario = load_scenario("kerala-village", ["days=3", "market.engine=exact"])
    path = tmp_path / "copy.yaml"
    path.write_text(yaml.safe_dump(scenario.model_dump(mode="json", exclude_none=True)))
    # JSON knows no dates: YAML writes the text in quotes, and the loader must still take it.
    assert load_scenario(path).model_dump() == scenario.model_dump()


def test_overrides_reach_every_kind_of_place():
    scenario = load_scenario(
        "kerala-village",
        [
            "days=7",
            "start=2025-12-01",
            "members.generate.pv_kwp=[1, 2]",
            "battery.wear_cost_per_kwh=1e-1",
            "tariff.feed_in_per_kwh=2.5",
            "tariff.frames.peak.multiplier=1.5",
            "settlement.rules=delhi-2024",
            "gate_closure_minutes=120",
            "settlement.penalty_factor=0.25",
        ],
    )
    assert (scenario.days, scenario.start.month) == (7, 12)
    assert scenario.members.generate.pv_kwp == (1.0, 2.0)
    assert scenario.battery.wear_cost_per_kwh == 0.1
    tariff = scenario_tariff(scenario)
    assert tariff.feed_in_per_kwh == 2.5
    assert tariff.frames[tariff.frame_index("peak")].multiplier == 1.5
    assert tariff.frames[tariff.frame_index("normal")].multiplier == 0.9
    assert tariff.transaction_charge_per_kwh == 0.42
    assert tariff.imbalance.penalty_factor == 0.25


def test_without_changes_the_tariff_is_the_preset():
    data = tariff_data(load_scenario("kerala-village"))
    assert data["name"] == "simple"
    assert data["reference_rate_per_kwh"] == 6.75


def test_a_scenario_is_final_and_survives_pickling():
    scenario = load_scenario("kerala-village")
    with pytest.raises(ValueError, match="frozen"):
        scenario.days = 3
    copy = pickle.loads(pickle.dumps(scenario))
    assert copy == scenario
    assert copy.folder == scenario.folder


def test_files_are_relative_to_the_scenario_and_stay_in_its_folder(tmp_path, village_text):
    (tmp_path / "study").mkdir()
    own = tmp_path / "study" / "own.yaml"
    (tmp_path / "t.yaml").write_text(
        "name: t\nsource: me\nreference_rate_per_kwh: 5\nfeed_in_per_kwh: 2\n"
        "bulk_price_per_kwh: 3\nframes: [{name: day, start: '00:00', end: '24:00'}]\n"
    )
    text = village_text.replace("tariff: simple", "tariff: ../t.yaml")
    own.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(own)
    assert "leads out of the scenario's folder" in caught.value.problems[0]
    own.write_text(text + "allow_outside_files: true\n")
    assert scenario_tariff(load_scenario(own)).name == "t"
    (tmp_path / "study" / "t.yaml").write_bytes((tmp_path / "t.yaml").read_bytes())
    own.write_text(text.replace("../t.yaml", "t.yaml"))
    assert scenario_tariff(load_scenario(own)).name == "t"


def test_a_link_out_of_the_folder_is_out_of_the_folder(tmp_path, village_text):
    (tmp_path / "study").mkdir()
    (tmp_path / "secret.yaml").write_text("name: s")
    (tmp_path / "study" / "t.yaml").symlink_to(tmp_path / "secret.yaml")
    own = tmp_path / "study" / "own.yaml"
    own.write_text(village_text.replace("tariff: simple", "tariff: t.yaml"))
    with pytest.raises(ScenarioError, match="leads out"):
        load_scenario(own)


def test_the_json_schema_lists_names_units_and_refuses_unknown_keys():
    schema = Scenario.model_json_schema()
    assert schema["additionalProperties"] is False
    market = schema["$defs"]["MarketSection"]["properties"]
    assert market["price_rule"]["enum"] == list(known_names("PRICE_RULES"))
    assert "[h]" in schema["$defs"]["GenerateSection"]["properties"]["battery_hours"]["description"]
    undescribed = [
        f"{section}.{key}"
        for section, part in [("top", schema), *schema["$defs"].items()]
        for key, value in part["properties"].items()
        if not value.get("description") and "$ref" not in value
    ]
    assert undescribed == []


def test_market_defaults_are_the_clearing_rules_defaults():
    from gridbazaar.market.mechanism import ClearingRules

    market, rules = load_scenario("kerala-village").market, ClearingRules()
    names = {"fixed_price": "fixed_price_per_kwh", "grid_margin": "grid_margin_per_kwh"}
    for field in rules.__dataclass_fields__:
        mine = getattr(market, names.get(field, field))
        if field not in ("population", "generations"):
            assert mine == getattr(rules, field), field


def test_library_files_say_what_they_do():
    library = Path(__import__("gridbazaar.scenarios").scenarios.__file__).parent / "library"
    for path in library.glob("*.yaml"):
        assert path.read_text().startswith("#")
