import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.scenarios.feeders import scenario_feeder
from gridbazaar.scenarios.load import ScenarioError, load_scenario
from gridbazaar.scenarios.members import generate_members
from gridbazaar.scenarios.profiles import build_profiles
from gridbazaar.scenarios.series_files import read_series


def table(days=3, minutes=30, homes=2, start="2025-10-30"):
    times = pd.date_range(start, periods=days * 1440 // minutes, freq=f"{minutes}min")
    rng = np.random.default_rng(1)
    values = {f"h{i}": rng.random(len(times)).round(4) for i in range(homes)}
    return pd.DataFrame({"timestamp": times, **values})


def problems_of(path, kind="load", minutes=None):
    with pytest.raises(ScenarioError) as caught:
        read_series(path, path.name, kind, minutes)
    return "\n".join(caught.value.problems)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("minutes", [3, 15, 60])
def test_wide_files(tmp_path, suffix, minutes):
    data, path = table(minutes=minutes), tmp_path / f"w{suffix}"
    if suffix == ".csv":
        data.to_csv(path, index=False)
    else:
        data.set_index("timestamp").to_parquet(path)
    series = read_series(path, path.name, "load", None)
    assert series.names == ("h0", "h1")
    assert series.kwh.shape == (2, 3, 1440 // minutes)
    assert str(series.first) == "2025-10-30"
    np.testing.assert_allclose(series.kwh[1].ravel(), data["h1"])
    assert read_series(path, path.name, "load", minutes).kwh.shape == series.kwh.shape


def test_parts_of_days_at_the_ends_are_left_out_and_rows_sorted(tmp_path):
    data, path = table().iloc[5:-7].sample(frac=1, random_state=2), tmp_path / "w.csv"
    data.to_csv(path, index=False)
    series = read_series(path, "w.csv", "load", None)
    assert (str(series.first), series.n_days) == ("2025-10-31", 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.drop(index=[10, 11]), "not 30 min apart"),
        (lambda d: pd.concat([d, d.iloc[[4]]]), "stands more than once"),
        (lambda d: d.assign(h0=-d["h0"]), "is negative"),
        (lambda d: d.assign(h0=["x"] * len(d)), "line 2 'x', line 3 'x', line 4 'x' and 141 more"),
        (lambda d: d.assign(h1=d["h1"].mask(d.index == 7)), "column h1: line 9 "),
        (lambda d: d.assign(h1=np.inf), "no finite number"),
        (lambda d: d.assign(timestamp="soon"), "is not a time"),
        (lambda d: d.assign(timestamp=d["timestamp"].astype(str) + "+05:30"), "time zone"),
        (lambda d: d[["timestamp"]], "fewer than two columns"),
        (lambda d: d.iloc[:0], "has no rows"),
        (lambda d: d.iloc[:1], "fewer than two different times"),
        (lambda d: d.iloc[:20], "no whole day"),
        (lambda d: d.assign(timestamp=d["timestamp"] + pd.Timedelta("7min")), "grid from midnight"),
    ],
)
def test_problems_of_wide_files(tmp_path, change, words):
    path = tmp_path / "w.csv"
    change(table()).to_csv(path, index=False)
    assert words in problems_of(path)


def test_several_problems_at_once(tmp_path):
    path = tmp_path / "w.csv"
    table().assign(h0=-1.0, h1="?").to_csv(path, index=False)
    found = problems_of(path)
    assert "column h0: line 2 -1" in found
    assert "column h1: line 2 '?'" in found


def test_a_stated_resolution_must_be_the_files(tmp_path):
    path = tmp_path / "w.csv"
    table().to_csv(path, index=False)
    assert "rows are 30 min apart" in problems_of(path, minutes=15)


def test_a_step_that_does_not_divide_the_day(tmp_path):
    path = tmp_path / "w.csv"
    times = pd.date_range("2025-01-01", periods=300, freq="7min")
    pd.DataFrame({"t": times, "h": 1.0}).to_csv(path, index=False)
    assert "does not divide the day" in problems_of(path)


@given(st.binary(max_size=300), st.sampled_from([".csv", ".parquet"]))
@settings(max_examples=100, deadline=None)
def test_arbitrary_bytes_are_refused_with_problems(tmp_path_factory, data, suffix):
    path = tmp_path_factory.mktemp("bytes") / f"x{suffix}"
    path.write_bytes(data)
    assert problems_of(path)


@given(st.integers(0, 10**6), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_mutated_files_are_read_or_refused(tmp_path_factory, seed, edits):
    rng = np.random.default_rng(seed)
    data = bytearray(table(days=2, minutes=60).to_csv(index=False).encode())
    for _ in range(edits):
        data[int(rng.integers(len(data)))] = int(rng.integers(256))
    path = tmp_path_factory.mktemp("mutated") / "x.csv"
    path.write_bytes(data)
    try:
        read_series(path, "x.csv", "load", None)
    except ScenarioError as error:
        assert error.problems


def ausgrid_rows():
    """Two customers, two days, in the layout of the solar-home set; rows as d/mm/yyyy."""
    rng = np.random.default_rng(0)
    rows = []
    for customer, capacity in ((1, 2.0), (2, 4.0)):
        for date in ("1/07/2012", "2/07/2012"):
            for category in ("GC", "CL", "GG") if customer == 1 else ("GC", "GG"):
                values = rng.random(48).round(3)
                rows.append([customer, capacity, 2076, category, date, *values, ""])
    return rows


LABELS = [f"{(30 * i // 60) % 24}:{30 * i % 60:02d}" for i in range(1, 49)]
AUSGRID_HEADER = ["Customer", "Generator Capacity", "Postcode", "Consumption Category", "date",
                  *LABELS, "Row Quality"]  # fmt: skip


@pytest.mark.parametrize("head", ["title", "header", "none"])
def test_the_ausgrid_layout(tmp_path, head):
    rows = ausgrid_rows()
    lines = [",".join(map(str, row)) for row in rows]
    if head != "none":
        lines.insert(0, ",".join(AUSGRID_HEADER))
    if head == "title":
        lines.insert(0, "Solar home electricity data - notes are on the website")
    path = tmp_path / "ausgrid.csv"
    path.write_text("\n".join(lines))
    load = read_series(path, "ausgrid.csv", "load", None)
    assert load.names == ("1", "2")
    assert (str(load.first), load.kwh.shape) == ("2012-07-01", (2, 2, 48))
    np.testing.assert_allclose(load.kwh[0, 0], np.add(rows[0][5:53], rows[1][5:53]))
    pv = read_series(path, "ausgrid.csv", "pv", None)
    np.testing.assert_allclose(pv.kwh[0, 1], np.array(rows[5][5:53]) / 2.0)
    path.write_text("\n".join([*lines, lines[-1]]))
    assert "stands twice" in problems_of(path, kind="pv")
    path.write_text("\n".join(lines).replace("2/07/2012", "2012-07-02"))
    assert "write d/mm/yyyy" in problems_of(path)


def test_the_ceew_layout(tmp_path):
    times = pd.date_range("2019-11-01", periods=480, freq="3min").astype(str)
    header = "x_Timestamp,t_kWh,z_Avg Voltage (Volt),z_Avg Current (Amp),y_Freq (Hz),meter\n"
    rows = [
        f"{time},{0.01 * (m + 1)},{0 if i == 100 else 230},1.5,50,MH{m}\n"
        for m in range(2)
        for i, time in enumerate(times)
    ]
    path = tmp_path / "ceew.csv"
    path.write_text(header + "".join(rows))
    series = read_series(path, "ceew.csv", "load", 3)
    assert series.names == ("MH0", "MH1")
    assert series.kwh.shape == (2, 1, 480)
    assert series.kwh[1, 0, 100] == 0.0  # an outage
    assert series.kwh[1].sum() == pytest.approx(0.02 * 479)
    path.write_text(header + "".join(rows[:200] + rows[210:]))
    assert "column MH0: line" in problems_of(path)


def test_own_loads_and_pv_in_a_scenario(tmp_path, village_text):
    loads = table(days=12, homes=40, start="2025-10-25")
    loads.to_csv(tmp_path / "loads.csv", index=False)
    pv = table(days=12, minutes=60, homes=1, start="2025-10-25")
    pv.to_parquet(tmp_path / "pv.parquet")
    path = tmp_path / "own.yaml"
    path.write_text(
        village_text.replace("load: nsw-homes-2013", "load: loads.csv").replace(
            "pv: kochi", "pv: pv.parquet"
        )
    )
    settings_ = ["days=2", "history_days=3", "members.generate.homes=40"]
    scenario = load_scenario(path, settings_)
    members = generate_members(scenario, scenario_feeder(scenario))
    profiles = build_profiles(scenario, members)
    row = int(np.argmax(members.pv_kwp))
    midnight = profiles.grid.run_start + 18 * 4
    day = loads[loads["timestamp"].dt.date == pd.Timestamp("2025-11-02").date()]
    got = profiles.load_kwh[row, midnight : midnight + 24 * 4].sum()
    assert got == pytest.approx(day[members.profile[row]].sum())
    sun = pv[pv["timestamp"].dt.date == pd.Timestamp("2025-11-02").date()]["h0"].sum()
    got = profiles.pv_kwh[row, midnight : midnight + 24 * 4].sum()
    assert got == pytest.approx(sun * members.pv_kwp[row])
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, ["days=30"])
    assert sum("days that the run needs" in line for line in caught.value.problems) == 2
    with pytest.raises(ScenarioError, match="too many: 40 homes at 1 week offsets"):
        load_scenario(path, [*settings_, "members.generate.homes=41"])
    table(days=12, minutes=60, homes=2, start="2025-10-25").to_parquet(tmp_path / "pv.parquet")
    with pytest.raises(ScenarioError, match="has no column for"):
        load_scenario(path, settings_)


def test_a_row_longer_than_the_header_is_refused_and_not_cut(tmp_path):
    """pandas would drop the last cells of every such row with a warning, and go on."""
    times = pd.date_range("2025-11-01", periods=48, freq="60min")
    rows = [f"{time},0.1,0.2,0.3" for time in times]
    (tmp_path / "long.csv").write_text("\n".join(["timestamp,a,b", *rows, ""]))
    with pytest.raises(ScenarioError, match="a row has more cells than the header"):
        read_series(tmp_path / "long.csv", "long.csv", "load", None)
