"""Flexible load: energy that must be used within the day, at a time that its owner may choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

_KNOWN_DAYS = 7
# Costs that differ by less are equal: a start is then chosen by habit [currency].
_SAME_COST = 1e-9


@dataclass(frozen=True)
class FlexibleLoad:
    """The flexible loads of all members; each runs once a market day, in one block.

    Attributes
    ----------
    energy_kwh : ndarray (n_members, n_days)
        Energy of each market day, history included; 0 for members without.
    history_days : int
        Days of history: column of the run's first day.
    earliest, latest : int
        Window within the market day, in intervals from its beginning: the block begins no sooner
        and ends no later.
    duration : int
        Length of the block, in intervals.
    by : {'tariff', 'price'}
        What its time is chosen by: the retail tariff alone, or what each member expects to pay and
        to earn, its own surplus counted.
    habit : ndarray (n_members,)
        In [0, 1): which of equally cheap times a member takes, from the first to the last.
    """

    energy_kwh: np.ndarray
    history_days: int
    earliest: int
    latest: int
    duration: int
    by: Literal["tariff", "price"]
    habit: np.ndarray

    @property
    def last_start(self) -> int:
        """Latest interval at which a block can begin."""
        return self.latest - self.duration

    def expected_kwh(self, day: int) -> np.ndarray:
        """Return what members expect a day to need: the mean of up to seven days before it.

        Parameters
        ----------
        day : int
            Market day of the run in which the expectation is formed, from 0; only days before it
            are known.

        Returns
        -------
        ndarray (n_members,)
            [kWh].
        """
        known = self.history_days + day
        return np.asarray(self.energy_kwh[:, max(known - _KNOWN_DAYS, 0) : known].mean(axis=1))

    def running_kwh(self, day: int, start: np.ndarray, interval: int) -> np.ndarray:
        """Return what each block that began at `start` draws in an interval of a day, (n,)."""
        runs = (start >= 0) & (start <= interval) & (interval < start + self.duration)
        energy = self.energy_kwh[:, self.history_days + day]
        return np.where(runs, energy / self.duration, 0.0)

    def blocks(self, energy_kwh: np.ndarray, start: np.ndarray, n_intervals: int) -> np.ndarray:
        """Return blocks as profiles (n_members, n_intervals); a negative start is none at all.

        Examples
        --------
        >>> load = FlexibleLoad(np.ones((1, 2)), 1, 0, 8, 2, "tariff", np.zeros(1))
        >>> load.blocks(np.array([1.0]), np.array([1]), 4)
        array([[0. , 0.5, 0.5, 0. ]])
        """
        at = np.arange(n_intervals)
        runs = (
            (start[:, None] <= at) & (at < start[:, None] + self.duration) & (start >= 0)[:, None]
        )
        return np.where(runs, energy_kwh[:, None] / self.duration, 0.0)

    def cheapest_start(
        self,
        energy_kwh: np.ndarray,
        net_kwh: np.ndarray,
        buy_per_kwh: np.ndarray,
        sell_per_kwh: np.ndarray,
        first: int,
    ) -> np.ndarray:
        """Return the interval at which each member's block would be cheapest.

        In an interval the block takes what the member has left over, which then is not sold, and
        buys the rest:  cost = sell x min(e, surplus) + buy x (e - min(e, surplus)).

        Parameters
        ----------
        energy_kwh : ndarray (n_members,)
            Energy that each block is expected to need.
        net_kwh : ndarray (n_members, n_intervals)
            PV less other load that is expected, from interval `first` of the market day on.
        buy_per_kwh, sell_per_kwh : ndarray (n_members or 1, n_intervals)
            Prices expected in the same intervals.
        first : int
            First interval of the market day that is still open.

        Returns
        -------
        ndarray (n_members,) of int
            Interval of the market day; -1 if none is open any more.

        Examples
        --------
        Two cheap hours at the end of four: a block of two fits nowhere better.

        >>> load = FlexibleLoad(np.ones((1, 2)), 1, 0, 4, 2, "tariff", np.zeros(1))
        >>> price = np.array([[8.0, 8.0, 6.0, 6.0]])
        >>> load.cheapest_start(np.ones(1), np.zeros((1, 4)), price, price, 0)
        array([2])
        """
        open_from = max(self.earliest, first)
        n = self.last_start - open_from + 1
        if n <= 0:
            return np.full(len(energy_kwh), -1)
        ahead = slice(open_from - first, self.latest - first)
        power = energy_kwh[:, None] / self.duration
        own = np.minimum(np.maximum(net_kwh[:, ahead], 0.0), power)
        cost = sell_per_kwh[:, ahead] * own + buy_per_kwh[:, ahead] * (power - own)
        until = np.concatenate([np.zeros((len(cost), 1)), np.cumsum(cost, axis=1)], axis=1)
        total = until[:, self.duration :][:, :n] - until[:, :n]
        cheap = total <= total.min(axis=1, keepdims=True) + _SAME_COST
        wanted = np.floor(self.habit * cheap.sum(axis=1)).astype(np.int64) + 1
        return np.asarray(open_from + (np.cumsum(cheap, axis=1) >= wanted[:, None]).argmax(axis=1))
