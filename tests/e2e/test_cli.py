# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: help of each command, all configuration errors at once with file, line, path and what was expected, clients, and the
commented example that is what the program prints."""
import json
import pathlib
import re
import subprocess

import pytest

from gateway import BINARY, ROOT, quickstart

COMMANDS = ("serve", "check", "config", "explain", "client", "key", "site", "audit", "version")


def run(*argv):
    done = subprocess.run([str(BINARY), *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command):
    code, out, err = run(command, "--help")
    assert code == 0 and out.startswith(f"usage: gatehouse {command}") and err == ""
    assert command in run("--help")[1]


@pytest.mark.parametrize("argv", [(), ("nonsense",), ("client",), ("serve", "--nonsense"), ("serve", "--config"), ("serve", "--config", "/nowhere"), ("check", "x")],
                         ids=" ".join)
def test_wrong_use_is_told_on_standard_error_with_a_status(argv):
    code, _out, err = run(*argv)
    assert code != 0 and err


def test_the_commented_example_is_what_the_program_prints():
    assert (ROOT / "conf" / "gatehouse.yaml").read_text() == run("config", "defaults")[1]


def test_every_error_is_told_at_once_with_file_line_path_and_expectation(tmp_path):
    f = tmp_path / "bad.yaml"
    f.write_text("origin: http://plain.example.org\nlisten: [{adress: '0.0.0.0:9300'}]\nhttp:\n  head_max: soon\n  target_max: 1MiB\n"
                 "process: {workers: -1}\nnonsense: 1\nsites:\n  'bad name!': {}\n  default:\n    compat: v9\n    database: {name: x}\n")
    code, out, err = run("check", "--config", str(f))
    text = out + err
    assert code != 0
    for want in (r"bad.yaml:2: .*adress.*did you mean .*address", r"bad.yaml:4: http\.head_max: .*expected a size", r"bad.yaml:5: http\.target_max",
                 r"bad.yaml:6: process\.workers", r"bad.yaml:7: nonsense: unknown", r"bad.yaml:11: .*compat.*(classic|v8)", r"database\.user"):
        assert re.search(want, text), f"{want}\n{text}"


@pytest.mark.parametrize("text", ["", "[", "a: [", "\x00", "a: b\na: c\n", "&a [*a, *a]", "origin: {}", "sites: []"], ids=repr)
def test_a_file_that_is_no_configuration_is_refused(tmp_path, text):
    f = tmp_path / "bad.yaml"
    f.write_text(text)
    code, out, err = run("check", "--config", str(f))
    assert code == 1 and "bad.yaml" in out + err


def test_check_names_the_rows_that_no_backend_serves(gateway):
    code, out, err = gateway.cli("check")
    assert code == 0 and "unserved GET /fhir/ValueSet" in out and "documented" in err and "sound" in out


def test_check_reads_the_certificates_and_keys_that_a_start_would_read(make_gateway):
    g = make_gateway(extra={"process.workers": 1})
    tls = g.dir / "tls"
    quickstart.openssl("req", "-newkey", "rsa:1024", "-nodes", "-keyout", str(tls / "small.key"), "-out", str(tls / "small.csr"), "-subj", "/CN=localhost")
    quickstart.openssl("x509", "-req", "-in", str(tls / "server.csr"), "-CA", str(tls / "ca.pem"), "-CAkey", str(tls / "ca.key"), "-out", str(tls / "ended.pem"),
                       "-days", "-1")
    right = {"certificate": str(tls / "server.pem"), "key": str(tls / "server.key")}
    rows = (
        ("tls.certificates", right, 0, ""),
        ("tls.certificates", {**right, "certificate": str(tls / "none.pem")}, 1, "none.pem"),
        ("tls.certificates", {**right, "key": str(tls / "ca.key")}, 1, "ca.key"),
        ("tls.certificates", {**right, "certificate": str(tls / "ended.pem")}, 0, "valid until 20"),
        ("sites.default.oauth.signing_key", str(g.dir / "keys" / "not-made-yet.pem"), 0, ""),
        ("sites.default.oauth.signing_key", str(tls / "small.key"), 1, "2048"),
        ("sites.default.oauth.signing_key", str(tls / "server.pem"), 1, "no private key"),
    )
    for path, value, status, word in rows:
        g.configure({"tls.certificates": [right], "sites.default.oauth.signing_key": str(g.dir / "keys" / "default.pem")})
        g.configure({path: [value] if isinstance(value, dict) else value})
        code, out, err = g.cli("check", check=False)
        assert code == status and word in err and ("sound" in out) == (status == 0), (path, value, err)


def test_check_tells_why_a_database_does_not_answer(make_gateway):
    g = make_gateway(extra={"process.workers": 1})
    (g.dir / "secrets" / "wrong").write_text("not-the-password\n")
    rows = (
        ("sites.default.database.password", {"file": str(g.dir / "secrets" / "wrong")}, "1045, user or password"),
        ("sites.default.database.name", "openemr_none", "1049, no such database"),
        ("sites.default.database.socket", str(g.dir / "none.sock"), "2002, not there"),
    )
    for path, value, word in rows:
        g.configure({"sites.default.database.password": {"file": str(g.dir / "secrets" / "database")}, "sites.default.database.name": "openemr_default",
                     "sites.default.database.socket": g.stores.db_socket})
        g.configure({path: value})
        _, out, err = g.cli("check", check=False)
        assert f"site default: database: cannot connect (error {word})" in err and "not-the-password" not in out + err, err


def test_check_tells_what_would_fail_later(make_gateway):
    """Each row: what is done to the stores and files, what is undone, the status, and what is told."""
    g = make_gateway(own_stores=True, extra={"process.workers": 1, "sites.default.openemr_log": True})
    code, out, err = g.cli("check")
    assert code == 0 and "sound" in out and "error" not in err and "clock" not in err, err
    server, kept = g.dir / "tls" / "server.pem", {}

    def rights(*tables):
        """The user of the first site may do anything but write these."""
        names = [r[0] for r in g.sql("SHOW TABLES")]
        g.stores.sql("REVOKE ALL ON `openemr\\_%`.* FROM gatehouse@localhost; GRANT ALL ON `openemr\\_alternate`.* TO gatehouse@localhost")
        for name in names:
            g.sql(f"GRANT {'SELECT' if name in tables else 'ALL'} ON openemr_default.`{name}` TO gatehouse@localhost")

    def all_rights():
        g.stores.sql("REVOKE ALL, GRANT OPTION FROM gatehouse@localhost; GRANT ALL ON `openemr\\_%`.* TO gatehouse@localhost")

    def certificate(days):
        kept.setdefault("pem", server.read_bytes())
        quickstart.openssl("x509", "-req", "-in", str(g.dir / "tls" / "server.csr"), "-CA", g.ca, "-CAkey", str(g.dir / "tls" / "ca.key"), "-out", str(server),
                           "-days", str(days))
    rows = [
        (lambda: g.sql("RENAME TABLE gacl_aro TO gacl_aro_away"), lambda: g.sql("RENAME TABLE gacl_aro_away TO gacl_aro"), 1, "no table gacl_aro,"),
        (lambda: rights("ip_tracking", "patient_data", "api_log"), all_rights, 1,
         ("INSERT INTO ip_tracking: error 1142", "UPDATE patient_data: error 114", "INSERT INTO api_log: error 1142")),
        (lambda: g.sql("REPLACE INTO globals VALUES ('site_addr_oath', 0, 'https://old.example.org')"),
         lambda: g.sql("DELETE FROM globals WHERE gl_name='site_addr_oath'"), 0, "site_addr_oath is https://old.example.org"),
        (lambda: g.sql("SET GLOBAL max_prepared_stmt_count=1000"), lambda: g.sql("SET GLOBAL max_prepared_stmt_count=16382"), 0, "1000 prepared statements"),
        (lambda: g.redis("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru"),
         lambda: g.redis("CONFIG", "SET", "maxmemory", "0"), 1, "redis drops keys"),
        (lambda: g.redis("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "noeviction"), lambda: g.redis("CONFIG", "SET", "maxmemory", "0"), 0, ""),
        (lambda: certificate(5), lambda: server.write_bytes(kept["pem"]), 0, "the certificate for names without one of their own is valid until 20"),
        (lambda: certificate(60), lambda: server.write_bytes(kept["pem"]), 0, ""),
    ]
    for n, (before, after, status, words) in enumerate(rows):
        before()
        code, out, err = g.cli("check", check=False)
        after()
        assert code == status and all(w in err for w in ([words] if isinstance(words, str) else words)), (n, code, err)


@pytest.mark.parametrize("name, told", [("redis", "redis: not reachable"), ("mariadb", "site default: database: cannot connect")])
def test_check_goes_on_where_a_store_is_down(make_gateway, name, told):
    g = make_gateway(own_stores=True, extra={"process.workers": 1})
    g.stores.stop_one(name)
    code, out, err = g.cli("check")
    assert code == 0 and told in out + err and "sound" in out


def test_config_show_masks_secrets(gateway):
    _, out, _ = gateway.cli("config", "show")
    assert "openemr_default" in out and "gatehouse\n" not in re.findall(r"password:.*\n", out)
    assert re.search(r"password: \{file: ", out)


def test_clients_are_listed_shown_enabled_and_disabled(gateway):
    made = gateway.register(enable=False)
    who = made["client_id"]
    _, out, _ = gateway.cli("client", "list", "--site", "default")
    assert who in out and made["client_secret"] not in out
    _, out, _ = gateway.cli("client", "show", "--site", "default", who)
    assert "Test client" in out and made["client_secret"] not in out
    gateway.cli("client", "enable", "--site", "default", who)
    assert gateway.sql(f"SELECT is_enabled FROM oauth_clients WHERE client_id='{who}'") == [["1"]]
    gateway.cli("client", "disable", "--site", "default", who)
    assert gateway.sql(f"SELECT is_enabled FROM oauth_clients WHERE client_id='{who}'") == [["0"]]
    assert gateway.cli("client", "enable", "--site", "default", "nobody", check=False)[0] != 0
    assert gateway.cli("client", "enable", "--site", "nowhere", who, check=False)[0] != 0


def test_a_client_id_that_looks_like_an_option_is_named_behind_two_hyphens(gateway):
    """OpenEMR makes its ids of base64url, "-" among its characters; ours do not begin with it."""
    made = gateway.register(enable=False)
    gateway.sql(f"UPDATE oauth_clients SET client_id='--help' WHERE client_id='{made['client_id']}'")
    gateway.cli("client", "enable", "--site", "default", "--", "--help")
    assert gateway.sql("SELECT is_enabled FROM oauth_clients WHERE client_id='--help'") == [["1"]]
    assert gateway.cli("client", "enable", "--site", "default", "--nobody", check=False)[0] == 2


def test_explain_names_each_rule(gateway):
    _, out, _ = gateway.cli("explain", "GET", "/api/patient", "--site", "default", "--user", "admin", "--scope", "api:oemr user/patient.read")
    assert "decision allow" in out and "patients/demo" in out and "openemr.yaml:" in out
    code, out, _ = gateway.cli("explain", "GET", "/api/patient", "--site", "default", "--user", "admin", "--scope", "api:oemr", check=False)
    assert "decision" in out and "allow" not in out.split("decision")[1]


def test_the_configuration_may_be_json_and_sites_may_stand_in_a_folder(make_gateway):
    g = make_gateway()
    tree = json.loads(g.config.read_text())
    folder = g.dir / "sites.d"
    folder.mkdir()
    (folder / "alternate.yaml").write_text(json.dumps({"alternate": tree["sites"].pop("alternate")}))
    tree["sites_dir"] = str(folder)
    g.config.write_text(json.dumps(tree))
    _, out, _ = g.cli("site", "list")
    assert "alternate" in out and "default" in out


def test_version(gateway):
    assert re.match(r"gatehouse \d+\.\d+", run("version")[1])
    assert pathlib.Path(gateway.dir).exists()
