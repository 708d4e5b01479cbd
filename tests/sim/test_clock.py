"""Simultaneous events happen by phase, whatever the order of registration."""

import itertools

import pytest

from gridbazaar.sim.clock import Clock, Phase

PHASES = (Phase.METER, Phase.FRAME_END, Phase.MONTH_END, Phase.DAY_END, Phase.GATE)


@pytest.mark.parametrize("order", list(itertools.permutations(PHASES, 3)))
def test_phases_decide_ties(order):
    clock, seen = Clock(), []

    def process(phase):
        yield clock.at(60, phase)
        seen.append(phase)

    for phase in order:
        clock.add(process(phase))
    clock.run_through(60, Phase.FRAME_START)
    assert seen == sorted(order)


def test_running_through_a_phase_leaves_later_ones_of_the_minute():
    clock, seen = Clock(first_minute=30), []

    def process(phase):
        yield clock.at(60, phase)
        seen.append(phase)

    clock.add(process(Phase.GATE))
    clock.add(process(Phase.METER))
    clock.run_through(60, Phase.PAUSE)
    assert seen == [Phase.METER]
    assert clock.minute == 60


def test_an_error_keeps_its_list_of_problems():
    class Refused(Exception):
        def __init__(self, problems):
            super().__init__("\n".join(problems))
            self.problems = problems

    clock = Clock()

    def process():
        yield clock.at(1, Phase.GATE)
        raise Refused(["first", "second"])

    clock.add(process())
    with pytest.raises(Refused) as caught:
        clock.run_through(2, Phase.GATE)
    assert caught.value.problems == ["first", "second"]
