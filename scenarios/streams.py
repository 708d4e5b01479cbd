"""Random streams: one seed makes one result, whatever the order, process count or interruption.

A stream is found by what it is for, never taken from a generator that others also draw from.
Adding a member, a purpose or a day therefore leaves all other draws as they were.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, purpose: str, agent_id: str = "", day: int = 0) -> np.random.Generator:
    """Generator of the one stream that belongs to (seed, purpose, agent, market day).

    The key is hashed with BLAKE2b, which gives the same words on every machine and Python (the
    built-in ``hash`` does not), and seeds a ``SeedSequence`` of 256 bits.

    Parameters
    ----------
    seed : int
        The scenario's seed.
    purpose : str
        What is drawn, e.g. ``"pv-owner"``.
    agent_id : str
        The member that it is drawn for; empty for what belongs to nobody.
    day : int
        Market day, 0 for what is drawn once.

    Returns
    -------
    numpy.random.Generator
        A fresh PCG64 generator at the start of its stream.

    Examples
    --------
    >>> round(stream(1, "pv-owner", "H01").random(), 4) == round(
    ...     stream(1, "pv-owner", "H01").random(), 4)
    True
    >>> stream(1, "pv-owner", "H01").random() == stream(1, "pv-owner", "H02").random()
    False
    """
    key = repr((int(seed), str(purpose), str(agent_id), int(day))).encode()
    digest = hashlib.blake2b(key, digest_size=32, person=b"gridbazaar").digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))
