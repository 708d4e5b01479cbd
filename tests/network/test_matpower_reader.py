"""MATPOWER cases, as numbers only."""

import math

import numpy as np
import pytest

from gridbazaar.network import FeederError, load_feeder, solve_power_flow

CONVERSIONS = """
%% convert branch impedances from Ohms to p.u.
[PQ, PV, REF, NONE, BUS_I, BUS_TYPE, PD, QD, GS, BS, BUS_AREA, VM, ...
    VA, BASE_KV, ZONE, VMAX, VMIN, LAM_P, LAM_Q, MU_VMAX, MU_VMIN] = idx_bus;
Vbase = mpc.bus(1, BASE_KV) * 1e3;      %% in Volts
Sbase = mpc.baseMVA * 1e6;              %% in VA
mpc.branch(:, [BR_R BR_X]) = mpc.branch(:, [BR_R BR_X]) / (Vbase^2 / Sbase);
mpc.bus(:, [PD, QD]) = mpc.bus(:, [PD, QD]) / 1e3;
"""
POWER_FACTOR = """
pf = 0.85;
mpc.bus(:, QD) = mpc.bus(:, PD) * sin(acos(pf));
mpc.bus(:, PD) = mpc.bus(:, PD) * pf;
"""


def _case(feeder, ohm=True, power_factor=False):
    """A MATPOWER case that holds a feeder, in its paper's units or in MATPOWER's own."""
    z = 1.0 if ohm else feeder.base_kv**2 / 10.0
    s = 1.0 if ohm else 1e3
    bus = "".join(
        f"\t{i + 1}\t{3 if i == feeder.slack else 1}\t{p / s!r}\t{q / s!r}\t0\t0\t1\t1\t0\t"
        f"{feeder.base_kv}\t1\t1.1\t0.9; % a comment\n"
        for i, (p, q) in enumerate(
            zip(feeder.load_kw.tolist(), feeder.load_kvar.tolist(), strict=True)
        )
    )
    rows = [
        (f, t, r, x, 1)
        for f, t, r, x in zip(
            feeder.from_bus, feeder.to_bus, feeder.r_ohm, feeder.x_ohm, strict=True
        )
    ] + [(tie.from_bus, tie.to_bus, tie.r_ohm, tie.x_ohm, 0) for tie in feeder.open_ties]
    branch = "".join(
        f"\t{f + 1}\t{t + 1}\t{float(r / z)!r}\t{float(x / z)!r}"
        f"\t0\t0\t0\t0\t0\t0\t{on}\t-360\t360;\n"
        for f, t, r, x, on in rows
    )
    return (
        "function mpc = some_case\n%% a header\nmpc.version = '2';\nmpc.baseMVA = 100/10;\n"
        f"mpc.bus = [ %% (Pd in kW)\n{bus}];\n"
        f"mpc.gen = [\n\t{feeder.slack + 1}\t0\t0\t10\t-10\t1\t100\t1\t10\t0;\n];\n"
        f"mpc.branch = [\n{branch}];\n"
        "mpc.gencost = [\n\t2\t0\t0\t3\t0\t20\t0;\n];\n"
        "mpc.bus_name = {\n\t'a; b';\n};\n"
        + (CONVERSIONS if ohm else "")
        + (POWER_FACTOR if power_factor else "")
    )


@pytest.mark.parametrize("ohm", [True, False])
def test_a_case_gives_the_same_feeder(tmp_path, ohm):
    known = load_feeder("ieee33_mv")
    path = tmp_path / "case33.m"
    path.write_text(_case(known, ohm))
    feeder = load_feeder(path)
    for key in ("load_kw", "load_kvar", "r_ohm", "x_ohm", "from_bus", "to_bus"):
        np.testing.assert_allclose(getattr(feeder, key), getattr(known, key), rtol=1e-12)
    assert len(feeder.open_ties) == 5 and feeder.bus_names == known.bus_names
    flow = solve_power_flow(feeder, -feeder.load_kw[None], -feeder.load_kvar[None])
    assert flow.loss_kw[0] == pytest.approx(202.677, abs=1e-3)


def test_loads_in_kva_at_a_power_factor(tmp_path):
    known = load_feeder("ieee33_mv")
    path = tmp_path / "case.m"
    path.write_text(_case(known, power_factor=True))
    feeder = load_feeder(path)
    np.testing.assert_allclose(feeder.load_kw, 0.85 * known.load_kw)
    np.testing.assert_allclose(feeder.load_kvar, math.sqrt(1 - 0.85**2) * known.load_kw)


def test_source_voltage_other_generators_and_ratings(tmp_path):
    path = tmp_path / "case.m"
    path.write_text(
        "mpc.baseMVA = 1;\nmpc.bus = [7 3 0 0 0 0 1 1 0 11; 9 1 .1 0 0 0 1 1 0 11];\n"
        "mpc.gen = [7 0 0 9 -9 1.02 9 1; 9 0.3 0.1 9 -9 1 9 1; 9 5 0 9 -9 1 9 0];\n"
        "mpc.branch = [7, 9, 0.01, 0.02, 0, 2, 0, 0, 1, 0, 1];\n"
    )
    feeder = load_feeder(path)
    assert feeder.source_voltage_pu == 1.02
    np.testing.assert_allclose(feeder.load_kw, [0.0, -200.0])
    np.testing.assert_allclose(feeder.load_kvar, [0.0, -100.0])
    np.testing.assert_allclose(feeder.i_max_a, 2000.0 / (math.sqrt(3.0) * 11.0))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("\t3\t0.0", "\t1\t0.0", "none: 0 slack buses"),
        ("\t2\t1\t100.0", "\t2\t3\t100.0", "2 slack buses"),
        ("\t2\t1\t100.0", "\t2\t2\t100.0", "bus type 2"),
        ("\t2\t1\t100.0\t60.0\t0\t0", "\t2\t1\t100.0\t60.0\t0\t5", "shunts are not modelled"),
        ("0.0922\t0.047\t0", "0.0922\t0.047\t0.1", "line charging"),
        ("0.0922\t0.047\t0\t0\t0\t0\t0", "0.0922\t0.047\t0\t0\t0\t0\t0.98", "tap changers"),
        ("0.0922\t", "-0.0922\t", "negative r_ohm"),
        ("\t100.0\t60.0", "\t1e2/3\t60.0", "not a row of numbers"),
        ("mpc.baseMVA", "mpc.base", "a statement that is not executed"),
        ("mpc.gen =", "mpc.generators =", "mpc.gen: missing matrix"),
        (
            "\t-360\t360;\n];",
            "\t-360\t360;\n\t3\t9\t1\t1\t0\t0\t0\t0\t0\t0\t1;\n];",
            "closes a loop",
        ),
        ("/ 1e3;", "/ 1e3;\nmpc.branch(3, :) = [];", "a statement that is not executed"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path, old, new, what):
    text = _case(load_feeder("ieee33_mv"))
    assert old in text
    path = tmp_path / "case.m"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FeederError) as caught:
        load_feeder(path)
    hits = [line for line in caught.value.problems if what in line]
    assert hits and all(line.startswith(str(path)) for line in hits), caught.value.problems


SMALL = (
    "mpc.baseMVA = 1;\nmpc.bus = [7 3 0 0 0 0 1 1 0 11; 9 1 .1 0 0 0 1 1 0 11];\n"
    "mpc.gen = [7 0 0 9 -9 1.02 9 1];\nmpc.branch = [7 9 0.01 0.02 0 2 0 0 1 0 1];\n"
)


def _small_problems(tmp_path, old, new):
    assert old in SMALL
    path = tmp_path / "case.m"
    path.write_text(SMALL.replace(old, new, 1))
    with pytest.raises(FeederError) as caught:
        load_feeder(path)
    assert all(line.startswith(str(path)) for line in caught.value.problems)
    return [line.removeprefix(f"{path}: ") for line in caught.value.problems]


@pytest.mark.parametrize(
    "tail", ["]; mpc.bus(:,3) = mpc.bus(:,3)*10;", "] * 1000;", "]';", "](:, [1 2]);", "] .* [2];"]
)
def test_what_stands_behind_a_matrix_is_not_dropped(tmp_path, tail):
    (problem,) = _small_problems(tmp_path, "0 11];", f"0 11{tail}")
    assert problem.startswith("line 2: ") and "not executed" in problem


@pytest.mark.parametrize(
    "more",
    [
        "%{\nmpc.bus(:, 3) = 0;\n%{\n];\n%}\nmpc.gen = [\n%}\n",
        "mpc.bus_name = {'a ] % b'; \"];\"; 'it''s ]'};\n",
        "mpc.gencost = [2 0 0 3 0.1 ... the cost's row goes on\n 20 0;\n];\n",
        "% mpc.bus(1) = 3\n\n",
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_comments_strings_and_continuations_are_no_code(tmp_path, more, last):
    path = tmp_path / "case.m"
    path.write_text(SMALL + more if last else more + SMALL)
    assert load_feeder(path).load_kw.tolist() == [0.0, 100.0]


def test_a_row_goes_on_behind_three_dots_and_a_byte_order_mark_is_taken(tmp_path):
    path = tmp_path / "case.m"
    path.write_text("\ufeff" + SMALL.replace("9 1 .1", "9 ... the bus's type:\n1 .1"))
    assert load_feeder(path).load_kw.tolist() == [0.0, 100.0]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("[7 3", "[NaN 3", "line 2: nan: not a bus number"),
        ("; 9 1", "; Inf 1", "line 2: inf: not a bus number"),
        ("; 9 1", "; 9.5 1", "line 2: 9.5: not a bus number"),
        ("[7 0 0", "[NaN 0 0", "line 3: nan: not a bus number"),
        ("[7 9", "[7 Inf", "line 4: inf: not a bus number"),
        ("= 1;", "= 1/0;", "line 1: mpc.baseMVA = 1/0: not a positive number"),
        ("= 1;", "= 1.0.0;", "line 1: mpc.baseMVA = 1.0.0: not a positive number"),
        ("= 1;", "= 1e;", "line 1: mpc.baseMVA = 1e: not a positive number"),
        ("= 1;", "= 1; mpc.baseMVA = 10;", "line 1: mpc.baseMVA = 10: mpc.baseMVA stands a second"),
        ("= 1;", "= 1; pf = 0.8.5;", "line 1: pf = 0.8.5: not a number from 0 to 1"),
        ("; 9 1 .1", "; 9 1 1_0", "line 2: '9 1 1_0 0 0 0 1 1 0 11': not a row of numbers"),
        ("0 11];", "0 11;", "line 2: mpc.bus: the matrix is never closed"),
        ("%", "%{", "line 2: %{: the block comment is never closed"),
        ("mpc.gen", "mpc.bus = [9 1 9 9 0 0 1 1 0 11];\nmpc.gen", "line 3: mpc.bus: the matrix"),
        ("9 1];", "9 0];", "mpc.gen: '7': no generator in service at the slack bus"),
        ("9 1];", "9 1; 7 0 0 9 -9 1.05 9 1];", "line 3: Vg 1.05: another generator"),
        ("0.02 0 2", "0.02 0 -2", "line 4: rateA -2: not a rating"),
        ("0.02 0 2", "0.02 0 NaN", "line 4: rateA nan: not a rating"),
        ("0 1];\n", "0 NaN];\n", "line 4: nan: the status is missing"),
    ],
)
def test_each_has_its_place_and_no_traceback(tmp_path, old, new, what):
    if old == "%":
        old, new = "mpc.bus", "%{\nmpc.bus"
    problems = _small_problems(tmp_path, old, new)
    assert any(line.startswith(what) for line in problems), problems
    assert len(problems) == 1 or "never closed" not in what


def test_two_generators_of_one_voltage_may_stand_at_the_source(tmp_path):
    path = tmp_path / "case.m"
    path.write_text(SMALL.replace("9 1];", "9 1; 7 5 0 9 -9 1.02 9 1; 7 0 0 0 0 9 9 0];"))
    assert load_feeder(path).source_voltage_pu == 1.02


@pytest.mark.parametrize(
    "text",
    [
        "function [baseMVA, bus, gen, branch] = old\nbaseMVA = 1;\nbus = [\n1 3 0;\n2 1 0;\n];\n",
        "MATLAB 5.0 MAT-file\0\0mpc.\0" + "\x01\n" * 50,
    ],
)
def test_another_format_is_one_problem(tmp_path, text):
    path = tmp_path / "case.m"
    path.write_text(text)
    with pytest.raises(FeederError) as caught:
        load_feeder(path)
    assert len(caught.value.problems) == 1 and "version 2" in caught.value.problems[0]


def test_conversions_are_done_once_and_in_their_order(tmp_path):
    known = load_feeder("ieee33_mv")
    path = tmp_path / "case.m"
    swapped = "\n".join(POWER_FACTOR.splitlines()[i] for i in (0, 1, 3, 2)) + "\n"
    for more in (CONVERSIONS, POWER_FACTOR.replace("pf = 0.85;", ""), swapped):
        path.write_text(_case(known, power_factor=more is not swapped) + more)
        with pytest.raises(FeederError, match="not executed"):
            load_feeder(path)
