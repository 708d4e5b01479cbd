"""A regulator's rules laid over a tariff, both as plain data."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from .tariff_reading import rules_from_dict

# Keys of a rules file that say what it is, and not what a tariff becomes under it.
_RULES_OWN = frozenset(
    {"kind", "name", "title", "source", "notes", "unconfirmed", "valid_from", "valid_to"}
)
# Keys of a tariff that rules replace whether they give them or not.
_REPLACED = frozenset(
    {
        "transaction_charge_per_kwh",
        "seller_share",
        "p2p_counts_towards_slabs",
        "imbalance",
        "one_arrangement",
        "p2p_max_kw",
        "schedule_ahead_minutes",
    }
)


def lay_rules(data: Mapping[str, Any], rules: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Lay rules over a tariff; what they leave out has the rules' default.

    Only the network charge stays the tariff's where the rules give none.

    Parameters
    ----------
    data : dict
        The tariff, in the layout of the files of `market/tariffs/`.
    rules : dict
        The rules, in the layout of those that say `kind: rules`.
    place : str
        The rules' file, for the messages.

    Returns
    -------
    dict
        What `tariff_reading.tariff_from_dict` takes: the tariff under the rules, which it names.

    Raises
    ------
    TariffError
        With every problem of the rules.

    Examples
    --------
    >>> rules = {"kind": "rules", "name": "half", "source": "made up",
    ...          "transaction_charge_per_kwh": 0.42}
    >>> laid = lay_rules({"network_charge_per_kwh": 0.31, "p2p_max_kw": 5}, rules, "half.yaml")
    >>> laid["rules"], laid["transaction_charge_per_kwh"], laid["network_charge_per_kwh"]
    ('half', 0.42, 0.31)
    >>> "p2p_max_kw" in laid
    False
    """
    checked = rules_from_dict(rules, place)
    laid = {key: value for key, value in rules.items() if key not in _RULES_OWN}
    kept = {key: value for key, value in data.items() if key not in _REPLACED}
    # What the rules replace is no longer a fact of the tariff, confirmed or not.
    texts: dict[str, Any] = {key: data.get(key, ()) for key in ("notes", "unconfirmed")}
    said = {
        "notes": (f"P2P rules: {checked.name} ({checked.source})", *checked.notes),
        "unconfirmed": checked.unconfirmed,
    }
    for key, given in texts.items():
        given = () if given is None else given
        if isinstance(given, list | tuple):  # else whoever reads the tariff lists what is wrong
            left = [text for text in given if str(text).partition(":")[0] not in laid]
            texts[key] = [*(given if key == "notes" else left), *said[key]]
    return {**kept, **copy.deepcopy(laid), "rules": checked.name, **texts}
