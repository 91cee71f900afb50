# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests of the Standard and Portal API: one MariaDB, one Redis and one gateway for the whole process. --resource NAME runs
the rows of one resource: `pytest tests/api --resource encounter`."""
import contextlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import PATIENT, Gateway  # noqa: E402
from generation import Generations  # noqa: E402
from stores import running  # noqa: E402

Gateway.settings = PATIENT


def pytest_addoption(parser):
    parser.addoption("--resource", help="only rows of this resource")


def pytest_configure(config):
    config.addinivalue_line("markers", "resource(name): the resource that a row is about")


def pytest_collection_modifyitems(config, items):
    wanted = config.getoption("--resource")
    if not wanted:
        return
    def about(item):
        row = getattr(item, "callspec", None)
        return any(wanted == getattr(v, "resource", None) for v in (row.params.values() if row else ()))
    config.hook.pytest_deselected(items=[i for i in items if not about(i)])
    items[:] = [i for i in items if about(i)]


@pytest.fixture(scope="session")
def api(tmp_path_factory):
    with running(tmp_path_factory.mktemp("stores"), fsync=False) as stores:
        try:
            generations = Generations(stores)
        except BaseException as e:  # a SystemExit would be tried again for each test
            raise RuntimeError(e) from e
        with contextlib.closing(generations):
            yield generations
