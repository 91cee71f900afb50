# SPDX-License-Identifier: GPL-3.0-or-later
"""An upstream for tests of the proxy backend: answers as its paths say, remembers what it was sent. Speaks raw sockets, so that it can also
behave badly."""
import socket
import ssl
import threading
import time

PIECE = b"x" * 65536


class Upstream:
    """routes: path suffix -> function(conn, head, body reader); default: 200 with the request's head as text."""

    def __init__(self, unix=None, tls=None):
        self.heads, self.body_bytes, self.connections, self.stall_s = [], 0, 0, 0.0
        if unix:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.bind(str(unix))
            self.url = f"unix:{unix}"
        else:
            self.sock = socket.create_server(("127.0.0.1", 0))
            self.url = f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{self.sock.getsockname()[1]}"
        self.sock.listen(64)
        self.ctx = None
        if tls:
            self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.ctx.load_cert_chain(*tls)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.sock.close()

    def accept(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        try:
            if self.ctx:
                conn = self.ctx.wrap_socket(conn, server_side=True)
            f = conn.makefile("rb")
            while self.one(conn, f):
                pass
        except (OSError, ssl.SSLError, ValueError):
            pass
        finally:
            conn.close()

    def one(self, conn, f):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = f.readline(65536)
            if not line:
                return False
            head += line
        text = head.decode("latin-1")
        self.heads.append(text)
        fields = {k.strip().lower(): v.strip() for k, v in (x.split(":", 1) for x in text.split("\r\n")[1:] if ":" in x)}
        self.read_body(f, fields)
        target = text.split(" ")[1]
        marks = target.rsplit("mark=", 1)[-1] if "mark=" in target else ""
        return getattr(self, f"answer_{marks}", self.answer_plain)(conn, text)

    def read_body(self, f, fields):
        if fields.get("transfer-encoding", "").lower() == "chunked":
            while True:
                size = int(f.readline().split(b";")[0], 16)
                left = size
                while left:
                    part = f.read(min(left, 65536))
                    left -= len(part)
                    self.body_bytes += len(part)
                    if self.stall_s:
                        time.sleep(self.stall_s)
                f.readline()
                if size == 0:
                    return
        left = int(fields.get("content-length", 0))
        while left:
            part = f.read(min(left, 65536))
            if not part:
                raise ValueError
            left -= len(part)
            self.body_bytes += len(part)

    # --- answers -----------------------------------------------------------------------------------------------------------
    def answer_plain(self, conn, text):
        body = text.encode("latin-1")
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nX-From: upstream\r\n"
                     b"X-Hop: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return True

    def answer_big(self, conn, _text):
        pieces = self.big_pieces
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % (pieces * len(PIECE)))
        for _ in range(pieces):
            conn.sendall(PIECE)
        return True

    def answer_chunked(self, conn, _text):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
        return True

    def answer_silent(self, _conn, _text):
        time.sleep(30)
        return False

    def answer_gone(self, _conn, _text):
        return False

    def answer_nonsense(self, conn, _text):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")
        return False

    def answer_short(self, conn, _text):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
        return False

    def answer_error(self, conn, _text):
        body = b"upstream says no"
        conn.sendall(b"HTTP/1.1 418 Teapot\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return True
