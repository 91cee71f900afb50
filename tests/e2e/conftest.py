# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the black-box tests: a gateway that a file's tests share, and a maker of gateways with settings of their own."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import Gateway  # noqa: E402


@pytest.fixture(scope="session")
def gateway():
    g = Gateway()
    yield g
    g.close()


@pytest.fixture
def make_gateway():
    """make_gateway(extra={…}, patients=N): a gateway for this test alone, with stores of its own."""
    made = []

    def make(**kw):
        made.append(Gateway(**kw))
        return made[-1]

    yield make
    for g in made:
        g.close()
