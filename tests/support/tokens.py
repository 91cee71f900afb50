# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parties of OAuth hand each other, read and written without a library that checks it: parts of a JWT, a client's secret, PKCE,
second-factor codes. Nothing is verified here: tests claim that themselves."""
import base64
import hashlib
import hmac
import json
import secrets
import struct
import time


def b64(data):
    """base64url without padding (RFC 7515 2) of bytes, or of the JSON of anything else."""
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def head_of(token):
    return json.loads(unb64(token.split(".")[0]))


def claims_of(token):
    return json.loads(unb64(token.split(".")[1]))


def secret_of(client):
    """A registered client's own form fields, as client_secret_post has them (RFC 6749 2.3.1)."""
    return {"client_id": client["client_id"], "client_secret": client["client_secret"]}


def pkce():
    """(code_verifier, code_challenge) by S256. RFC 7636 4.1, 4.2."""
    verifier = secrets.token_urlsafe(48)
    return verifier, b64(hashlib.sha256(verifier.encode()).digest())


def totp(key, at_s=None):
    """The six digits of a base32 key at a time, now unless told. RFC 6238, with SHA-1 and 30 s."""
    step = int(time.time() if at_s is None else at_s) // 30
    mac = hmac.new(base64.b32decode(key), struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"
