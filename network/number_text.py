"""Numbers as they stand in users' files: decimal notation, and nothing that only Python reads."""

from __future__ import annotations

import re

DECIMAL = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBER = re.compile(rf"{DECIMAL}|[-+]?inf(?:inity)?|nan", re.IGNORECASE | re.ASCII)


def number_from_text(text: str) -> float:
    """Read a number in decimal notation; ``nan`` and ``inf`` are understood, ``5_0`` is not.

    Parameters
    ----------
    text : str
        The number, without white space around it.

    Returns
    -------
    float
        Its value.

    Raises
    ------
    ValueError
        If the text is no number.

    Examples
    --------
    >>> number_from_text("-1.5e3"), number_from_text(".5")
    (-1500.0, 0.5)
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number: write it in decimal notation, such as 0.25")
    return float(text)
