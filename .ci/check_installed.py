"""Load every data file from an installed wheel, and see that nothing else came with it."""

from importlib.resources import files
from pathlib import Path

from gridbazaar.market.tariff_presets import preset_names
from gridbazaar.network.library import feeder_names, load_feeder
from gridbazaar.scenarios.load import load_scenario
from gridbazaar.scenarios.shipped import scenario_names
from gridbazaar.sim.build import build_world

root = Path(str(files("gridbazaar")))
print("installed in", root)
assert "site-packages" in root.parts, root
for name in feeder_names():
    assert load_feeder(name).n_buses > 1
for name in scenario_names():
    assert build_world(load_scenario(name, ["days=1"])).n_members > 0
presets = preset_names()
assert len(presets) >= 4, presets
page = root / "analysis" / "dashboard"
assert {p.suffix for p in page.iterdir()} >= {".css", ".py", ".vue"}, page
here = {p.name for p in root.iterdir() if p.name != "__pycache__"}
rooms = {"agents", "analysis", "market", "network", "scenarios", "sim"}
assert here == rooms | {"__init__.py", "__main__.py", "py.typed"}, here
print(len(feeder_names()), "feeders,", len(scenario_names()), "scenarios,", len(presets), "tariffs")
