# SPDX-License-Identifier: GPL-3.0-or-later
"""A person with a browser that has no JavaScript: follows redirects within the gateway, reads forms, fills and sends them. Stops where a
redirect leaves the gateway and keeps that address. Used by tests of pages; not for a client's own requests."""
import html.parser
import secrets
import urllib.parse

from tokens import pkce

REDIRECT = "https://client.example.org/callback"


class _Forms(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms, self.title, self._tag, self.text = [], "", None, []

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self._tag = tag
        if tag == "form":
            self.forms.append({"action": a.get("action"), "method": a.get("method", "get"), "fields": {}, "ticks": {}, "buttons": {}})
        elif self.forms and tag == "input" and a.get("name"):
            kind = a.get("type", "text")
            if kind in ("checkbox", "radio"):
                if "checked" in a:
                    self.forms[-1]["fields"][a["name"]] = a.get("value", "on")
                self.forms[-1]["ticks"].setdefault(a["name"], []).append(a.get("value", "on"))
            else:
                self.forms[-1]["fields"][a["name"]] = a.get("value", "")
        elif self.forms and tag == "button" and a.get("name"):
            self.forms[-1]["buttons"].setdefault(a["name"], []).append(a.get("value", ""))

    def handle_data(self, data):
        self.text.append(data)
        if self._tag == "h1" and not self.title:
            self.title = data.strip()


class Page:
    def __init__(self, response):
        self.response = response
        self.status = response.status_code
        self.url = response.url
        p = _Forms()
        p.feed(response.text if "html" in response.headers.get("content-type", "") else "")
        self.title, self.forms, self.text = p.title, p.forms, " ".join(" ".join(p.text).split())

    @property
    def form(self):
        assert self.forms, f"no form: {self.status} {self.url} {self.response.text[:400]}"
        return self.forms[0]


class Person:
    """session: a requests session of its own (a browser). After a step, self.page is the page shown and self.left the address outside the
    gateway to which a redirect led, or None."""

    def __init__(self, gateway, site="default"):
        self.gateway, self.site = gateway, site
        self.session = gateway.session_new()
        self.page = self.left = self.last = None
        self.seen = []

    def path(self, path):
        return f"{self.gateway.origin}/oauth2/{self.site}{path}"

    def _follow(self, response):
        self.left = None
        for _ in range(10):
            self.last = response
            self.seen.append(response)
            if response.status_code not in (301, 302, 303, 307, 308):
                self.page = Page(response)
                return self
            to = urllib.parse.urljoin(response.url, response.headers["location"])
            if not to.startswith(self.gateway.origin + "/oauth2/"):
                self.left = to
                return self
            response = self.session.get(to, allow_redirects=False, timeout=30, headers={"Accept": "text/html"})
        raise AssertionError("redirects without end")

    def get(self, url, **kw):
        kw.setdefault("headers", {"Accept": "text/html"})
        return self._follow(self.session.get(url, allow_redirects=False, timeout=30, **kw))

    def send(self, fields=None, drop=(), button=None, form=None):
        """Sends the page's form with these fields changed; button: (name, value)."""
        f = form or self.page.form
        data = {k: v for k, v in f["fields"].items() if k not in drop}
        data.update(fields or {})
        if button:
            data[button[0]] = button[1]
        url = urllib.parse.urljoin(self.page.url, f["action"])
        return self._follow(self.session.post(url, data=data, allow_redirects=False, timeout=30, headers={"Accept": "text/html"}))

    # --- the steps of a flow ------------------------------------------------------------------------------------------------
    def authorize(self, client, scope="openid", method="GET", **more):
        """Sends the browser to /authorize with PKCE; a parameter given as None is left out."""
        self.verifier, challenge = pkce()
        self.state = secrets.token_urlsafe(12)
        params = {"response_type": "code", "client_id": client["client_id"], "redirect_uri": REDIRECT, "scope": scope, "state": self.state,
                  "code_challenge": challenge, "code_challenge_method": "S256"}
        params.update(more)
        params = {k: v for k, v in params.items() if v is not None}
        self.asked = params
        if method == "POST":
            return self._follow(self.session.post(self.path("/authorize"), data=params, allow_redirects=False, timeout=30,
                                                  headers={"Accept": "text/html"}))
        return self.get(self.path("/authorize") + "?" + urllib.parse.urlencode(params))

    def login(self, username="admin", password="pass", patient=False, email=None):
        fields = {"username": username, "password": password, "user_role": "portal-api" if patient else "api"}
        if email is not None:
            fields["email"] = email
        return self.send(fields)

    def login_patient(self, username="Phil1", password="phil", email="heya@invalid.email.com"):
        return self.login(username, password, True, email)

    def allow(self, without=()):
        return self.send(button=("proceed", "1"), drop=[f"scope[{s}]" for s in without])

    def deny(self):
        return self.send(button=("deny", "1"))

    def answer(self):
        """The parameters of the redirect that left."""
        assert self.left, f"no redirect out: {self.page.status} {self.page.title} {self.page.text[:300]}"
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.left).query))

    def redeem(self, client, code=None, **more):
        """The token endpoint's answer to the code."""
        form = {"grant_type": "authorization_code", "code": code or self.answer()["code"], "redirect_uri": self.asked.get("redirect_uri"),
                "client_id": client["client_id"], "client_secret": client.get("client_secret") or None, "code_verifier": self.verifier}
        form.update(more)
        return self.gateway.token_request(self.site, **{k: v for k, v in form.items() if v is not None})
