"""Runs under other rules, tariffs and network methods pass the audit too; and what they keep."""

import numpy as np
import pytest

from gridbazaar.analysis.audit import audit_run
from gridbazaar.sim.run import run_scenario

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
ONE_DAY = ["days=1", "market.engine=exact"]
SIMPLE = "tariff={{preset: simple, {}}}"
VARIANTS = {
    "gross metering": [SIMPLE.format("metering: gross-metering")],
    "netting by interval": [SIMPLE.format("netting: interval"), "settlement.imbalance=single"],
    "negative feed-in": [SIMPLE.format("feed_in_per_kwh: -0.5")],
    "nobody may sell": [SIMPLE.format("p2p_max_kw: 0.5")],
    "P2P opens slabs": ["tariff={preset: kseb-2025, p2p_counts_towards_slabs: true}"],
    "bank of each frame": ["tariff={preset: kseb-2025, banking: {scope: frame}}"],
    "net metering beside trade, which Delhi's rules exclude": [
        "tariff=kseb-2025",
        "settlement.rules=delhi-2024",
        "gate_closure_minutes=120",
    ],
    "rules of Delhi after their end": [
        "settlement.rules=delhi-2024",
        "gate_closure_minutes=120",
        "start=2027-11-01",
    ],
    "above the limit without sales": ["feeder.source_voltage_pu=1.0505"],
    "more load than the feeder can carry": ["profiles.load_scale=12"],
    "below the limit without sales": ["feeder.source_voltage_pu=0.955"],
    "sellers stopped altogether": ["market.max_iterations=1"],
    "literal caps": ["market.cap_base=offer", "market.cap_factor=0.7"],
    "another point of the front": ["market.switch=front", "market.objectives=per-buyer"],
    "network ignored": ["market.network=ignore"],
    "no market": ["market.mechanism=grid-only"],
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_run_of_another_kind_passes(tmp_path, name):
    run = run_scenario("kerala-village", [*ONE_DAY, *VARIANTS[name]], out=tmp_path / "run")
    failed = [(c.name, c.detail) for c in audit_run(run.path).checks if not c.ok]
    assert failed == []


def test_every_clearing_is_kept_with_the_cap_of_each_seller(tmp_path):
    run = run_scenario("kerala-village", ONE_DAY, out=tmp_path / "run")
    frames = run.frames.set_index("frame_id")
    assert frames.v_max_unchecked_pu.notna().all()
    calm = frames[frames.iterations == 0]
    # Without a step the first schedule stands; exports admitted beside it raise voltages at most.
    assert (calm.v_max_unchecked_pu <= calm.v_max_pu + 1e-9).all()
    (capped,) = frames.index[frames.iterations > 0]
    steps, caps = run.capping, run.caps
    assert set(steps.frame_id) == {capped}
    first = caps[caps.step == 0].set_index("prosumer")
    second = caps[caps.step == 1].set_index("prosumer")
    ratio = (second.cap_kwh / first[["cap_kwh", "sold_kwh"]].min(axis=1)).to_numpy()
    lowered = second.cap_kwh.to_numpy() < first.cap_kwh.to_numpy()
    np.testing.assert_allclose(ratio[lowered], 0.9, rtol=1e-12)
    assert lowered.any() and not lowered.all()
    by_step = caps.groupby("step")[["cap_kwh", "sold_kwh"]].sum()
    np.testing.assert_allclose(by_step.cap_kwh, steps.caps_kwh, rtol=1e-12)
    np.testing.assert_allclose(by_step.sold_kwh, steps.traded_kwh, rtol=1e-12)


def test_evaluations_are_those_of_all_clearings_of_a_frame(tmp_path):
    """By the exact front, which evaluates each of its points once."""

    def first_frame(*settings):
        out = tmp_path / "-".join(["run", *settings])
        return run_scenario("kerala-village", [*ONE_DAY, *settings], out=out).frames.iloc[0]

    points = first_frame("market.network=ignore").evaluations
    known = first_frame()  # rounds look at the point to be chosen, and the end at the whole front
    assert known.iterations > 10
    assert known.evaluations == points + (known.iterations - 1) + points
    searched = first_frame("market.switch_tolerance=1e-6")  # every round may need its front
    assert searched.iterations > 10
    assert searched.evaluations == points * searched.iterations
