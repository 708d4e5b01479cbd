"""Frames, market days and billing months."""

import datetime as dt
from itertools import pairwise

from gridbazaar.market.tod import ToDFrame
from gridbazaar.sim.calendar import Calendar

KSEB = (
    ToDFrame("normal", 360, 1080),
    ToDFrame("peak", 1080, 1320),
    ToDFrame("off-peak", 1320, 360),
)


def calendar(days: int = 30, closure: int = 60) -> Calendar:
    return Calendar(KSEB, dt.date(2025, 11, 1), days, 15, closure)


def test_thirty_days_of_november_are_ninety_frames_and_one_month():
    frames = calendar().frames
    assert len(frames) == 90
    assert {frame.month for frame in frames} == {"2025-11"}
    assert frames[0].start == dt.datetime(2025, 11, 1, 6)
    assert frames[-1].end == dt.datetime(2025, 12, 1, 6)


def test_a_frame_that_crosses_midnight_stays_one_frame():
    off_peak = calendar().frames[2]
    assert (off_peak.start, off_peak.end) == (
        dt.datetime(2025, 11, 1, 22),
        dt.datetime(2025, 11, 2, 6),
    )
    assert off_peak.day == 0


def test_frames_follow_one_another_without_gap():
    frames = calendar().frames
    assert all(a.end_minute == b.start_minute for a, b in pairwise(frames))


def test_the_gate_closes_an_hour_before_but_never_before_the_run():
    frames = calendar().frames
    assert [frame.gate_minute for frame in frames[:3]] == [0, 11 * 60, 15 * 60]


def test_each_interval_of_the_day_knows_its_frame():
    names = calendar().frame_name_of_interval
    assert len(names) == 96
    assert (names[0], names[47], names[48], names[63], names[64], names[95]) == (
        "normal",
        "normal",
        "peak",
        "peak",
        "off-peak",
        "off-peak",
    )
