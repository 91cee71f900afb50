#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private MariaDB and Redis: Debian's servers on unix sockets in a folder of their own, no system service touched. Used by quickstart
(command line) and by the tests (import). Not for production.

usage: stores.py start DIR | stop DIR | load DIR DATABASE FILE..."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

WAIT_S = 60
NO_AIO = "--innodb-use-native-aio=OFF"  # the kernel's contexts are few (fs.aio-max-nr): one server more beside others would not start


def pid_of(directory, name):
    """Of the process that directory/name.pid names, or None: a number that is another program's by now is none."""
    try:
        pid = int((pathlib.Path(directory) / f"{name}.pid").read_text())
        line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(directory) in line else None


def ended(directory, name, pid):
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return pid_of(directory, name) != pid


class Stores:
    """Servers in dir: mariadb.sock, redis.sock; their data in dir/mariadb and dir/redis. fsync=False: quick, and not safe from a power
    cut; what was answered outlives a killed server."""

    def __init__(self, directory, fsync=True):
        self.fsync = fsync
        self.flush = [] if fsync else ["--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=OFF", "--sync-frm=OFF"]
        self.dir = pathlib.Path(directory).resolve()
        self.db_socket = str(self.dir / "mariadb.sock")
        self.redis_socket = str(self.dir / "redis.sock")

    # --- processes ---------------------------------------------------------------------------------------------------------
    def _pid(self, name):
        return pid_of(self.dir, name)

    def _spawn(self, name, argv, program=None):
        log = open(self.dir / f"{name}.log", "ab")
        proc = subprocess.Popen(argv, executable=program, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        (self.dir / f"{name}.pid").write_text(str(proc.pid))
        return proc

    def _wait(self, name, proc, ready):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            if proc.poll() is not None:
                break
            if ready():
                return
            time.sleep(0.02)
        raise RuntimeError(f"{name} did not start; see {self.dir / (name + '.log')}")

    def _answers(self, path, probe=None):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(1)
                s.connect(path)
                if probe:
                    s.sendall(probe)
                return len(s.recv(1)) == 1
        except OSError:
            return False

    def _install(self, whole, user):
        data = whole.with_suffix(".new")  # one that was interrupted is never taken for whole
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        argv = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db",
                "--skip-name-resolve", NO_AIO, f"--tmpdir={self.dir}", *user]
        proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        try:
            said = proc.communicate()[0]
        except BaseException:
            os.killpg(proc.pid, signal.SIGKILL)  # the server that it runs, too
            proc.wait()
            raise
        if proc.returncode != 0:
            raise RuntimeError(f"mariadb-install-db: {said[-2000:]}")
        data.rename(whole)

    def start_mariadb(self):
        if self._pid("mariadb"):
            return
        data = self.dir / "mariadb"
        user = ["--user=root"] if os.geteuid() == 0 else []
        if not (data / "mysql").is_dir():
            self._install(data, user)
        pathlib.Path(self.db_socket).unlink(missing_ok=True)
        # a temporary folder of its own: a server that starts deletes the temporary tables of all others in /tmp
        proc = self._spawn("mariadb", ["mariadbd" if shutil.which("mariadbd") else "/usr/sbin/mariadbd", "--no-defaults",
                                       f"--datadir={data}", f"--socket={self.db_socket}", "--skip-networking", "--skip-log-bin",
                                       "--innodb-buffer-pool-size=256M", "--innodb-log-file-size=64M", "--max-connections=300",
                                       "--character-set-server=utf8mb4", "--performance-schema=OFF", NO_AIO, f"--tmpdir={self.dir}", *self.flush, *user])
        self._wait("mariadb", proc, lambda: self._answers(self.db_socket))

    def start_redis(self):
        if self._pid("redis"):
            return
        # Debian's redis-tools has the server under this name, and no service that would be started
        program = shutil.which("redis-server") or shutil.which("redis-check-rdb")
        if program is None:
            raise RuntimeError("redis-server is not installed")
        data = self.dir / "redis"
        data.mkdir(parents=True, exist_ok=True)
        pathlib.Path(self.redis_socket).unlink(missing_ok=True)
        proc = self._spawn("redis", ["redis-server", "--port", "0", "--unixsocket", self.redis_socket, "--unixsocketperm", "700",
                                     "--dir", str(data), "--appendonly", "yes", "--appendfsync", "everysec" if self.fsync else "no", "--save", "",
                                     "--daemonize", "no", "--loglevel", "warning"], program)
        self._wait("redis", proc, lambda: self._answers(self.redis_socket, b"PING\r\n"))

    def start(self):
        self.dir.mkdir(parents=True, exist_ok=True)
        self.start_mariadb()
        self.start_redis()

    def stop_one(self, name, signo=signal.SIGTERM):
        pid = self._pid(name)
        if pid is None:
            return
        os.kill(pid, signo)
        end = time.monotonic() + WAIT_S
        while not ended(self.dir, name, pid):
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        (self.dir / f"{name}.pid").unlink(missing_ok=True)

    def stop(self):
        self.stop_one("redis")
        self.stop_one("mariadb")

    # --- SQL ---------------------------------------------------------------------------------------------------------------------
    def sql(self, text, database=None, raw=True):
        """Runs SQL, returns rows as lists of text (NULL as 'NULL')."""
        argv = ["mariadb", "--no-defaults", "-uroot", f"--socket={self.db_socket}", "--default-character-set=utf8mb4", "-N", "-B"]
        out = subprocess.run(argv + ([database] if database else []), input=text.encode(), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=False)
        if out.returncode != 0:
            raise RuntimeError(out.stderr.decode(errors="replace")[:2000])
        return [line.split("\t") for line in out.stdout.decode(errors="replace").splitlines()] if raw else out.stdout

    def load(self, database, files):
        self.sql(f"CREATE DATABASE IF NOT EXISTS `{database}` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        for f in files:
            with open(f, "rb") as data:
                subprocess.run(["mariadb", "--no-defaults", "-uroot", f"--socket={self.db_socket}", "--default-character-set=utf8mb4",
                                "--init-command=SET sql_mode='', foreign_key_checks=0, unique_checks=0", database], stdin=data,
                               check=True)

    def database_exists(self, database):
        return bool(self.sql(f"SHOW DATABASES LIKE '{database}'"))


@contextlib.contextmanager
def running(directory, fsync=True):
    """Stores that are stopped, and their folder removed, whatever happens."""
    stores = Stores(directory, fsync)
    try:
        stores.start()
        yield stores
    finally:
        stores.stop()
        shutil.rmtree(stores.dir, ignore_errors=True)


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("start", "stop", "load"):
        sys.exit(__doc__)
    stores = Stores(sys.argv[2])
    if sys.argv[1] == "start":
        stores.start()
    elif sys.argv[1] == "stop":
        stores.stop()
    else:
        stores.load(sys.argv[3], sys.argv[4:])


if __name__ == "__main__":
    main()
