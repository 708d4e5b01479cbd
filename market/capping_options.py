"""How a clearing is kept within the feeder's limits: the names and numbers of the network loop."""

from __future__ import annotations

from dataclasses import dataclass

from .mechanism import ClearingRules

NETWORK_METHODS: dict[str, str] = {
    "adaptive-capping": "cap sellers at critical nodes, clear again, restore (published)",
    "constrained": "voltages as a constraint inside the search",
    "ignore": "clear without the network; voltages are only reported",
}
SWITCHES = ("tolerance", "front")
CAP_BASES = ("sold", "offer")


@dataclass(frozen=True, slots=True)
class CappingOptions:
    """How a clearing is kept within the feeder's limits.

    Parameters
    ----------
    method : {"adaptive-capping", "constrained", "ignore"}
        See `NETWORK_METHODS`.
    switch : {"tolerance", "front"}
        Which feasible point of the front may replace an infeasible choice: one that serves at
        least (1 - `switch_tolerance`) of its energy, or any.
    switch_tolerance : float
        0..1.
    cap_base : {"sold", "offer"}
        G_i <- factor min(G_i, s_i), or the literal published factor G_i.
    cap_factor : float
        Between 0 and 1.
    max_iterations : int
        Most capping rounds; the last of them stops all sellers that were capped. Bisection, which
        gives capacity back, takes some dozen clearings more.

    Examples
    --------
    >>> CappingOptions().cap_factor
    0.9
    """

    method: str = "adaptive-capping"
    switch: str = "tolerance"
    switch_tolerance: float = 0.0
    cap_base: str = "sold"
    cap_factor: float = 0.9
    max_iterations: int = 25

    @classmethod
    def of_rules(cls, rules: ClearingRules) -> CappingOptions:
        """Take the network part of a whole configuration.

        Parameters
        ----------
        rules : ClearingRules
            The configuration.

        Returns
        -------
        CappingOptions
            Its fields `network`, `switch`, ... `max_iterations`.

        Examples
        --------
        >>> CappingOptions.of_rules(ClearingRules(network="ignore")).method
        'ignore'
        """
        return cls(
            rules.network,
            rules.switch,
            rules.switch_tolerance,
            rules.cap_base,
            rules.cap_factor,
            rules.max_iterations,
        )
