"""Draws that do not fit in memory are refused before they are drawn."""

import re

import pytest

import bayesgmm as bg
from bayesgmm.sampling import memory
from bayesgmm.sampling.memory import available, check_memory

SIZES = {"draws": 1000, "tune": 1000, "chains": 4}


def test_what_fits_is_not_refused():
    check_memory(30, SIZES)
    assert 1e6 < available() < 1e15


def test_the_estimate_grows_with_everything_that_is_drawn(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 0.0)

    def needed(n_values=1, copies=False, **sizes):
        given = {"draws": 10**9, "tune": 10**9, "chains": 4} | sizes
        with pytest.raises(ValueError) as caught:
            check_memory(n_values, given, copies)
        return float(re.search(r"about ([\d,.]+) GB", str(caught.value))[1].replace(",", ""))

    assert needed(chains=8) == pytest.approx(2 * needed(), rel=1e-3)
    for more in ({"n_values": 2}, {"copies": True}, {"draws": 2 * 10**9}, {"tune": 2 * 10**9}):
        assert needed(**more) > needed() + 1


def test_limits_of_the_process_and_the_container_count(monkeypatch):
    for place in ("_of_the_limit", "_of_the_container", "_of_the_machine"):
        with monkeypatch.context() as patch:
            patch.setattr(memory, place, lambda: 1e4)
            assert available() == 1e4
            with pytest.raises(ValueError, match=r"draws=30, .*; 0\.0 GB are free"):
                bg.sample(bg.GaussianMixture(1), [1.0, 2.0, 4.0], draws=30)


def test_the_size_of_a_draw_counts(monkeypatch):
    """One number to a draw would do; the seven of this mixture do not."""
    monkeypatch.setattr(memory, "available", lambda: 8e5)
    check_memory(1, SIZES | {"tune": 1, "chains": 2})
    with pytest.raises(ValueError, match="with 7 numbers to a draw"):
        bg.sample(bg.GaussianMixture(1), [[0.0, 1], [1, 3], [2, 4]], tune=1, chains=2)
