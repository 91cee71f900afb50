# SPDX-License-Identifier: GPL-3.0-or-later
"""A registered app and a person's browser without JavaScript, for tests of the authorization pages: follows redirects, reads forms, presses
buttons, takes the code. Not a client library: nothing is checked here that a test should claim."""
import html.parser
import secrets
import urllib.parse

from tokens import pkce, secret_of

# one address signs in more often than people do
FREE = {f"rate.classes.{name}.limit": 0 for name in ("page", "login", "token", "register")}
REDIRECT = "https://client.example.org/callback"


class Forms(html.parser.HTMLParser):
    """The forms of a page: action, method, fields (checked ones), buttons [(name, value, text)]."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.open, self.button = [], None, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form":
            self.open = {"action": a.get("action", ""), "method": a.get("method", "get"), "fields": {}, "buttons": []}
            self.forms.append(self.open)
        elif self.open is None:
            return
        elif tag == "input" and a.get("name"):
            if a.get("type") in ("checkbox", "radio") and "checked" not in a:
                return
            self.open["fields"][a["name"]] = a.get("value", "")
        elif tag == "button":
            self.button = [a.get("name"), a.get("value", ""), ""]
            self.open["buttons"].append(self.button)

    def handle_data(self, data):
        if self.button is not None:
            self.button[2] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self.open = None
        if tag == "button":
            self.button = None


def text_of(page):
    """What a person reads, without markup."""
    class Text(html.parser.HTMLParser):
        out = ""

        def handle_data(self, data):
            self.out += data
    t = Text()
    t.feed(page)
    return " ".join(t.out.split())


class App:
    """made: the registration's answer. browser: a person's session; several apps may share it."""

    def __init__(self, gateway, made, browser=None, site="default", redirect=REDIRECT):
        self.g, self.made, self.site, self.redirect = gateway, made, site, redirect
        self.browser = browser or gateway.session_new()
        self.verifier, self.challenge = pkce()
        self.page = None  # the last answer that was no redirect of ours
        self.back = None  # parameters with which the browser came back to the app

    # --- the browser -------------------------------------------------------------------------------------------------------
    def go(self, method, url, **kw):
        """Follows redirects until a page, or back to the app."""
        self.back = None
        url = urllib.parse.urljoin(self.g.origin, url)
        r = self.browser.request(method, url, allow_redirects=False, timeout=30, **kw)
        while r.status_code in (302, 303, 307):
            to = urllib.parse.urljoin(url, r.headers["Location"])
            if to.startswith(self.redirect):
                self.back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(to).query))
                self.page = r
                return self
            assert to.startswith(self.g.origin + "/"), to
            url, r = to, self.browser.get(to, allow_redirects=False, timeout=30)
        self.page = r
        return self

    def form(self, action=""):
        return next(f for f in Forms(self.page.text).forms if action in f["action"])

    def press(self, button=None, action="", **change):
        """Submits the form with changed fields; button: (name, value) of the one pressed."""
        form = self.form(action)
        fields = {**form["fields"], **change}
        if button:
            fields[button[0]] = button[1]
        fields = {k: v for k, v in fields.items() if v is not None}
        kw = {"params": fields} if form["method"].lower() == "get" else {"data": fields}
        return self.go(form["method"].upper(), form["action"], **kw)

    # --- the flow ----------------------------------------------------------------------------------------------------------
    def authorize(self, scope, **change):
        query = {"response_type": "code", "client_id": self.made["client_id"], "redirect_uri": self.redirect, "scope": scope,
                 "state": secrets.token_urlsafe(16), "aud": f"{self.g.origin}/apis/{self.site}/fhir", "code_challenge": self.challenge,
                 "code_challenge_method": "S256"}
        query.update(change)
        return self.go("GET", f"/oauth2/{self.site}/authorize", params={k: v for k, v in query.items() if v is not None})

    def sign_in(self, username="admin", password="pass", email=None):
        """At the login page; an email means a patient."""
        return self.press(action="/login", username=username, password=password, email=email or "",
                          user_role="portal-api" if email else "api")

    def sign_in_patient(self):
        return self.sign_in("Phil1", "phil", "heya@invalid.email.com")

    def allow(self):
        return self.press(("proceed", "1"), "/device/code")

    def at(self, path):
        """Is the browser at this page?"""
        return self.page.status_code == 200 and path in self.page.url

    def token(self, **change):
        """Redeems the code the app came back with."""
        form = {"grant_type": "authorization_code", "code": self.back["code"], "redirect_uri": self.redirect, "code_verifier": self.verifier,
                "client_id": self.made["client_id"]}
        if self.made.get("client_secret"):
            form["client_secret"] = self.made["client_secret"]
        form.update(change)
        return self.g.post(f"/oauth2/{self.site}/token", data=form)

    def refresh(self, token, **change):
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": self.made["client_id"]}
        if self.made.get("client_secret"):
            form["client_secret"] = self.made["client_secret"]
        form.update(change)
        return self.g.post(f"/oauth2/{self.site}/token", data=form)

    def introspect(self, token):
        return self.g.post(f"/oauth2/{self.site}/introspect", data={"token": token, **secret_of(self.made)}).json()
