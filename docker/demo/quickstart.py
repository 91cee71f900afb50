# SPDX-License-Identifier: GPL-3.0-or-later
"""A running gateway over a real MariaDB with OpenEMR's tables and a real Redis, from one command. Everything lives in one folder; no system
service is touched. Ctrl-C stops all of it. Whatever ends it, it can be run again: what was half made is made anew.

usage: ./quickstart [--background] [--stop] [--clean] [--port N] [--dir D] [--patients N] [--binary FILE]"""
import argparse
import base64
import fcntl
import hashlib
import hmac
import json
import os
import pathlib
import secrets
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from stores import Stores, ended, pid_of  # noqa: E402

DEMO = ROOT / "build" / "demo"
SWAGGER = ROOT / "build" / "swagger-ui"
SWAGGER_OURS = ("package-lock.json", "index.html", "initializer.js", "page.css")  # when one changes, the folder is made again
SITES = ("default", "alternate")
WAIT_S = 120
WHOLE_S = 3  # longer is no start-up: some site's store is down, and the others are served


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(argv, **kw):
    return subprocess.run(argv, check=True, **kw)


def openssl(*argv, data=None):
    return run(["openssl", *argv], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def binary_build(given):
    if given:
        return pathlib.Path(given).resolve()
    done = subprocess.run([str(ROOT / "docker" / "packages"), str(ROOT / "docker" / "packages.txt")], check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)  # it has said why
    build = ROOT / "build" / "release"
    build.mkdir(parents=True, exist_ok=True)
    say(f"building in {build} (the first time takes some minutes)")
    with open(build / "quickstart.log", "wb") as log:
        steps = [["cmake", "--build", str(build)]]
        if not (build / "build.ninja").exists():
            steps.insert(0, ["cmake", "--preset", "release", "-S", str(ROOT)])
        for argv in steps:
            if subprocess.run(argv, cwd=ROOT, stdout=log, stderr=log, check=False).returncode != 0:
                sys.exit(f"{(build / 'quickstart.log').read_text(errors='replace')[-3000:]}\nthe build failed; the whole log is {build}/quickstart.log")
    return build / "gatehouse"


def swagger_fetch():
    """Swagger UI's files; the demo runs without them where the registry or npm is not there. Returns whether they are there."""
    SWAGGER.parent.mkdir(exist_ok=True)
    with open(f"{SWAGGER}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if all((SWAGGER / n).exists() and (SWAGGER / n).read_bytes() == (ROOT / "swagger" / n).read_bytes() for n in SWAGGER_OURS):
            return True
        done = subprocess.run([str(ROOT / "swagger" / "fetch"), str(SWAGGER)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            say(f"Swagger UI is left out: {done.stdout.decode(errors='replace').strip()[-300:]}")
        return done.returncode == 0


# --- keys ------------------------------------------------------------------------------------------------------------------
def certificates(d):
    tls = d / "tls"
    if (tls / "server.pem").exists():
        return
    tls.mkdir(parents=True, exist_ok=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(tls / "ca.key"), "-out",
            str(tls / "ca.pem"), "-days", "3650", "-subj", "/CN=Gatehouse demo CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(tls / "server.key"), "-out",
            str(tls / "server.csr"), "-subj", "/CN=localhost")
    ext = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
    (tls / "server.ext").write_text(ext)
    openssl("x509", "-req", "-in", str(tls / "server.csr"), "-CA", str(tls / "ca.pem"), "-CAkey", str(tls / "ca.key"), "-CAcreateserial",
            "-out", str(tls / "server.pem"), "-days", "825", "-extfile", str(tls / "server.ext"))
    for key in ("ca.key", "server.key"):
        os.chmod(tls / key, 0o600)


def openemr_block(version, aes, mac, plain):
    """OpenEMR's form of a value at rest: version + base64(HMAC-SHA384 | IV | AES-256-CBC)."""
    iv = secrets.token_bytes(16)
    sealed = iv + openssl("enc", "-aes-256-cbc", "-K", aes.hex(), "-iv", iv.hex(), data=plain)
    return version + base64.b64encode(hmac.new(mac, sealed, hashlib.sha384).digest() + sealed).decode()


def site_keys(d, site):
    """The drive keys of an OpenEMR site as files, encrypted under database keys that go into its table `keys`."""
    methods = d / "sites" / site / "documents" / "logs_and_misc" / "methods"
    if (methods / "sevena").exists():
        return ""
    methods.mkdir(parents=True, exist_ok=True)
    db_a, db_b = secrets.token_bytes(32), secrets.token_bytes(32)
    for half in ("a", "b"):
        (methods / f"seven{half}").write_text(openemr_block("007", db_a, db_b, secrets.token_bytes(32)))
    rows = ",".join(f"('seven{h}','{base64.b64encode(k).decode()}')" for h, k in (("a", db_a), ("b", db_b)))
    return f"DELETE FROM `keys` WHERE name IN ('sevena','sevenb'); INSERT INTO `keys` (name, value) VALUES {rows};"


def documents(d, stores, site):
    """Two files of the first patient, as OpenEMR 8 stores them: one sealed under the database's keys, one clear. Returns their rows."""
    rows, folder = "", d / "sites" / site / "documents"
    db_a, db_b = (base64.b64decode(v) for (v,) in stores.sql("SELECT value FROM `keys` WHERE name IN ('sevena','sevenb') ORDER BY name", f"openemr_{site}"))
    (folder / "1").mkdir(exist_ok=True)
    for did, name, text, sealed in ((11, "lab report.txt", "Glucose 5.4 mmol/L\n", 1), (12, "letter.txt", "Dear colleague,\n", 0)):
        content, uuids = text.encode(), [secrets.token_bytes(16) for _ in range(2)]
        drive = "-".join(uuids[0].hex()[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
        (folder / "1" / drive).write_bytes(openemr_block("007", db_a, db_b, content).encode() if sealed else content)
        rows += "REPLACE INTO documents (id, uuid, type, size, date, url, mimetype, owner, revision, foreign_id, docdate, hash, name, drive_uuid, " \
            f"encrypted) VALUES ({did}, 0x{uuids[1].hex()}, 'file_url', {len(content)}, NOW(), 'file://{folder}/1/{drive}', 'text/plain', 1, NOW(), 1, " \
            f"CURDATE(), '{hashlib.sha3_512(content).hexdigest()}', '{name}', 0x{uuids[0].hex()}, {sealed}); " \
            f"REPLACE INTO categories_to_documents VALUES (2, {did}); INSERT INTO uuid_registry (uuid, table_name, table_id, document_drive, created) " \
            f"VALUES (0x{uuids[1].hex()}, 'documents', 'id', 0, NOW()), (0x{uuids[0].hex()}, '', '', 1, NOW());"
    return rows + "UPDATE sequences SET id = GREATEST(id, 12);"


def signing_key(d, site):
    key = d / "keys" / f"{site}.pem"
    key.parent.mkdir(parents=True, exist_ok=True)
    if not key.exists():
        key.write_bytes(openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"))
        os.chmod(key, 0o600)
    return key


# --- databases ------------------------------------------------------------------------------------------------------------------
def databases(d, stores, patients, records=0):
    for site in SITES:
        if site != SITES[0]:
            patients = min(patients, 1000)
        name, data = f"openemr_{site}", d / f"{site}.sql"  # the file stays until all is loaded
        if data.exists() or not stores.database_exists(name):
            say(f"loading invented people into {name}")
            stores.sql(f"DROP DATABASE IF EXISTS `{name}`")
            shutil.rmtree(d / "sites" / site, ignore_errors=True)
            with open(data, "wb") as out:
                run([sys.executable, str(ROOT / "docker" / "demo" / "generate.py"), "--site", site, "--patients", str(patients),
                     "--records", str(records)], stdout=out)
            stores.load(name, [ROOT / "docker" / "schema" / "openemr-8.sql", ROOT / "docker" / "schema" / "stock.sql", data])
        rows = site_keys(d, site)
        if rows:
            stores.sql(rows, name)
            stores.sql(documents(d, stores, site), name)
        data.unlink(missing_ok=True)
    stores.sql("CREATE USER IF NOT EXISTS gatehouse@localhost IDENTIFIED BY 'gatehouse'; "
               "GRANT ALL ON `openemr\\_%`.* TO gatehouse@localhost;")


# --- configuration ------------------------------------------------------------------------------------------------------------------
def config_text(d, stores, port, extra=None):
    """The one place that writes the demo's configuration; JSON is YAML."""
    sites = {}
    for site in SITES:
        sites[site] = {
            "display_name": f"Demo clinic ({site})",
            "database": {"socket": stores.db_socket, "name": f"openemr_{site}", "user": "gatehouse",
                         "password": {"file": str(d / "secrets" / "database")}},
            "oauth": {"password_users": True, "password_patients": True, "signing_key": str(signing_key(d, site)),
                      "client_auth": "documented" if site == "default" else "strict", "openemr_rows": False},
            "openemr_sites_dir": str(d / "sites" / site),
        }
    scopes = ROOT / "scopes"
    tree = {
        "origin": f"https://localhost:{port}",
        "listen": [{"address": f"127.0.0.1:{port}"}],
        "tls": {"certificates": [{"certificate": str(d / "tls" / "server.pem"), "key": str(d / "tls" / "server.key")}]},
        "process": {"pid_file": str(d / "gatehouse.pid")},
        "redis": {"socket": stores.redis_socket},
        "audit": {"journal_dir": str(d / "audit"), "signing_key": str(d / "keys" / "audit.pem")},
        "control": {"listen": f"unix:{d}/control.sock"},
        "log": {"file": str(d / "gatehouse.log")},
        "policy": {"scope_files": [str(scopes / n) for n in ("openemr.yaml", "fhir.yaml", "smart-v1.yaml", "smart-v2.yaml", "oauth2.yaml", "swagger.yaml")]},
        "sites": sites,
    }
    if SWAGGER.is_dir():
        tree["swagger"] = {"dir": str(SWAGGER)}
    for path, value in (extra or {}).items():
        at = tree
        *head, last = path.split(".")
        for name in head:
            at = at.setdefault(name, {})
        at[last] = value
    return json.dumps(tree, indent=2) + "\n"


def config_write(d, stores, port, extra=None):
    (d / "secrets").mkdir(exist_ok=True)
    secret = d / "secrets" / "database"
    secret.write_text("gatehouse\n")
    os.chmod(secret, 0o600)
    config = d / "gatehouse.yaml"
    config.write_text(config_text(d, stores, port, extra))
    return config


# --- the gateway --------------------------------------------------------------------------------------------------------------------------
def control_ready(d, whole):
    """Ready, and with whole every dependency of every site up."""
    import http.client
    import socket

    class Unix(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(2)
            self.sock.connect(str(d / "control.sock"))

    try:
        c = Unix("localhost")
        c.request("GET", "/readyz")
        answer = c.getresponse()
        return answer.status == 200 and not (whole and b'"down"' in answer.read())
    except OSError:
        return False


def serve(d, binary, config, whole_s=WHOLE_S):
    """Starts the gateway; returns it when it is ready, and for whole_s at most waits until each dependency of each site is up."""
    log = open(d / "serve.log", "ab")
    pid_file = d / "gatehouse.pid"

    def workers_ready():
        """Written when all workers take connections; the control socket already answers when one does."""
        return pid_file.exists() and pid_file.read_text() == f"{proc.pid}\n"
    proc = subprocess.Popen([str(binary), "serve", "--config", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                            start_new_session=True)
    begin = time.monotonic()
    while time.monotonic() < begin + WAIT_S and proc.poll() is None:
        if workers_ready() and control_ready(d, whole=time.monotonic() < begin + whole_s):
            return proc
        time.sleep(0.05)
    if proc.poll() is None:
        proc.terminate()
    tail = "".join((d / name).read_text(errors="replace")[-3000:] for name in ("serve.log", "gatehouse.log") if (d / name).exists())
    sys.exit(f"Gatehouse did not become ready:\n{tail}")


def post(d, url, data, kind):
    ctx = ssl.create_default_context(cafile=str(d / "tls" / "ca.pem"))
    req = urllib.request.Request(url, data=data, headers={"Content-Type": kind})
    try:
        with urllib.request.urlopen(req, context=ctx, timeout=20) as r:
            return json.load(r)
    except urllib.error.HTTPError as e:
        sys.exit(f"{url}: {e.code} {e.read().decode(errors='replace')[:500]}")


def all_scopes(d, origin):
    ctx = ssl.create_default_context(cafile=str(d / "tls" / "ca.pem"))
    with urllib.request.urlopen(f"{origin}/oauth2/default/.well-known/openid-configuration", context=ctx, timeout=20) as r:
        return [s for s in json.load(r)["scopes_supported"] if not s.startswith("system/") and "?" not in s]


def client(d, binary, config, origin):
    """A confidential, enabled client with all scopes of users and patients, registered as OpenEMR's documentation does."""
    keep = d / "client.json"
    if keep.exists() and json.loads(keep.read_text()).get("origin") == origin:
        return json.loads(keep.read_text())
    swagger = [f"{origin}{below}/swagger/oauth2-redirect.html" for below in ("/apis/default", "")]
    body = {"application_type": "private", "redirect_uris": ["https://client.example.org/callback", *swagger],
            "post_logout_redirect_uris": ["https://client.example.org/logout/callback"], "client_name": "Quickstart",
            "token_endpoint_auth_method": "client_secret_post", "contacts": ["me@example.org"], "scope": " ".join(all_scopes(d, origin))}
    made = post(d, f"{origin}/oauth2/default/registration", json.dumps(body).encode(), "application/json")
    run([str(binary), "client", "enable", "--config", str(config), "--site", "default", made["client_id"]], stdout=subprocess.DEVNULL)
    kept = {k: made[k] for k in ("client_id", "client_secret")} | {"origin": origin}
    keep.write_text(json.dumps(kept))
    os.chmod(keep, 0o600)
    return kept


def env_write(d, stores, binary, config, origin, made, pid):
    values = {
        "GATEHOUSE_ORIGIN": origin, "GATEHOUSE_CA": d / "tls" / "ca.pem", "GATEHOUSE_CONTROL": f"unix:{d}/control.sock",
        "GATEHOUSE_BIN": binary, "GATEHOUSE_CONFIG": config, "GATEHOUSE_CLIENT_ID": made["client_id"],
        "GATEHOUSE_CLIENT_SECRET": made["client_secret"], "GATEHOUSE_STAFF_USERNAME": "admin", "GATEHOUSE_STAFF_PASSWORD": "pass",
        "GATEHOUSE_PATIENT_USERNAME": "Phil1", "GATEHOUSE_PATIENT_PASSWORD": "phil", "GATEHOUSE_PATIENT_EMAIL": "heya@invalid.email.com",
        "GATEHOUSE_DB_SOCKET": stores.db_socket, "GATEHOUSE_REDIS_SOCKET": stores.redis_socket, "GATEHOUSE_PID": pid,
    }
    text = "".join(f"{k}={shlex.quote(str(v))}\n" for k, v in values.items())
    (d / "env").write_text(text)
    os.chmod(d / "env", 0o600)


TRY = """
Gatehouse runs at {origin}; its files are in {d}. {end}
{swagger}

Try (in a shell that has read {d}/env):

  . {env}
  curl --cacert "$GATEHOUSE_CA" $GATEHOUSE_ORIGIN/apis/default/fhir/metadata
  TOKEN=$(curl -s --cacert "$GATEHOUSE_CA" $GATEHOUSE_ORIGIN/oauth2/default/token \\
    --data-urlencode grant_type=password --data-urlencode client_id=$GATEHOUSE_CLIENT_ID \\
    --data-urlencode "scope=openid offline_access api:oemr api:fhir user/patient.read user/patient.write user/Patient.read" \\
    --data-urlencode user_role=users --data-urlencode username=admin --data-urlencode password=pass |
    python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')
  curl --cacert "$GATEHOUSE_CA" -H "Authorization: Bearer $TOKEN" "$GATEHOUSE_ORIGIN/apis/default/api/patient?_limit=2"
  curl --cacert "$GATEHOUSE_CA" -H "Authorization: Bearer $TOKEN" "$GATEHOUSE_ORIGIN/apis/default/fhir/Patient?name=Phil"
  "$GATEHOUSE_BIN" audit verify --config "$GATEHOUSE_CONFIG"
"""
SWAGGER_IS = """Swagger UI: {origin}/apis/default/swagger/
(Authorize, with the client secret that {d}/env holds; sign in as admin / pass; a browser that does not know {d}/tls/ca.pem warns).
"""
SWAGGER_IS_NOT = "Swagger UI is left out (see above)."


def try_print(d, origin, with_swagger, end):
    swagger = (SWAGGER_IS if with_swagger else SWAGGER_IS_NOT).format(origin=origin, d=d).rstrip()
    print(TRY.format(origin=origin, d=d, env=shlex.quote(f"{d}/env"), swagger=swagger, end=end), flush=True)


# --- one folder, one run ----------------------------------------------------------------------------------------------------------------
def ours(d):
    """Whether the folder is one of quickstart's, or none: nothing else is filled, or deleted."""
    return not d.exists() or not any(d.iterdir()) or (d / "quickstart.lock").exists() or (d / "mariadb").is_dir()


def folder_take(d):
    """The folder's lock, held while starting and in the foreground. Returns the open file."""
    if not ours(d):
        sys.exit(f"{d} holds other things; --dir names a folder of its own")
    if any(c.isspace() for c in str(d)):
        sys.exit(f"'{d}' has a blank in its name, which MariaDB's installer does not take; --dir names another folder")
    longest = os.fsencode(d / "mariadb.sock")
    if len(longest) > 107:
        sys.exit(f"{d} is too deep for a Unix socket in it (107 bytes with its name); --dir names another folder")
    d.mkdir(parents=True, exist_ok=True)
    lock = open(d / "quickstart.lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"another ./quickstart runs in {d}; Ctrl-C there or {stop_command(d)} ends it")
    return lock


def port_check(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as e:
            sys.exit(f"port {port}: {getattr(e, 'strerror', None) or e}; --port N takes another")


def stop(d, stores):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pid = pid_of(d, "gatehouse")
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + WAIT_S
        while not ended(d, "gatehouse", pid):
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
    (d / "gatehouse.pid").unlink(missing_ok=True)
    stores.stop()


def leave(signo, frame):
    raise SystemExit(128 + signo)


def stop_command(d):
    return "./quickstart --stop" + ("" if d == DEMO else f" --dir {shlex.quote(str(d))}")


def arguments():
    ap = argparse.ArgumentParser(prog="./quickstart", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    ap.add_argument("--background", action="store_true", help="return when ready")
    ap.add_argument("--stop", action="store_true", help="stop what --background started")
    ap.add_argument("--clean", action="store_true", help="stop, and delete the folder")
    ap.add_argument("--port", type=int, default=9300, help="of https://localhost (9300)")
    ap.add_argument("--dir", default=str(DEMO), help="the folder (build/demo)")
    ap.add_argument("--patients", type=int, default=100, help="how many people are invented when the folder is new (100)")
    ap.add_argument("--binary", help="a gatehouse that is built already")
    ap.add_argument("--stores-only", action="store_true", help="only MariaDB and Redis with the demo data")
    return ap.parse_args()


def start(d, stores, binary, args):
    """All of it. Returns (the gateway's process, its origin)."""
    say("starting MariaDB and Redis")
    stores.start()
    databases(d, stores, args.patients, 3)
    if args.stores_only:
        return None, None
    certificates(d)
    with_swagger = swagger_fetch()
    config = config_write(d, stores, args.port)
    origin = f"https://localhost:{args.port}"
    say("starting Gatehouse")
    proc = serve(d, binary, config)
    made = client(d, binary, config, origin)
    # the client's id is known only now; a reload puts it on Swagger UI's page
    config_write(d, stores, args.port, {"sites.default.swagger": {"client_id": made["client_id"]}})
    proc.send_signal(signal.SIGHUP)
    env_write(d, stores, binary, config, origin, made, proc.pid)
    try_print(d, origin, with_swagger, f"{stop_command(d)} stops it." if args.background else "Ctrl-C stops it.")
    return proc, origin


def main():
    args = arguments()
    d = pathlib.Path(args.dir).resolve()
    stores = Stores(d)
    if args.stop or args.clean:
        if args.clean and not ours(d):
            sys.exit(f"{d} is not quickstart's folder; nothing is deleted")
        stop(d, stores)
        if args.clean:
            shutil.rmtree(d, ignore_errors=True)
        return
    for signo in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signo) != signal.SIG_IGN:
            signal.signal(signo, leave)
    lock = folder_take(d)
    if pid_of(d, "gatehouse") is not None:
        sys.exit(f"Gatehouse runs in {d} already; {d}/env tells where, {stop_command(d)} stops it")
    if not args.stores_only:
        port_check(args.port)
    binary = binary_build(args.binary)
    try:
        proc, _ = start(d, stores, binary, args)
    except BaseException:
        stop(d, stores)
        raise
    if args.background or proc is None:
        return
    try:
        status = proc.wait()
        say(f"Gatehouse ended by itself (status {status}); see {d}/gatehouse.log and serve.log")
        sys.exit(1)
    finally:
        stop(d, stores)
        lock.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.CalledProcessError as e:
        sys.exit(f"{shlex.join(str(a) for a in e.cmd)}: failed ({e.returncode})\n{(e.stderr or b'').decode(errors='replace')[-2000:]}")
    except (OSError, RuntimeError) as e:
        sys.exit(f"./quickstart: {e}")
