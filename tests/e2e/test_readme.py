# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's commands, as a newcomer types them, against what ./quickstart starts; and quickstart's own promises."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from gateway import BINARY, ROOT, held_port, wait_until
from stores import Stores

WANT = {"metadata": '"CapabilityStatement"', "api/patient?_limit": '"data":[{"id"', "fhir/Patient?name": '"Belford"', "explain": "decision", "audit verify": "sound",
        "audit query": '"route":"GET /api/patient"', "readyz": '"ready":true', '"fname": "Ada"': '"pid"', "document?path": '"filename":"LICENSE"'}


def command(folder, port, *argv):
    return [str(ROOT / "quickstart"), "--dir", folder, "--port", str(port), "--patients", "20", "--binary", str(BINARY), *argv]


def quickstart(folder, port, *argv):
    done = subprocess.run(command(folder, port, *argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=300)
    return done.returncode, done.stdout.decode()


def left(folder):
    return subprocess.run(["pgrep", "-f", folder], stdout=subprocess.PIPE, check=False).stdout.decode().split()


@pytest.fixture(scope="module")
def demo():
    folder, held = tempfile.mkdtemp(prefix="quickstart-"), held_port()
    port = held.getsockname()[1]
    code, out = quickstart(folder, port, "--background")
    assert code == 0, out
    yield folder, port, out
    quickstart(folder, port, "--clean")
    held.close()
    shutil.rmtree(folder, ignore_errors=True)


def blocks():
    return re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)


def test_each_command_of_the_readme_works(demo):
    folder, port, _ = demo
    script = "\n".join(blocks()).replace("build/demo", folder)
    # each command's output behind the command itself
    done = subprocess.run(["bash", "-euv", "-o", "pipefail", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=300, env={**os.environ, "no_proxy": "localhost"})
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
    done = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=300)
    assert done.returncode == 0 and b"sound" in done.stdout, done.stdout.decode()


def test_a_second_start_beside_the_first_is_refused_and_harms_nothing(demo):
    folder, port, _ = demo
    pid = open(os.path.join(folder, "gatehouse.pid"), encoding="utf-8").read()
    code, out = quickstart(folder, port, "--background")
    assert code == 1 and "already" in out and "--stop" in out, out
    assert open(os.path.join(folder, "gatehouse.pid"), encoding="utf-8").read() == pid and pid.strip() in left(folder)


def test_a_second_start_keeps_the_data_and_stop_leaves_nothing(demo):
    folder, port, _ = demo
    code, _ = quickstart(folder, port, "--stop")
    assert code == 0
    assert left(folder) == []
    before = open(os.path.join(folder, "client.json"), encoding="utf-8").read()
    code, out = quickstart(folder, port, "--background")
    assert code == 0, out
    assert open(os.path.join(folder, "client.json"), encoding="utf-8").read() == before


def test_in_the_foreground_a_signal_ends_all_and_a_load_that_was_cut_short_is_made_anew(demo):
    folder, port, _ = demo
    assert quickstart(folder, port, "--stop")[0] == 0
    stores = Stores(folder)
    stores.start()
    stores.sql("DROP TABLE users", "openemr_default")
    open(os.path.join(folder, "default.sql"), "w", encoding="utf-8").close()  # it stays until all is loaded
    stores.stop()
    for signo in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with subprocess.Popen(command(folder, port), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as proc:
            lines = iter(proc.stdout.readline, b"")
            assert any(b"Ctrl-C stops it" in line for line in lines), proc.communicate()
            os.killpg(proc.pid, signo)
            proc.communicate(timeout=300)
        assert proc.returncode == 128 + signo
        wait_until(lambda: left(folder) == [], f"nothing is left after {signo.name}")


def test_what_cannot_work_is_told_in_a_line(tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("mine")
    with socket.socket() as taken, held_port() as free:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for folder, port, argv, word in (
            (tmp_path / "a", taken.getsockname()[1], (), "--port"),
            (tmp_path / "a", 99999, (), "--port"),
            (tmp_path / ("deep" * 30), free.getsockname()[1], (), "too deep"),
            (tmp_path / "my demo", free.getsockname()[1], (), "blank"),
            (foreign, free.getsockname()[1], (), "--dir"),
            (foreign, free.getsockname()[1], ("--clean",), "nothing is deleted"),
            (pathlib.Path("/proc/none"), free.getsockname()[1], (), "/proc/none"),
        ):
            code, out = quickstart(str(folder), port, *argv)
            assert code == 1 and word in out and len(out.splitlines()) == 1, (folder, argv, out)
    assert (foreign / "letter.txt").read_text() == "mine"
