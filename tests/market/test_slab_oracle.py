"""Bills against a plain calculation in decimals that shares no code with the package."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridbazaar.market.bill import bill_month
from gridbazaar.market.billing_month import BillingMonth
from gridbazaar.market.tariff_presets import preset_file
from gridbazaar.market.tariff_reading import tariff_from_dict

PRESETS = {
    name: yaml.safe_load(preset_file(name).read_text("utf-8"))
    for name in ("kseb-2025", "kseb-older", "simple", "report")
}
units = st.one_of(
    st.sampled_from([0, 50, 100, 150, 200, 250, 300, 350, 400, 500]).map(Decimal),
    st.decimals(0, 700, places=3),
)


def paise(amount):
    return int((amount * 100).to_integral_value(ROUND_HALF_UP))


def by_hand(data, by_frame, three_phase, days):
    """The bill in paise, line by line, as the order's text has it."""
    share = Decimal(days) / 30
    kind = "fixed_three_per_month" if three_phase else "fixed_single_per_month"
    dec = {
        key: Decimal(str(value)) for key, value in data.items() if isinstance(value, (int, float))
    }
    flat = {"rate_per_kwh": data["reference_rate_per_kwh"]}
    steps = data.get("slabs", [flat])
    used = sum(by_frame)
    multipliers = [Decimal(str(frame["multiplier"])) for frame in data["frames"]]
    tod = used > dec.get("tod_above_kwh", Decimal(0)) * share
    total = 0

    def charge(kwh, rate):
        if not tod:
            return paise(kwh * rate)
        lines = zip(by_frame, multipliers, strict=True)
        return sum(paise(part * kwh / used * rate * factor) for part, factor in lines if used)

    for step in (
        data.get("all_units", [])
        if used > Decimal(steps[-1].get("up_to_kwh", 10**9)) * share
        else []
    ):
        if used <= Decimal(step.get("up_to_kwh", 10**9)) * share:
            fixed = Decimal(str(step.get(kind, 0)))
            return charge(used, Decimal(str(step["rate_per_kwh"]))) + paise(fixed * share)
    low, fixed = Decimal(0), Decimal(str(steps[0].get(kind, 0)))
    for step in steps:
        high = Decimal(step.get("up_to_kwh", 10**9)) * share
        if used > low:
            total += charge(min(used, high) - low, Decimal(str(step["rate_per_kwh"])))
            fixed = Decimal(str(step.get(kind, 0)))
        low = high
    return total + paise(fixed * share)


@pytest.mark.parametrize("name", PRESETS)
@settings(deadline=None, max_examples=120)
@given(st.tuples(units, units, units), st.booleans(), st.sampled_from([30, 15, 6, 1]))
@example((Decimal(250), Decimal(0), Decimal(0)), False, 30)
@example((Decimal("83.333"), Decimal("83.333"), Decimal("83.334")), False, 30)
@example((Decimal(125), Decimal(0), Decimal(0)), True, 15)
@example((Decimal(500), Decimal(0), Decimal(0)), False, 30)
def test_bill_is_the_one_a_clerk_would_write(name, by_frame, three_phase, days):
    data = PRESETS[name]
    tariff = tariff_from_dict(data, name)
    month = BillingMonth(2025, 11, 0, 3, days * 1440)
    bills = bill_month(
        tariff,
        month,
        [[float(part) for part in by_frame]],
        [[0.0, 0.0, 0.0]],
        [0, 1, 2],
        three_phase=[three_phase],
        pv_kw=[0.0],
    )
    assert int(bills.total_minor[0]) == by_hand(data, by_frame, three_phase, days)
