"""Users' feeders from CSV pairs: what is taken, and what is refused with its place."""

import numpy as np
import pytest

from gridbazaar.network import Feeder, FeederError, OpenTie, load_feeder

BUSES = "bus,p_kw,q_kvar,base_kv\nsub,0,0,0.4\na,5,1,0.4\nb,3,0.5,0.4\nc,2,0,0.4\n"
BRANCHES = "from,to,r_ohm,x_ohm,closed,i_max_a\nsub,a,0.1,0.05,1,100\na,b,0.1,0.05,1,\na,c,0,0,1,\n"


def _write(folder, buses=BUSES, branches=BRANCHES, prefix=""):
    (folder / f"{prefix}buses.csv").write_text(buses)
    (folder / f"{prefix}branches.csv").write_text(branches)
    return folder


def _problems(folder, **files):
    with pytest.raises(FeederError) as caught:
        load_feeder(_write(folder, **files))
    return caught.value.problems


def test_a_folder_and_a_prefix(tmp_path):
    feeder = load_feeder(_write(tmp_path))
    assert feeder.bus_names == ("sub", "a", "b", "c") and feeder.base_kv == 0.4
    assert feeder.i_max_a[0] == 100.0 and np.isnan(feeder.i_max_a[1:]).all()
    assert feeder.r_ohm.tolist() == [0.1, 0.1, 0.0]  # a closed switch is fine
    _write(tmp_path, prefix="lane_")
    again = load_feeder(str(tmp_path / "lane"))
    assert again.name == "lane" and again.load_kw.tolist() == feeder.load_kw.tolist()


def test_blank_lines_spaces_marks_and_other_columns_are_taken(tmp_path):
    buses = "\ufeffbus, p_kw ,q_kvar,base_kv,note\n sub ,0,0,0.4,x\n\na, 5,1,0.4,\n"
    feeder = load_feeder(_write(tmp_path, buses, "from,to,r_ohm,x_ohm\nsub,a,0.1,0\n"))
    assert feeder.bus_names == ("sub", "a") and feeder.load_kw[1] == 5.0


def test_an_open_branch_is_left_open(tmp_path):
    feeder = load_feeder(_write(tmp_path, branches=BRANCHES + "b,c,0.2,0.1,0,\n"))
    assert feeder.n_branches == 3
    tie = feeder.open_ties[0]
    assert (feeder.bus_names[tie.from_bus], feeder.bus_names[tie.to_bus]) == ("b", "c")
    assert (tie.r_ohm, tie.x_ohm) == (0.2, 0.1)


def test_a_marked_slack_bus_need_not_be_the_first(tmp_path):
    buses = "bus,p_kw,q_kvar,base_kv,slack\na,5,1,0.4,0\nsub,0,0,0.4,1\n"
    feeder = load_feeder(_write(tmp_path, buses, "from,to,r_ohm,x_ohm\na,sub,0.1,0\n"))
    assert feeder.bus_names[feeder.slack] == "sub"


@pytest.mark.parametrize(
    ("more", "place", "what"),
    [
        ("b,c,0.2,0.1,1,\n", "line 5", "closes a loop"),
        ("b,b,0.2,0.1,1,\n", "line 5", "to itself"),
        ("a,sub,0.2,0.1,1,\n", "line 5", "a second branch between the same buses"),
        ("b,nowhere,0.2,0.1,1,\n", "line 5: 'nowhere'", "no known bus"),
        ("b,c,-0.2,0.1,0,\nb,d,-1,0,1,\n", "line 6: 'd'", "no known bus"),
        ("a,b,oops,0.1,0,\n", "line 5: 'oops'", "not a number"),
        ("a,b,0.1,0.1,2,\n", "line 5: '2'", "neither 1 nor 0"),
        ("a,b,0.1\n", "line 5: 3 cells", "header has 6"),
        ("a,b,1e12,0,1,\n", "line 5: 1000000000000.0", "r_ohm is no branch's impedance"),
        ("b,c,1,-0.1,0,\n", "line 5: -0.1", "negative x_ohm"),  # open, yet no impedance
        ("a,b,0.1,0.1,1,-5\n", "line 5: -5.0", "i_max_a is not positive"),
    ],
)
def test_a_bad_branch_is_named_with_its_line(tmp_path, more, place, what):
    problems = _problems(tmp_path, branches=BRANCHES + more)
    assert any(f"branches.csv: {place}" in line and what in line for line in problems), problems


@pytest.mark.parametrize(
    ("cell", "what"),
    [("-0.1", "negative r_ohm"), ("", "missing"), ("nan", "missing"), ("inf", "not finite")],
)
def test_a_bad_impedance(tmp_path, cell, what):
    problems = _problems(tmp_path, branches=BRANCHES.replace("sub,a,0.1", f"sub,a,{cell}"))
    assert len(problems) == 1 and "line 2" in problems[0] and what in problems[0]


@pytest.mark.parametrize(
    ("buses", "place", "what"),
    [
        (BUSES + "d,1,0,0.4\ne,1,0,0.4\n", "line 6", "no path to the slack bus"),
        (BUSES + "a,1,0,0.4\n", "line 6: 'a'", "second time"),
        (BUSES + ",1,0,0.4\n", "line 6", "no name"),
        (BUSES.replace("b,3", "b,"), "line 4", "p_kw is missing"),
        (BUSES.replace("c,2,0,0.4", "c,2,0,11"), "line 5: 11.0", "another voltage level"),
        (BUSES.replace("c,2,0,0.4", "c,2,0,-1"), "line 5: -1.0", "base_kv is not positive"),
        (BUSES.replace("b,3,0.5,0.4", "b,3,0.5,"), "line 4: no value", "base_kv is not positive"),
        (BUSES.replace("0.4", "400000"), "line 2: 400000.0", "no feeder's voltage"),
        (BUSES.replace("b,3,", "b,3e12,"), "line 4: 3000000000000.0", "no feeder's load"),
        (BUSES.replace("b,3,", "b,3_0,"), "line 4: '3_0'", "p_kw is not a number"),
        (BUSES.replace("base_kv", "kv"), "line 1: base_kv", "missing column"),
        (BUSES.replace("base_kv", "base_kv,bus"), "line 1: bus", "stands 2 times"),
        (BUSES.replace("q_kvar", "q_kvar,P_kW"), "line 1: p_kw", "stands 2 times"),
        (BUSES.replace("base_kv", "base_kv,slak"), "line 1: slak", "it may mean slack"),
        (BUSES.replace("base_kv", "base_kv,is_slack"), "line 1: is_slack", "it may mean slack"),
        (BUSES.replace("base_kv", "base_kv,customers"), "line 1: customers", "n_customers"),
        ("", "line 1", "missing column"),
    ],
)
def test_a_bad_bus_is_named_with_its_line(tmp_path, buses, place, what):
    problems = _problems(tmp_path, buses=buses)
    assert any(f"buses.csv: {place}" in line and what in line for line in problems), problems


@pytest.mark.parametrize("count", ["-1", "1.5", "many"])
def test_customers_are_counted_in_whole_numbers(tmp_path, count):
    rows = BUSES.splitlines()
    buses = "\n".join([rows[0] + ",n_customers"] + [f"{row},{count}" for row in rows[1:]])
    problems = _problems(tmp_path, buses=buses)
    assert len(problems) == 4 and "n_customers is not a whole number" in problems[0]


def test_several_or_no_slack_buses(tmp_path):
    head = "bus,p_kw,q_kvar,base_kv,slack\n"
    for marks, count in (("1", "2 slack"), ("0", "0 slack")):
        buses = head + f"sub,0,0,0.4,{marks}\na,5,1,0.4,{marks}\nb,0,0,0.4,0\nc,0,0,0.4,0\n"
        assert any(count in line for line in _problems(tmp_path, buses=buses))


def test_every_problem_is_listed_at_once(tmp_path):
    problems = _problems(
        tmp_path,
        buses=BUSES.replace("b,3", "b,x").replace("c,2,0,0.4", "c,2,0,11"),
        branches=BRANCHES.replace("sub,a,0.1", "sub,a,-1") + "b,c,0.1,0,1,\nz,a,0.1,0,1,\n",
    )
    for what in ("not a number", "voltage level", "negative r_ohm", "loop", "no known bus"):
        assert sum(what in line for line in problems) == 1, (what, problems)
    assert all(line.count(": ") >= 3 for line in problems)  # file: place: value: wrong: remedy


@pytest.mark.parametrize("name", ["close", "Status", "in_service", "open", "i_max", "i_max_ka"])
def test_a_column_that_may_mean_another_is_not_passed_over(tmp_path, name):
    meant = "i_max_a" if name.startswith("i_max") else "closed"
    problems = _problems(tmp_path, branches=BRANCHES.replace(meant, name))
    assert len(problems) == 1 and f"line 1: {name.lower()}: no known column" in problems[0]
    assert f"may mean {meant}" in problems[0]


def test_capitals_in_the_header_and_pandas_truth_are_understood(tmp_path):
    buses = "Bus,P_kW,Q_kvar,Base_kV,Slack,N_Customers\na,5,1,0.4,0.0,3.0\nsub,0,0,0.4,1.0,0\n"
    branches = "From,To,R_ohm,X_ohm,Closed\na,sub,0.1,0,1.0\nsub,a,0.1,0,0.0\n"
    feeder = load_feeder(_write(tmp_path, buses, branches))
    assert feeder.bus_names[feeder.slack] == "sub" and feeder.n_customers.tolist() == [3, 0]
    assert feeder.n_branches == 1 and len(feeder.open_ties) == 1


def test_one_slip_is_one_problem(tmp_path):
    unknown_end = _problems(tmp_path, branches=BRANCHES.replace("a,b", "a,x"))
    assert len(unknown_end) == 1 and "'x': the branch's end" in unknown_end[0]
    twice = _problems(tmp_path, buses=BUSES + "a,1,0,0.4\n")
    assert len(twice) == 1 and "second time" in twice[0]
    nameless = _problems(tmp_path, buses=BUSES + ",1,0,0.4\n")
    assert len(nameless) == 1 and "no name" in nameless[0]
    empty = _problems(tmp_path, branches=BRANCHES.replace("a,b,0.1", "a,b,"))
    assert len(empty) == 1 and "line 3: no value: missing" in empty[0]


def test_both_slack_buses_are_named_with_their_lines(tmp_path):
    buses = "bus,p_kw,q_kvar,base_kv,slack\nsub,0,0,0.4,1\na,5,1,0.4,1\nb,0,0,0.4,0\nc,0,0,0.4,0\n"
    (problem,) = _problems(tmp_path, buses=buses)
    assert "buses.csv: line 2: 'sub'" in problem and "buses.csv: line 3: 'a'" in problem


def test_a_feeder_is_checked_once_on_load(tmp_path, monkeypatch):
    from gridbazaar.network import feeder as made
    from gridbazaar.network import table

    calls = []
    for module in (made, table):
        for check in ("topology_problems", "impedance_problems", "load_problems"):
            plain = getattr(module, check)

            def counted(*given, _plain=plain, _check=check, **more):
                calls.append(_check)
                return _plain(*given, **more)

            monkeypatch.setattr(module, check, counted)
    load_feeder(_write(tmp_path)).with_source_voltage(1.02)
    assert sorted(calls) == ["impedance_problems", "load_problems", "topology_problems"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"from_bus": [0.9]}, "from_bus: 0.9: not a whole number"),
        ({"to_bus": [float("nan")]}, "to_bus: nan: not a whole number"),
        ({"r_ohm": ["much"]}, "r_ohm: could not convert"),
        ({"n_customers": [0, -1]}, "bus 1: -1: n_customers is negative"),
        ({"n_customers": [0, 1.5]}, "n_customers: 1.5: not a whole number"),
        ({"i_max_a": [-5.0]}, "branch 0: -5.0: i_max_a is not positive"),
        ({"open_ties": (OpenTie(0, 1, -5.0, 0.0),)}, "open tie 0: -5.0: negative r_ohm"),
        ({"open_ties": (OpenTie(0, 7, 1.0, 0.0),)}, "open tie 0: 7: no such bus"),
        ({"source_voltage_pu": -1.0}, "source_voltage_pu: -1.0: not a voltage from"),
        ({"base_kv": 1e6}, "base_kv: 1000000.0: base_kv is no feeder's voltage"),
        ({"r_ohm": [1e300]}, "branch 0: 1e+300: r_ohm is no branch's impedance"),
    ],
)
def test_what_numpy_would_cut_off_or_let_pass(change, what):
    given = {"from_bus": [0], "to_bus": [1], "r_ohm": [0.1], "x_ohm": [0.1], "base_kv": 0.4}
    with pytest.raises(FeederError) as caught:
        Feeder(name="f", source="me", bus_names=("a", "b"), slack=0, **{**given, **change})
    assert any(line.startswith(f"f: {what}") for line in caught.value.problems)
    unknown = OpenTie(0, 1, np.nan, np.nan)
    Feeder(name="f", source="me", bus_names=("a", "b"), slack=0, **given, open_ties=(unknown,))


def test_a_missing_file_is_named(tmp_path):
    (tmp_path / "buses.csv").write_text(BUSES)
    with pytest.raises(FeederError, match=r"branches\.csv.*cannot be read"):
        load_feeder(tmp_path)
    with pytest.raises(FeederError, match="neither a shipped feeder nor files"):
        load_feeder(tmp_path / "nothing")


def test_a_feeder_made_in_python_is_checked_alike():
    with pytest.raises(FeederError) as caught:
        Feeder("f", "me", ("a", "b", "b"), 3, -1.0, [0, 5], [1, 2], [np.nan, 0.1], [0.1, -0.1])
    text = "\n".join(caught.value.problems)
    for what in ("second time", "slack: 3", "base_kv", "r_ohm", "negative x_ohm", "5: no such bus"):
        assert what in text, what
    with pytest.raises(FeederError, match="4 values are needed"):
        Feeder("f", "me", ("a",) * 4, 0, 1.0, [0], [1], [0.1], [0.1], load_kw=[1.0])
