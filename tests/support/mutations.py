"""Real input files, and what can happen to a file: the material of the fuzz tests."""

import json
import random
from pathlib import Path

import numpy as np
import pandas as pd

SCENARIO = """\
schema_version: 1
name: mine
description: "a lane with a few homes: fuzzed"
start: 2025-11-03
days: 1
seed: 5
history_days: 2
gate_closure_minutes: 120
feeder: {path: lane, source_voltage_pu: 1.02}
members:
  file: members.csv
profiles:
  load: load.csv
  pv: pv.csv
battery: {strategy: greedy, soc_min: 0.1}
flexible_load: {share: 0.1, earliest: "09:00", latest: "17:00", duration_hours: 1.0}
grid:
  outages:
    - {start: 2025-11-03 10:00, hours: 1}
market: {engine: exact, price_rule: merit-order, k: 0.5, goals: [1.0, 0.5]}
tariff: tariff.yaml
settlement: {rules: rules.yaml}
"""
MEMBERS = """\
member,bus,pv_kwp,tilt_deg,azimuth_deg,battery_kwh,battery_kw,profile,week_offset,phases
anna,a,3.5,10,180,5,2.5,one,0,1
binu,b,0,,,,,two,0,3
"chris, the third",b,4,12,170,,,one,0,
"""
BUSES = "bus,p_kw,q_kvar,base_kv,n_customers\nsub,0,0,0.4,0\na,3,1,0.4,1\nb,4,1.5,0.4,2\n"
BRANCHES = "from,to,r_ohm,x_ohm,closed,i_max_a\nsub,a,0.02,0.01,1,100\na,b,0.03,0.02,1,\n"
LOADS = "bus,p_kw,q_kvar\nsub,0,0\na,2,1\nb,5,0.5\n"
SELLERS = "seller,capacity_kwh,offer_per_kwh,frame,bus\ns1,5,3.2,day,a\ns2,3,4.1,day,b\n"
BUYERS = "buyer,demand_kwh,bid_per_kwh,frame,bus\nb1,4,6.5,day,a\nb2,6,5.5,day,b\n"
CASE = """\
function mpc = case3
%% a lane
mpc.version = '2';
mpc.baseMVA = 1;
mpc.bus = [ % bus type Pd Qd
 1 3 0 0 0 0 1 1 0 11 1 1.1 0.9;
 2 1 0.1 0.05 0 0 1 1 0 11 1 1.1 0.9;
 3 1 0.2 0.1 0 0 1 1 0 11 1 1.1 0.9;
];
mpc.gen = [1 0 0 10 -10 1.02 100 1 10 0];
mpc.branch = [
 1 2 0.01 0.02 0 0 0 0 0 0 1 -360 360;
 2 3 0.02 0.01 0 0 0 0 0 0 1 -360 360;
];
"""
NET = {"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": {"bus": {}}}

NASTY = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\x85", b"\xe2\x80\xa8", b"\r", b"\r\n", b"\t", b"\x1b",
    b"nan", b"NaN", b"inf", b"-inf", b".nan", b".inf", b"1e308", b"-1e308", b"1e400", b"1e-400",
    b"9" * 30, b"9" * 5000, b"-1", b"-0", b"0", b"1_000", b"0x1f", b"1,5", b"+-3", b"--3",
    "٣".encode(), "−3".encode(), b"true", b"null", b"~", b"''", b'"', b"'", b"{", b"}", b"[", b"]",
    b"[" * 400, b"{a: " * 60, b"- " * 200, b"&a [*a]", b"*a", b"<<: *a", b"<<: {days: 2}",
    b"!!python/object/apply:os.system [id]", b"!!binary aGk=", b"!!set {a}", b"!!timestamp x",
    b"2025-13-45", b"0001-01-01", b"9999-12-31 23:59:59", b"2025-11-02T06:00+05:30", b"? x\n: y",
    b"../../../etc/passwd", b"/etc/passwd", b"/dev/zero", b".", b"..", b"", b"~/x", b"a" * 5000,
    b"a: &x [1]\nb: *x\n", b"---\n", b"...\n", b"%YAML 9.9\n", b"# ", b";", b"%", b"=", b"\\",
    b",,", b"\xc2\xb2", b"!!int ''", b"!!bool x", b"!!float x", b"!!omap [a]", b"!!pairs 1",
]  # fmt: skip


def write_inputs(folder: Path) -> dict[str, Path]:
    """Write one sound study with all kinds of files into a folder; returns them by name."""
    texts = {
        "scenario.yaml": SCENARIO, "members.csv": MEMBERS, "lane_buses.csv": BUSES,
        "lane_branches.csv": BRANCHES, "loads.csv": LOADS, "sellers.csv": SELLERS,
        "buyers.csv": BUYERS, "case3.m": CASE, "net.json": json.dumps(NET),
    }  # fmt: skip
    market = Path(__import__("gridbazaar.market").market.__file__).parent
    texts["tariff.yaml"] = (market / "tariffs" / "simple.yaml").read_text()
    texts["rules.yaml"] = (market / "tariffs" / "delhi-2024.yaml").read_text()
    times = pd.date_range("2025-10-31", "2025-11-07", freq="60min", inclusive="left")
    hours = times.hour.to_numpy()
    load = pd.DataFrame({"timestamp": times, "one": 0.1 + hours / 50, "two": 0.3})
    texts["load.csv"] = load.to_csv(index=False)
    sun = np.clip(np.sin((hours - 6) / 12 * np.pi), 0, None)
    pv = pd.DataFrame({"timestamp": times, "anna": sun, "binu": sun, "chris, the third": sun})
    texts["pv.csv"] = pv.to_csv(index=False)
    texts["ausgrid.csv"] = _ausgrid()
    texts["ceew.csv"] = _ceew()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    load.to_parquet(folder / "load.parquet")
    return {path.name: path for path in folder.iterdir()}


def _ausgrid() -> str:
    head = "Customer,Generator Capacity,Postcode,Consumption Category,date,"
    head += ",".join(f"{i // 2}:{30 * (i % 2):02d}" for i in range(1, 49)) + ",Row Quality"
    rows = [
        f"{customer},2.0,2000,{kind},{day:%d/%m/%Y}," + ",".join(["0.25"] * 48) + ","
        for customer in (1, 2)
        for day in pd.date_range("2025-10-30", "2025-11-08")
        for kind in ("GC", "GG")
    ]
    return "\n".join(["a line about the file", head, *rows, ""])


def _ceew() -> str:
    times = pd.date_range("2025-10-31", periods=960, freq="15min")
    rows = [f"{time},0.01,231,m{meter}" for time in times for meter in (1, 2)]
    return "\n".join(["x_Timestamp,t_kWh,z_Avg Voltage (Volt),meter", *rows, ""])


def mutated(data: bytes, rng: random.Random) -> bytes:
    """What a file may look like after one to four accidents."""
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        data = rng.choice(ACCIDENTS)(data, rng)
    return data


def _flip(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] if rng.random() < 0.7 else data[at:]


def _insert(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(NASTY) + data[at:]


def _replace_word(data: bytes, rng: random.Random) -> bytes:
    """Another value in place of a number or word: what readers' own checks must catch."""
    at = rng.randrange(len(data) + 1)
    stops = b" ,:\n[]{};\"'"
    first = at
    while first > 0 and data[first - 1] not in stops:
        first -= 1
    last = at
    while last < len(data) and data[last] not in stops:
        last += 1
    return data[:first] + rng.choice(NASTY) + data[last:]


def _swap_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def _repeat_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    i = rng.randrange(len(lines))
    return b"\n".join(lines[:i] + [lines[i]] * rng.choice([2, 3, 500]) + lines[i + 1 :])


def _drop_line(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    del lines[rng.randrange(len(lines))]
    return b"\n".join(lines)


def _drop_column(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(4)
    rows = [line.split(b",") for line in data.split(b"\n")]
    return b"\n".join(b",".join(row[:at] + row[at + 1 :]) for row in rows)


def _encode(data: bytes, rng: random.Random) -> bytes:
    text = data.decode("utf-8", errors="replace")
    return text.encode(rng.choice(["utf-16", "utf-32", "latin-1", "utf-7", "utf-8-sig"]), "replace")


def _long_line(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice([b"x", b",", b"9", b" ", b"'", b"[", b"("]) * 200_000 + data[at:]


def _bomb(data: bytes, rng: random.Random) -> bytes:
    lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [b"a%d: &a%d [%s]" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 10)]
    return b"\n".join(lines) + b"\n" + data


def _nothing(data: bytes, rng: random.Random) -> bytes:
    return rng.choice([b"", b"\n", b" ", b"\xef\xbb\xbf", b"---", b"null", b"[]", b"{}", b'"'])


def _key(data: bytes, rng: random.Random) -> bytes:
    key = [b"1: 2", b"true: 1", b"null: 1", b"2025-11-01: x", b"? [a]\n: 1", b"days: 1\ndays: 2",
           b"<<: {seed: 1}", b"'': 1", b".nan: 1", b"name: mine"]  # fmt: skip
    return data + b"\n" + rng.choice(key) + b"\n"


ACCIDENTS = [
    *[_flip] * 3, _cut, *[_insert] * 3, *[_replace_word] * 6, _swap_lines, _repeat_lines,
    _drop_line, _drop_column, _encode, _long_line, _bomb, _nothing, _key,
]  # fmt: skip
