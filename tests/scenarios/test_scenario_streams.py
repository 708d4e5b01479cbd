import numpy as np

from gridbazaar.scenarios.streams import stream


def test_streams_are_the_same_on_every_machine():
    # Written down once: a change of these numbers changes every published result.
    assert stream(1, "pv-cloud", "home-001").integers(0, 10**6, 3).tolist() == [
        782921,
        177276,
        796425,
    ]


def test_every_part_of_the_key_matters():
    first = {
        key: stream(*key).random()
        for key in [(1, "a"), (2, "a"), (1, "b"), (1, "a", "x"), (1, "a", "", 1), (1, "", "a")]
    }
    assert len(set(first.values())) == len(first)


def test_neighbouring_keys_are_unlike():
    draws = np.stack([stream(0, "p", str(i)).standard_normal(2000) for i in range(30)])
    correlation = np.corrcoef(draws)
    assert np.abs(correlation[np.triu_indices(30, 1)]).max() < 0.12
