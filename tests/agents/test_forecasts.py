"""Forecasts: causal, unbiased where they claim it, and as good as measured homes allow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbazaar.agents.forecast import ForecastRequest, ForecastSetup
from gridbazaar.agents.forecast_clear_sky import ClearSkyScaled
from gridbazaar.agents.registry import FORECASTS
from gridbazaar.scenarios.loads import nsw_homes_2013
from gridbazaar.scenarios.streams import stream

PER_DAY = 24
MONDAY = 0


def setup(n_members: int = 2, n_intervals: int = 2000, **settings_of_noise: float) -> ForecastSetup:
    return ForecastSetup(
        "load",
        tuple(f"home-{i}" for i in range(n_members)),
        n_intervals,
        60,
        draw=lambda purpose, agent: stream(1, purpose, agent),
        **settings_of_noise,
    )


def history(seed: int, n_days: int = 30) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.gamma(1.0, 0.5, (2, n_days * PER_DAY))


def request(past: np.ndarray, horizon: int = 36, **more) -> ForecastRequest:
    return ForecastRequest(past, horizon, PER_DAY, MONDAY, **more)


@pytest.mark.parametrize("name", [n for n, f in FORECASTS.items() if not f.foresees])
@pytest.mark.parametrize("n_days", [1, 3, 30])
def test_every_honest_method_gives_finite_energies_from_any_history(name, n_days):
    past = history(1, n_days)
    got = FORECASTS[name](setup()).predict(request(past))
    assert got.shape == (2, 36)
    assert np.isfinite(got).all() and (got >= 0.0).all()


@pytest.mark.parametrize("name", FORECASTS)
def test_what_never_changes_is_forecast_exactly(name):
    past = np.full((2, 28 * PER_DAY), 0.7)
    future = np.full((2, 36), 0.7)
    method = FORECASTS[name](setup(noise=0.0))
    actual = future if method.foresees else None
    got = method.predict(request(past, actual_kwh=actual))
    assert got == pytest.approx(future, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(["average", "ar", "weekly"]))
def test_members_are_forecast_alone(seed, name):
    past = history(seed)
    together = FORECASTS[name](setup()).predict(request(past))
    alone = FORECASTS[name](setup()).predict(request(past[1:]))
    assert together[1:] == pytest.approx(alone, abs=1e-12)


def test_weekends_are_told_from_weekdays():
    """A home that uses energy on weekends only: on Monday nothing is expected, on Saturday all."""
    weekend = np.repeat([0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0] * 4, PER_DAY)
    for name in ("weekly", "average"):
        method = FORECASTS[name](setup(1))
        week = method.predict(request(weekend[None], horizon=7 * PER_DAY))
        assert week[0, : 5 * PER_DAY] == pytest.approx(0.0, abs=1e-12)
        assert week[0, 5 * PER_DAY :] == pytest.approx(1.0)


def test_the_average_is_the_weighted_mean_of_its_definition():
    past = history(3, 12)
    got = FORECASTS["average"](setup()).predict(request(past, horizon=PER_DAY))
    days = past.reshape(2, 12, PER_DAY)
    weekday = [d for d in range(12) if (d - 12) % 7 < 5]  # the gate closes on a Monday, 00:00
    weights = 0.9 ** np.arange(len(weekday))[::-1]
    wanted = np.einsum("nds,d->ns", days[:, weekday], weights) / weights.sum()
    assert got == pytest.approx(wanted)


def test_the_correction_follows_the_last_hour_and_fades():
    rng = np.random.default_rng(5)
    noise = np.zeros(40 * PER_DAY)
    for t in range(1, len(noise)):
        noise[t] = 0.9 * noise[t - 1] + 0.1 * rng.standard_normal()
    noise[-1] = 2.0
    past = (3.0 + noise)[None]
    both = {name: FORECASTS[name](setup(1)).predict(request(past)) for name in ("average", "ar")}
    gap = (both["ar"] - both["average"])[0]
    assert gap[0] > 1.0
    assert (np.diff(gap) < 0.0).all() and gap[-1] < 0.3 * gap[0]


@pytest.mark.parametrize("size", [0.1, 0.4])
def test_noise_has_its_size_its_persistence_and_no_bias(size):
    n = 60_000
    method = FORECASTS["noisy"](setup(1, n, noise=size, noise_hours=3.0))
    factor = method.predict(request(np.zeros((1, 0)), n, actual_kwh=np.ones((1, n))))[0]
    assert factor.mean() == pytest.approx(1.0, abs=0.02)
    assert factor.std() == pytest.approx(size, rel=0.05)
    log = np.log(factor) - np.log(factor).mean()
    assert (log[1:] * log[:-1]).mean() / (log**2).mean() == pytest.approx(np.exp(-1 / 3), abs=0.02)


def test_noise_is_shared_as_far_as_it_is_said_to_be():
    n = 20_000
    for share in (0.0, 0.5, 1.0):
        method = FORECASTS["noisy"](setup(2, n, noise=0.3, noise_shared=share, noise_hours=0.0))
        got = np.log(method.predict(request(np.zeros((2, 0)), n, actual_kwh=np.ones((2, n)))))
        assert np.corrcoef(got)[0, 1] == pytest.approx(share, abs=0.03)


def test_an_interval_keeps_its_error_at_every_gate_and_in_a_longer_run():
    actual = np.ones((2, 10))
    short = FORECASTS["noisy"](setup(n_intervals=500, noise=0.3))
    long = FORECASTS["noisy"](setup(n_intervals=900, noise=0.3))
    early = short.predict(request(np.zeros((2, 100)), 10, actual_kwh=actual))
    late = long.predict(request(np.zeros((2, 104)), 6, actual_kwh=actual[:, 4:]))
    assert np.array_equal(early[:, 4:], late)


@settings(max_examples=30, deadline=None)
@given(clearness=st.floats(0.0, 1.2), drift=st.floats(0.9, 1.1), learned=st.booleans())
def test_a_sky_of_constant_clearness_is_forecast_exactly(clearness, drift, learned):
    """Clear sky times clearness follows the sun, where repeating yesterday's kWh would lag."""
    shape = np.clip(np.sin((np.arange(PER_DAY) - 6) / 12 * np.pi), 0.0, None)
    rise = 1.0 if learned else drift
    clear = (rise ** np.arange(12))[:, None] * shape
    clear = np.stack([clear.ravel(), np.zeros(clear.size)])
    past = clearness * clear[:, : 10 * PER_DAY]
    for inner in ("persistence", "average", "ar", "weekly"):
        method = ClearSkyScaled(FORECASTS[inner](setup()))
        given = None if learned else clear
        got = method.predict(request(past, horizon=2 * PER_DAY, clear_sky_kwh=given))
        assert got == pytest.approx(clearness * clear[:, 10 * PER_DAY :], abs=1e-9)


def november_errors(name: str) -> tuple[float, float, float, float]:
    """MAE over mean of the median home, of 33 together, of their frames; the community's bias."""
    series = nsw_homes_2013()
    kwh = series.kwh.reshape(len(series.names), -1)
    first = int((np.datetime64("2013-11-01") - series.first).astype(int))
    method = FORECASTS[name](ForecastSetup())
    errors, actual, in_frames, of_frames = [], [], [], []
    for day in range(first, first + 30):
        weekday = (int(series.first.astype("datetime64[D]").astype(int)) + day + 3) % 7
        for slot, length in ((12, 24), (36, 8), (44, 16)):
            begin = day * 48 + slot
            past = kwh[:, begin - 2 - 28 * 48 : begin - 2]
            minute = weekday * 1440 + slot * 30 - 60
            expected = method.predict(ForecastRequest(past, 2 + length, 48, minute))[:, 2:]
            shown = kwh[:, begin : begin + length]
            errors.append(expected - shown)
            actual.append(shown)
            in_frames.append((expected - shown).sum())
            of_frames.append(shown.sum())
    error, shown = np.concatenate(errors, axis=1), np.concatenate(actual, axis=1)
    home = np.median(np.abs(error).mean(axis=1) / shown.mean(axis=1))
    together = np.abs(error.sum(axis=0)).mean() / shown.sum(axis=0).mean()
    frames = np.abs(in_frames).mean() / np.mean(of_frames)
    return float(home), float(together), float(frames), float(error.mean() / shown.mean())


@pytest.mark.parametrize(
    ("name", "measured"),
    [
        ("persistence", (1.0, 0.28, 0.12)),
        ("weekly", (0.98, 0.26, 0.09)),
        ("average", (0.85, 0.19, 0.075)),
        ("ar", (0.85, 0.19, 0.075)),
    ],
)
def test_errors_on_measured_homes_in_a_held_out_november(name, measured):
    home, together, frames, bias = november_errors(name)
    assert (home, together) == pytest.approx(measured[:2], abs=0.015)
    assert frames == pytest.approx(measured[2], abs=0.006)
    assert abs(bias) < 0.03
