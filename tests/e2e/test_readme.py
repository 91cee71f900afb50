# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's commands, as a newcomer types them, against what ./quickstart starts; and quickstart's own promises."""
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from gateway import BINARY, ROOT, free_port

WANT = {"metadata": '"CapabilityStatement"', "api/patient?_limit": '"data":[{"id"', "fhir/Patient?name": '"Belford"', "explain": "decision", "audit verify": "sound",
        "audit query": '"route":"GET /api/patient"', "readyz": '"ready":true', '"fname": "Ada"': '"pid"', "document?path": '"filename":"LICENSE"'}


def quickstart(folder, port, *argv):
    done = subprocess.run([str(ROOT / "quickstart"), "--dir", folder, "--port", str(port), "--patients", "20", "--binary", str(BINARY), *argv],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=120)
    return done.returncode, done.stdout.decode()


@pytest.fixture(scope="module")
def demo():
    folder, port = tempfile.mkdtemp(prefix="quickstart-"), free_port()
    code, out = quickstart(folder, port, "--background")
    assert code == 0, out
    yield folder, port, out
    quickstart(folder, port, "--clean")
    shutil.rmtree(folder, ignore_errors=True)


def blocks():
    return re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)


def test_each_command_of_the_readme_works(demo):
    folder, port, _ = demo
    script = "\n".join(blocks()).replace("build/demo", folder)
    # each command's output behind the command itself
    done = subprocess.run(["bash", "-euv", "-o", "pipefail", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=120, env={**os.environ, "no_proxy": "localhost"})
    out = done.stdout.decode()
    assert done.returncode == 0, out
    for command, word in WANT.items():
        assert command in out and word in out, f"{command}: {word}\n{out[-3000:]}"


def test_env_has_what_it_promises(demo):
    text = open(os.path.join(demo[0], "env"), encoding="utf-8").read()
    for name in ("ORIGIN", "CA", "CONTROL", "BIN", "CONFIG", "CLIENT_ID", "CLIENT_SECRET", "STAFF_USERNAME", "STAFF_PASSWORD", "PATIENT_USERNAME",
                 "PATIENT_PASSWORD", "PATIENT_EMAIL", "DB_SOCKET", "REDIS_SOCKET", "PID"):
        assert re.search(rf"^GATEHOUSE_{name}=\S+$", text, re.M), name


def test_what_quickstart_prints_to_try_works(demo):
    folder, _, printed = demo
    script = printed.split("):\n", 1)[1]
    done = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60)
    assert done.returncode == 0 and b"sound" in done.stdout, done.stdout.decode()


def test_a_second_start_keeps_the_data_and_stop_leaves_nothing(demo):
    folder, port, _ = demo
    code, _ = quickstart(folder, port, "--stop")
    assert code == 0
    left = subprocess.run(["pgrep", "-f", folder], stdout=subprocess.PIPE, check=False).stdout.decode().split()
    assert left == [], left
    before = open(os.path.join(folder, "client.json"), encoding="utf-8").read()
    code, out = quickstart(folder, port, "--background")
    assert code == 0, out
    assert open(os.path.join(folder, "client.json"), encoding="utf-8").read() == before
