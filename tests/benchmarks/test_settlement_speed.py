"""Settling a month of 1,000 members: seconds, and as a ratio to plain Python loops."""

import hashlib
import time

import numpy as np

from gridbazaar.market.bill import bill_month, month_postings
from gridbazaar.market.billing_month import billing_months
from gridbazaar.market.ledger import Ledger
from gridbazaar.market.month_trade import MonthTrade
from gridbazaar.market.settlement import settle_frame
from gridbazaar.market.tariff import Slab, Tariff
from gridbazaar.market.tod import ToDFrame

N, FRAMES = 1000, 90
TARIFF = Tariff(
    "speed",
    (
        ToDFrame("day", 360, 1080, 0.9),
        ToDFrame("peak", 1080, 1320, 1.25),
        ToDFrame("night", 1320, 360),
    ),
    6.75,
    3.15,
    3.15,
    (Slab(50, 3.35, 50), Slab(100, 4.25, 85), Slab(float("inf"), 6.75, 220)),
    network_charge_per_kwh=0.31,
    transaction_charge_per_kwh=0.42,
)
START = np.datetime64("2025-11-01T06:00")


def market():
    """Meters and balanced contracts of a month."""
    rng = np.random.default_rng(1)
    frames = []
    for _ in range(FRAMES):
        x = rng.normal(0, 3, N)
        sold, bought = np.maximum(x, 0) * rng.uniform(0.3, 1.1, N), np.maximum(-x, 0)
        frames.append((x, sold, bought * (sold.sum() / bought.sum())))
    return frames


def with_package(frames):
    ledger = Ledger([f"h{i}" for i in range(N)])
    settled, starts, minutes, start = [], [], [], START
    for k, (x, sold, bought) in enumerate(frames):
        frame = TARIFF.frames[k % 3]
        end = start + np.timedelta64(frame.minutes, "m")
        done = settle_frame(
            TARIFF,
            k,
            frame.name,
            end,
            x,
            sold_kwh=sold,
            bought_kwh=bought,
            paid=bought * 5.1,
            received=sold * 5.1,
        )
        ledger.post(done.postings, end, k)
        settled.append(done), starts.append(start), minutes.append(frame.minutes)
        start = end
    (month,) = billing_months(starts, minutes)
    bills = bill_month(
        TARIFF,
        month,
        np.stack([done.billed_import_kwh for done in settled], axis=1),
        np.stack([done.grid_export_kwh for done in settled], axis=1),
        np.arange(FRAMES) % 3,
        trade=MonthTrade.of(settled),
    )
    ledger.post(month_postings(bills, 1e4), start)
    return ledger, bills


def half_up(minor):
    """Whole minor units of an amount >= 0, by the package's rule."""
    return int(round(minor, 6) + 0.5)


def split(exact, total):
    """Largest remainders, one member after the other."""
    shares = [round(value, 6) for value in exact]
    units = [int(value) for value in shares]
    order = sorted(
        (i for i, value in enumerate(shares) if value),
        key=lambda i: (units[i] - shares[i], -shares[i]),
    )
    for i in order[: total - sum(units)]:
        units[i] += 1
    return units


def with_loops(frames):
    """The same postings, to the paisa and chained, in plain Python loops."""
    balance = dict.fromkeys(range(-1, N), 0)
    usage = {i: [0.0, 0.0, 0.0] for i in range(N)}
    exported = dict.fromkeys(range(N), 0.0)
    postings, digest = [], ""

    def post(payer, payee, purpose, kwh, minor):
        if minor:
            postings.append((payer, payee, purpose, kwh, minor))
            balance[payer] -= minor
            balance[payee] += minor

    for k, (net, sold, bought) in enumerate(frames):
        net, sold, bought = net.tolist(), sold.tolist(), bought.tolist()
        first = len(postings)
        traded = sum(sold)
        total = half_up(traded * 510)
        fees = half_up(traded * 21 + sum(bought) * 21)
        seller_fees, buyer_fees = split([traded * 21, sum(bought) * 21], fees)
        for purpose, energy, rate, amount in (
            ("p2p_energy", bought, 510, total),
            ("network_charge", bought, 31, half_up(sum(bought) * 31)),
            ("transaction_charge", sold, 21, seller_fees),
            ("transaction_charge", bought, 21, buyer_fees),
        ):
            for i, minor in enumerate(split([kwh * rate for kwh in energy], amount)):
                post(i, -1, purpose, energy[i], minor)
        for i, minor in enumerate(split([kwh * 510 for kwh in sold], total)):
            post(-1, i, "p2p_energy", sold[i], minor)
        for i in range(N):
            y = net[i] - sold[i] + bought[i]
            if y < 0:
                usage[i][k % 3] -= y
            else:
                exported[i] += y
        digest = hashlib.sha256((digest + repr(postings[first:])).encode()).hexdigest()
    for i in range(N):
        parts = [round(part, 6) for part in usage[i]]
        used, low = round(sum(parts), 6), 0.0
        for slab in TARIFF.slabs:
            units = max(0.0, min(used, slab.up_to_kwh) - low)
            for part, frame in zip(parts, TARIFF.frames, strict=True):
                if units and part:
                    share = part * (units / used)
                    rate = slab.rate_per_kwh * frame.multiplier
                    post(i, -1, "grid_energy", share, half_up(share * rate * 100))
            if used <= slab.up_to_kwh:
                post(i, -1, "fixed_charge", 0.0, half_up(slab.fixed_single_per_month * 100))
                break
            low = slab.up_to_kwh
        credit = half_up(round(exported[i], 6) * TARIFF.feed_in_per_kwh * 100)
        post(-1, i, "export_credit", exported[i], credit)
    return balance


def timed(work, frames):
    start = time.perf_counter()
    result = work(frames)
    return time.perf_counter() - start, result


def test_a_month_of_a_thousand_members_settles_within_a_second_and_beats_plain_loops(capsys):
    frames = market()
    seconds, (ledger, bills) = min(
        (timed(with_package, frames) for _ in range(3)), key=lambda r: r[0]
    )
    loop_seconds, balance = timed(with_loops, frames)
    with capsys.disabled():
        print(
            f"\n  month of {N} members, {FRAMES} frames, {len(ledger)} postings: {seconds:.3f} s, "
            f"plain loops {loop_seconds:.3f} s, ratio {loop_seconds / seconds:.1f}"
        )
    # Two ways to the same money: a paisa may differ only where sums are added in another order.
    loops = -np.array([balance[i] for i in range(N)])
    assert np.abs(bills.total_minor - loops).max() <= 1
    assert seconds <= 1.0
    assert loop_seconds / seconds >= 2.0
