# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the black-box tests: a gateway that a file's tests share, and a maker of gateways with settings of their own."""
import contextlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import PATIENT, Gateway  # noqa: E402
from stores import running  # noqa: E402

Gateway.fsync, Gateway.settings = False, PATIENT


@pytest.fixture(scope="session")
def gateway():
    g = Gateway()
    yield g
    g.close()


@pytest.fixture(scope="session")
def shared_stores(tmp_path_factory):
    """MariaDB and Redis for gateways that come and go within a file."""
    with running(tmp_path_factory.mktemp("stores"), fsync=False) as stores:
        yield stores


@pytest.fixture
def make_gateway(request):
    """make_gateway(extra={…}): a gateway for this test alone. own_stores=True where the test stops or breaks them, whole=False where one is missing."""
    with contextlib.ExitStack() as made:
        def make(own_stores=False, **kw):
            g = Gateway(stores=None if own_stores else request.getfixturevalue("shared_stores"), **kw)
            made.callback(g.close)
            return g
        yield make
