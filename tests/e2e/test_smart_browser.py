# SPDX-License-Identifier: GPL-3.0-or-later
"""The SMART client library that apps use (npm fhirclient) in a real browser, from the FHIR base address alone to the patient's record:
standalone as patient and as staff, and from the EHR. Also what each page of ours is in that browser: no error, no script, no overflow."""
import functools
import http.server
import json
import pathlib
import shutil
import threading
import urllib.parse

import pytest
from app import FREE
from browser import Browser
from gateway import Gateway, wait_until
from npm import npm_package
from rows import patient_uuid
from selenium.webdriver.common.by import By

APP = pathlib.Path(__file__).resolve().parent / "fhirclient"
# version and SHA-512 of its archive
FHIRCLIENT = ("2.6.3", "CirZixcwWelbkIXxpxlNQx5+ZdJirl6F1s4y4yvA1X7hHAkr9n99aVHaMi0wX+97nATjKQ65X6NB5as/wZoJzg==")
PUBLIC = {"application_type": "web", "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"]}
SCOPE = "openid fhirUser launch/patient patient/Patient.rs"


@pytest.fixture(scope="module")
def gateway():
    g = Gateway(extra=FREE)
    yield g
    g.close()


@pytest.fixture(scope="module")
def app_origin(tmp_path_factory):
    """The app's own web server on the loopback address."""
    site = tmp_path_factory.mktemp("app")
    for name in ("launch.html", "index.html"):
        shutil.copy(APP / name, site)
    shutil.copy(npm_package("fhirclient", *FHIRCLIENT) / "build" / "fhir-client.js", site)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def made(gateway, app_origin):
    return gateway.register(client_name="Browser app", scope=SCOPE + " launch launch/encounter", redirect_uris=[f"{app_origin}/index.html"],
                            initiate_login_uri=f"{app_origin}/launch.html", **PUBLIC)


def launch(driver, gateway, app_origin, made, scope=SCOPE, **more):
    driver.get(f"{app_origin}/index.html")  # the app's origin: the other patient that it will try to read
    driver.execute_script("sessionStorage.setItem('other', arguments[0])", patient_uuid(gateway, 2))
    query = {"iss": f"{gateway.origin}/apis/default/fhir", "client": made["client_id"], "scope": scope, **more}
    driver.get(f"{app_origin}/launch.html?{urllib.parse.urlencode(query)}")


def at(driver, path):
    wait_until(lambda: path in driver.current_url or driver.title == "failed", f"at {path}, not {driver.current_url}")
    assert driver.title != "failed", driver.find_element(By.ID, "out").text


def sign_in(driver, username, password, email=None):
    at(driver, "/provider/login")
    driver.find_element(By.ID, "role-patient" if email else "role-staff").click()
    for name, value in (("username", username), ("password", password), ("email", email)):
        if value:
            driver.find_element(By.NAME, name).send_keys(value)
    driver.find_element(By.CSS_SELECTOR, "button.main").click()


def allow(driver):
    at(driver, "/scope-authorize-confirm")
    driver.find_element(By.NAME, "proceed").click()


def result(driver):
    wait_until(lambda: driver.title in ("done", "failed"), f"the app to end, at {driver.current_url} {driver.title}")
    text = driver.find_element(By.ID, "out").text
    assert driver.title == "done", text
    return json.loads(text)


def read_of(gateway, got, pid):
    want = patient_uuid(gateway, pid)
    assert got["id"] == want == got["patient"]["id"] == got["token"]["patient"] and got["total"] == 1
    assert got["other"] in ("refused 403", "refused 404", "refused 401"), got["other"]
    return got


def test_standalone_as_a_patient(gateway, app_origin, made):
    with Browser() as browser:
        driver = browser.driver
        launch(driver, gateway, app_origin, made)
        sign_in(driver, "Phil1", "phil", "heya@invalid.email.com")
        allow(driver)
        got = read_of(gateway, result(driver), 1)
        assert got["user"] == f"Patient/{got['id']}" and got["patient"]["name"][0]["family"] == "Belford"


def test_standalone_as_staff_with_the_list_of_patients(gateway, app_origin, made):
    with Browser() as browser:
        driver = browser.driver
        launch(driver, gateway, app_origin, made)
        sign_in(driver, "admin", "pass")
        at(driver, "/smart/patient-select")
        driver.find_element(By.ID, "search[lname]").send_keys("Belf")
        driver.find_element(By.CSS_SELECTOR, ".search button").click()
        at(driver, "search%5Blname%5D=Belf")
        driver.find_element(By.CSS_SELECTOR, "button[name=patient_id]").click()
        allow(driver)
        read_of(gateway, result(driver), 1)


def test_from_the_ehr(gateway, app_origin, made):
    ehr = gateway.staff_token("openid user/Patient.rs")
    answer = gateway.post("/oauth2/default/smart/launch", ehr, data={"client_id": made["client_id"], "patient": patient_uuid(gateway, 1),
                                                                     "intent": "main.tab"}).json()
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer["launch_url"]).query))
    assert query["iss"] == f"{gateway.origin}/apis/default/fhir"
    with Browser() as browser:
        driver = browser.driver
        launch(driver, gateway, app_origin, made, "openid fhirUser launch patient/Patient.rs", **query)
        sign_in(driver, "admin", "pass")
        allow(driver)
        got = read_of(gateway, result(driver), 1)
        assert got["token"]["intent"] == "main.tab" and got["token"]["need_patient_banner"] is False


def sound(browser, name):
    """No script, nothing outside the window, every field labelled, one h1, a language."""
    driver = browser.driver
    browser.shot(name)
    assert driver.find_elements(By.TAG_NAME, "script") == [] and len(driver.find_elements(By.TAG_NAME, "h1")) == 1
    wide, window = driver.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window, f"{name}: {wide} > {window}"
    bare = driver.execute_script("return [...document.querySelectorAll('input:not([type=hidden]),select,textarea')]"
                                 ".filter(e => !e.labels || e.labels.length === 0).map(e => e.name)")
    assert bare == [], f"{name}: without a label: {bare}"
    assert driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    errors = [x["message"] for x in driver.get_log("browser") if x["level"] == "SEVERE" and "favicon" not in x["message"]]
    assert errors == [], f"{name}: {errors}"


@pytest.mark.parametrize("name, width, dark", [("light", 1000, False), ("dark", 1000, True), ("phone", 390, False)])
def test_our_pages_in_the_browser(gateway, app_origin, made, name, width, dark):
    gateway.sql("INSERT INTO form_encounter (uuid, date, reason, pid, encounter) VALUES (UNHEX(MD5(RAND())), '2024-03-01 10:00:00', "
                "'Cough <b>since</b> a week', 1, 101)")
    with Browser(width, 900, dark) as browser:
        driver = browser.driver
        driver.get(f"{gateway.origin}/interface/smart/register-app.php")
        sound(browser, f"register-{name}")
        launch(driver, gateway, app_origin, made, SCOPE + " launch/encounter")
        at(driver, "/provider/login")
        driver.get_log("browser")  # the app's own pages before ours
        sign_in(driver, "admin", "pass")
        at(driver, "/smart/patient-select")
        sound(browser, f"patients-{name}")
        driver.find_element(By.ID, "search[lname]").send_keys("Belf")
        driver.find_element(By.CSS_SELECTOR, ".search button").click()
        at(driver, "search%5Blname%5D=Belf")
        driver.find_element(By.CSS_SELECTOR, "button[name=patient_id]").click()
        wait_until(lambda: "visit" in driver.title, "the list of visits")
        sound(browser, f"visits-{name}")
        driver.find_element(By.CSS_SELECTOR, "button[name=encounter_id]").click()
        at(driver, "/scope-authorize-confirm")
        sound(browser, f"consent-{name}")
        allow(driver)
        result(driver)
        driver.get(f"{gateway.origin}/oauth2/default/manage")
        driver.get_log("browser")
        sound(browser, f"manage-{name}")
        driver.find_element(By.CSS_SELECTOR, "button[name=client]").click()
        wait_until(lambda: "withdrawn" in driver.current_url, "the list after withdrawing")
        sound(browser, f"withdrawn-{name}")
