"""Each class of bad input has its message, and one wrong thing does not hide the next."""

import pytest
import yaml

from gridbazaar.scenarios.load import ScenarioError, load_scenario
from gridbazaar.scenarios.tariffs import tariff_data

SIMPLE_FRAMES = (
    "frames: [{name: a, start: '06:00', end: '18:00'}, {name: b, start: '%s', end: '%s'}]"
)


def problems_of(path, overrides=()):
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, overrides)
    found = caught.value.problems
    assert found
    for line in found:
        assert line.count(": ") >= 3, line  # file: path: value: wrong: remedy
        assert "\n" not in line
    return found


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("days=0", "days: 0: is below 1"),
        ("days=-3", "days: -3: is below 1"),
        ("days=2.5", "is not a whole number"),
        ("days=true", "is not a whole number"),
        ("days='3'", "is not a whole number"),
        ("start=soon", "is not a date"),
        ("start=2025-13-45", "cannot be read"),
        ("start=0001-01-01", "is below 1950-01-01"),
        ("seed=-1", "is negative"),
        ("interval_minutes=7", "use 5, 15, 30 or 60"),
        ("gate_closure_minutes=50", "no whole number of intervals"),
        ("dayz=3", "unknown key, perhaps days"),
        ("qwerty=3", "unknown key: use one of schema_version, name"),
        ("market.pric_rule=x", "unknown key, perhaps price_rule"),
        ("market.price_rule=merit", "unknown name"),
        ("market.engine=nsga3", "perhaps nsga2: use one of nsga2, exact"),
        ("market.k=.nan", "is not finite"),
        ("market.price_rule=fixed", "`price_rule: fixed` and `fixed_price_per_kwh` go together"),
        ("forecast.name=oracle", "use one of persistence"),
        ("bidding.strategy=zip", "use one of truthful"),
        ("forecast.weight=0", "is not above 0"),
        ("forecast.noise=-0.1", "is negative"),
        ("forecast.noise_shared=2", "is above 1"),
        ("forecast.pv=clear", "use metered or clear-sky"),
        ("battery.strategy=optimum", "perhaps optimal: use one of greedy, time-of-use, optimal"),
        ("bidding.margin_per_kwh=-1", "is negative"),
        ("flexible_load.share=1.5", "is above 1"),
        ("flexible_load.by=sun", "use tariff or price"),
        ("flexible_load.earliest=600", "is not text"),
        ("flexible_load.latest=2025-11-01", "latest: 2025-11-01: is not text"),
        ("grid.outages={start: 2025-11-01 17:00, hours: 3}", "[{start: ..., hours: ...}]"),
        ("flexible_load.earliest='25:00'", "characters that are not allowed"),
        ("flexible_load={share: 0.1, duration_hours: 17}", "longer than its window of 16 h"),
        ("flexible_load={share: 0.1, duration_hours: 0.3}", "no whole number of intervals"),
        ("flexible_load={share: 0.1, latest: '05:50'}", "no whole number of intervals"),
        ("flexible_load={share: 0.1, earliest: '23:00'}", "ends before it begins"),
        ("grid.curtailment=fair", "use one of proportional, sensitivity"),
        ("grid.transformer_kva=0", "is not above 0"),
        ("grid.outages=[{start: 2025-12-24 18:00, hours: 3}]", "lies outside the run"),
        ("grid.outages=[{start: 2025-11-01 05:00, hours: 3}]", "lies outside the run"),
        ("grid.outages=[{start: 2025-11-03 18:10, hours: 1}]", "no whole number of intervals"),
        ("grid.outages=[{start: 2025-11-03 18:00, hours: 0}]", "is not above 0"),
        ("grid.outages=[{start: soon, hours: 1}]", "soon: is not a local time: write it as"),
        ("grid.outages=[{start: '2025-11-03T18:00+05:30', hours: 1}]", "time zone"),
        (
            "grid.outages=[{start: 2025-11-03 18:00, hours: 2}, {start: 2025-11-03 19:00,"
            " hours: 2}]",
            "overlaps another outage",
        ),
        ("battery.round_trip_efficiency=1.1", "is above 1"),
        ("battery.round_trip_efficiency=0", "is not above 0"),
        ("battery.soc_min=0.9", "soc_min <= initial_soc <= soc_max"),
        ("members.generate.pv_kwp=[-1, 2]", "is negative"),
        ("members.generate.pv_kwp=[3, 2]", "must not exceed"),
        ("members.generate.pv_kwp=[3]", "a number is missing"),
        ("members.generate.pv_kwp=3", "is not a list"),
        ("members.generate.pv_kwp=[1, 2, 3]", "too many items"),
        ("members.generate.pv_share=1.5", "is above 1"),
        ("members.generate.homes=2000", "too many: 33 homes"),
        ("members.file=members.csv", "exactly one of `generate` and `file`"),
        ("feeder.name=ieee33", "unknown feeder, perhaps ieee33_mv"),
        ("feeder.path=mine", "exactly one of `name`"),
        ("profiles.load=nsw", "unknown profile"),
        ("profiles.load=none.csv", "no such file"),
        ("profiles.pv=cochin", "use kochi, site, measured-trace"),
        ("profiles.pv=site", "`site` section go together"),
        ("tariff=delhi", "unknown tariff: use one of"),
        ("tariff=3", "neither a name nor a mapping"),
        ("tariff.frames.peak.multiplier=-1", "multiplier"),
        ("currency=EUR", "the tariff simple is in INR"),
        ("settlement.rules=texas", "unknown rules: use one of"),
        ("schema_version=2", "use 1"),
        ("name=../evil", "characters that are not allowed"),
        ("nonsense", "is not path=value"),
        ("=3", "is not path=value"),
        ("days.x=3", "cannot step into"),
        ("market.k=[", "correct the line"),
    ],
)
def test_one_wrong_value(override, words):
    found = problems_of("kerala-village", [override])
    assert len(found) == 1, found
    assert words in found[0]


@pytest.mark.parametrize(
    ("item", "words"), [("hour", "perhaps hours"), ("begin", "use one of start, hours")]
)
def test_an_unknown_key_of_an_item_is_told_with_the_known_ones(item, words):
    outage = {"start": "2025-11-03 17:00", "hours": 3, item: 3}
    (found,) = problems_of("kerala-village", [f"grid.outages=[{outage}]"])
    assert f"grid.outages[0].{item}" in found and words in found


def test_clock_times_need_no_quotes():
    changes = ["flexible_load={share: 0.1, earliest: 10:00, latest: 18:30}"]
    section = load_scenario("kerala-village", changes).flexible_load
    assert (section.earliest, section.latest) == ("10:00", "18:30")


def test_all_at_once(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(
        "name: bad\nstart: 2025-11-01\ndays: 0\nprofilez: {}\n"
        "feeder: {name: nowhere, source_voltage_pu: 3}\n"
        "members: {generate: {homes: 5, pv_kwp: [7, 3], battery_kwh: [-1, 2]}}\n"
        "battery: {round_trip_efficiency: 1.2, soc_min: 0.9}\n"
        "profiles: {load: nothing, pv: cochin}\n"
        "tariff: {name: t, source: me, reference_rate_per_kwh: 6, feed_in_per_kwh: 3,\n"
        "  bulk_price_per_kwh: 3, " + SIMPLE_FRAMES % ("17:00", "05:00") + "}\n"
    )
    found = "\n".join(problems_of(path))
    for words in (
        "bad.yaml: days: 0",
        "profilez: {}: unknown key, perhaps profiles",
        "feeder.name: nowhere: unknown feeder",
        "feeder.source_voltage_pu: 3: is above 1.2",
        "members.generate.pv_kwp: [7, 3]",
        "members.generate.battery_kwh[0]: -1",
        "battery.round_trip_efficiency: 1.2",
        "soc_min <= initial_soc",
        "profiles.load: nothing",
        "profiles.pv: cochin",
        "17:00-18:00 belongs to several frames",
        "05:00-06:00 belongs to no frame",
    ):
        assert words in found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a mapping"),
        (b"- 1", "is not a mapping"),
        (b"\xff\xfe\x00a", "is not UTF-8"),
        (b"a: [", "line 1"),
        (b"days: 1\ndays: 2", "line 2 column 1: days: 2: the key 'days' stands twice"),
        (b"a: &x [1]\nb: *x", "an alias"),
        (b"1: 2", "is not text"),
        (b"? [a]\n: 2", "is not text"),
        (b"a: !!python/object/apply:os.system ['true']", "constructor"),
        (b"a: " + b"[" * 60 + b"]" * 60, "nested deeper"),
        (b"a: \x00", "characters that YAML does not allow"),
        (b"{}", "start: (empty): is missing"),
    ],
)
def test_files_that_are_no_scenario(tmp_path, content, words):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    assert words in "\n".join(problems_of(path))


def test_missing_and_unknown(tmp_path):
    assert "no such file" in problems_of(tmp_path / "none.yaml")[0]
    assert "perhaps kerala-village" in problems_of("kerala-vilage")[0]
    assert "neither" in problems_of(tmp_path)[0]
    assert "neither" in problems_of("a\0b")[0]


def feeder_files(folder, branches):
    (folder / "f_buses.csv").write_text(
        "bus,p_kw,q_kvar,base_kv\n1,0,0,0.4\n2,5,1,0.4\n3,5,1,0.4\n4,5,1,0.4\n"
    )
    rows = "".join(f"{a},{b},0.1,0.05\n" for a, b in branches)
    (folder / "f_branches.csv").write_text("from,to,r_ohm,x_ohm\n" + rows)


@pytest.mark.parametrize(
    ("branches", "words"),
    [
        ([(1, 2), (2, 3), (3, 1), (3, 4)], ["closes a loop"]),
        ([(1, 2), (3, 4)], ["no path to the slack bus"]),
        ([(1, 2), (2, 3), (3, 1)], ["closes a loop", "no path to the slack bus"]),
        ([(1, 2), (2, 9)], ["9"]),
    ],
)
def test_feeders_with_loop_or_island(tmp_path, village_text, branches, words):
    feeder_files(tmp_path, branches)
    path = tmp_path / "own.yaml"
    path.write_text(village_text.replace("name: kerala_village_lv", "path: f"))
    found = "\n".join(problems_of(path))
    assert all(word in found for word in words)


def test_a_feeder_without_customers_says_what_to_give(tmp_path, village_text):
    feeder_files(tmp_path, [(1, 2), (2, 3), (3, 4)])
    path = tmp_path / "own.yaml"
    path.write_text(village_text.replace("name: kerala_village_lv", "path: f"))
    assert "give `homes` or `homes_per_bus`" in problems_of(path)[0]
    assert load_scenario(path, ["members.generate.homes=6"]).feeder.path == "f"


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("18:00", "05:00", "05:00-06:00 belongs to no frame"),
        ("17:00", "06:00", "17:00-18:00 belongs to several frames"),
        ("18:00", "06:05", "06:00-06:05 belongs to several frames"),
    ],
)
def test_tariff_frames_with_gap_or_overlap(tmp_path, village_text, start, end, words):
    (tmp_path / "t.yaml").write_text(
        "name: t\nsource: me\nreference_rate_per_kwh: 6\nfeed_in_per_kwh: 3\n"
        "bulk_price_per_kwh: 3\n" + SIMPLE_FRAMES % (start, end)
    )
    path = tmp_path / "own.yaml"
    path.write_text(village_text.replace("tariff: simple", "tariff: t.yaml"))
    assert words in "\n".join(problems_of(path))


def test_frames_must_hold_whole_intervals(tmp_path, village_text):
    (tmp_path / "t.yaml").write_text(
        "name: t\nsource: me\nreference_rate_per_kwh: 6\nfeed_in_per_kwh: 3\n"
        "bulk_price_per_kwh: 3\nframes: [{name: a, start: '06:00', end: '18:15'},"
        "{name: b, start: '18:15', end: '06:00'}]\n"
    )
    path = tmp_path / "own.yaml"
    path.write_text(village_text.replace("tariff: simple", "tariff: t.yaml"))
    assert load_scenario(path).interval_minutes == 15
    found = problems_of(path, ["interval_minutes=30"])
    assert sum("no whole number of intervals" in line for line in found) == 2


MEMBERS = "member,bus,pv_kwp,tilt_deg,azimuth_deg,battery_kwh,profile,week_offset\n"


def test_members_file_problems_all_at_once(tmp_path, village_text):
    data = yaml.safe_load(village_text)
    data["members"] = {"file": "m.csv"}
    data["start"] = str(data["start"])
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(data))
    (tmp_path / "m.csv").write_text(
        MEMBERS
        + "a,nowhere,3,10,180,5,H01,0\n"
        + "a,46,-3,95,180,x,H99,0\n"
        + ",46,3,10,180,inf,H02,99\n"
    )
    found = "\n".join(problems_of(path))
    for words in (
        "m.csv: line 2 bus: nowhere",
        "line 3 member: a: stands a second time",
        "line 3 pv_kwp: -3: is negative",
        "line 3 tilt_deg: 95: is above 90",
        "line 3 battery_kwh: x: is no finite number",
        "line 3 profile: H99",
        "line 4 member: (empty): no name",
        "line 4 battery_kwh: inf",
        "line 4 week_offset: 99",
    ):
        assert words in found
    (tmp_path / "m.csv").write_text("member,buss,pv\na,1,2\n")
    found = "\n".join(problems_of(path))
    assert "unknown column, perhaps bus" in found
    assert "line 1: bus: is missing" in found
    (tmp_path / "m.csv").unlink()
    assert "members.file: m.csv: no such file" in problems_of(path)[0]


@pytest.mark.parametrize("value", ["!!timestamp x", "!!bool x", "!!int ''", "!!float x"])
def test_a_tag_that_its_value_does_not_fit_is_listed(tmp_path, value):
    (tmp_path / "tag.yaml").write_text(f"days: {value}\n")
    with pytest.raises(ScenarioError, match=r"tag\.yaml: "):
        load_scenario(tmp_path / "tag.yaml")


@pytest.mark.parametrize("wrong", ["5", "a text", "{a: b}"])
@pytest.mark.parametrize("key", ["notes", "unconfirmed"])
def test_notes_of_a_tariff_that_are_no_list_are_listed(key, wrong):
    settings = [f"tariff={{preset: simple, {key}: {wrong}}}", "settlement.rules=delhi-2024"]
    with pytest.raises(ScenarioError, match=key):
        load_scenario("kerala-village", [*settings, "gate_closure_minutes=120"])


def test_rules_are_laid_over_a_tariff_whose_notes_are_null():
    settings = ["tariff={preset: simple, notes: null}", "settlement.rules=delhi-2024"]
    loaded = load_scenario("kerala-village", [*settings, "gate_closure_minutes=120"])
    assert tariff_data(loaded)["notes"][0].startswith("P2P rules: delhi-2024")
