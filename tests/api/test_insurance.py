# SPDX-License-Identifier: GPL-3.0-or-later
"""Insurance policies: whose subscriber may be written (OpenEMR's comparison with the patient, by its messages), states and countries of the
site's lists, the order of the list, the 6.x form by type in every generation, and what forbids the exchange of two policies."""
import concurrent.futures

import pytest
from generation import SITES, at_hand
from probe import Probe
from routes import ROUTES
from world import POLICY

BY_NAME = {r.name: r for r in ROUTES}
CREATE, UPDATE = BY_NAME["POST /api/patient/:puuid/insurance"], BY_NAME["PUT /api/patient/:puuid/insurance/:insuranceUuid"]
LIST, SWAP = BY_NAME["GET /api/patient/:puuid/insurance"], BY_NAME["POST /api/patient/:puuid/insurance/$swap-insurance"]
BOTH = ["access", "many"]  # v8, classic
SS = "111-22-3333"


def errors(r):
    found = r.json()["validationErrors"]
    return found if isinstance(found, dict) else {}


def policy(site, day, **members):
    return dict(POLICY, type="tertiary", date=day, policy_type="", **members)


@pytest.fixture(scope="module", autouse=True)
def known(api):
    """Patient 1, Phil Belford, has a number and was once called otherwise."""
    for site in BOTH:
        api.sql(f"UPDATE patient_data SET ss = '{SS}' WHERE pid = 1; DELETE FROM insurance_data WHERE id NOT IN (901, 902, 911, 912) AND pid IN (1, 2); "
                "INSERT INTO patient_history (pid, history_type_key, previous_name_first, previous_name_last) VALUES (1, 'name_history', 'Phyllis', 'Bélford')", site)
    yield
    for site in BOTH:
        api.sql("UPDATE patient_data SET ss = '' WHERE pid = 1; DELETE FROM patient_history WHERE previous_name_first = 'Phyllis'", site)


def subscriber(relationship, fname, lname, ss):
    return {"subscriber_relationship": relationship, "subscriber_fname": fname, "subscriber_lname": lname, "subscriber_ss": ss}


NAME, SELF_SSN, SSN = "Record::INVALID_SELF_SUBSCRIBER_NAME", "Record::INVALID_SELF_SUBSCRIBER_SSN", "Record::INVALID_SUBSCRIBER_SSN"
TEXTS = {NAME: "Subscriber name must match patient name for self relationship",
         SELF_SSN: "Subscriber social security number must match patient social security number for self relationship",
         SSN: "Subscriber social security number must not match patient social security number for non-self relationship"}
SUBSCRIBERS = {
    "self": (subscriber("self", "Phil", "Belford", SS), None),
    "self, another number": (subscriber("self", "Phil", "Belford", "999"), SELF_SSN),
    "self, the number written otherwise": (subscriber("self", "Phil", "Belford", SS.replace("-", "")), SELF_SSN),
    "self, another first name": (subscriber("self", "Bill", "Belford", SS), NAME),
    "self, another last name": (subscriber("self", "Phil", "Bellford", SS), NAME),
    "self, names in another case": (subscriber("self", "phil", "belford", SS), NAME),
    "self, names the other way round": (subscriber("self", "Belford", "Phil", SS), NAME),
    "self, nobody": (subscriber("self", "Nobody", "Nowhere", "999"), NAME),
    "self, a former name": (subscriber("self", "Phyllis", "Bélford", SS), None),
    "self, a former name in another case": (subscriber("self", "PHYLLIS", "bÉlford", SS), None),
    "self, a former name, another number": (subscriber("self", "Phyllis", "Bélford", "999"), SELF_SSN),
    "self, no number": (subscriber("self", "Nobody", "Nowhere", ""), None),
    "self, SQL": (subscriber("self", "Phil' OR '1'='1", "Belford", SS), NAME),
    "spouse": (subscriber("spouse", "Mary", "Belford", "999"), None),
    "spouse of the same name": (subscriber("spouse", "Phil", "Belford", "999"), None),
    "spouse with the patient's number": (subscriber("spouse", "Mary", "Belford", SS), SSN),
    "child with the patient's name and number": (subscriber("child", "Phil", "Belford", SS), SSN),
    "other, a wildcard": (subscriber("other", "Mary", "Belford", "%"), None),
}


@pytest.mark.parametrize("what", SUBSCRIBERS)
@pytest.mark.parametrize("site", BOTH)
def test_the_subscriber_is_compared_with_the_patient(api, site, what):
    members, code = SUBSCRIBERS[what]
    day = f"19{10 + list(SUBSCRIBERS).index(what)}-01-02"
    r = api("POST", api.world[site].path(CREATE), site, json=policy(site, day, **members))
    stored = api.sql(f"SELECT subscriber_relationship, subscriber_fname, subscriber_lname, subscriber_ss FROM insurance_data WHERE pid = 1 AND date = '{day}'", site)
    if code is None:
        assert errors(r) == {} and stored == [list(members.values())], r.text[:300]
    else:
        assert errors(r) == {"subscriber_relationship": {code: TEXTS[code]}} and r.json()["data"] == [] and stored == []
        assert r.status_code == (200 if SITES[site][1] == "v8" else 400)
        assert SS not in r.text


def test_a_patient_without_a_number_is_not_its_own_subscriber_with_one(api):
    """As OpenEMR: the numbers are compared where the policy has one."""
    site = "access"
    path = api.world[site].path(CREATE, 2)
    r = api("POST", path, site, json=policy(site, "1950-01-02", **subscriber("self", "Zoë", "Nguyễn", "1")))
    assert list(errors(r)["subscriber_relationship"]) == [SELF_SSN]
    assert errors(api("POST", path, site, json=policy(site, "1950-01-02", **subscriber("self", "Zoë", "Nguyễn", "")))) == {}


CHANGES = {  # of a policy whose subscriber is Foo Tester, 234231234, other
    "the patient's number": ({"subscriber_ss": SS}, SSN), "self alone": ({"subscriber_relationship": "self"}, NAME),
    "self and the name": ({"subscriber_relationship": "self", "subscriber_fname": "Phil", "subscriber_lname": "Belford"}, SELF_SSN),
    "self and all": (subscriber("self", "Phil", "Belford", SS), None), "a name": ({"subscriber_fname": "Zed"}, None), "nothing of it": ({"copay": "77"}, None),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("site", BOTH)
def test_a_change_is_compared_with_what_the_policy_will_have(api, site, what):
    members, code = CHANGES[what]
    columns = ", ".join(f"`{k}`" for k in POLICY if k != "date_end")
    api.sql("UPDATE insurance_data SET subscriber_relationship = 'other', subscriber_fname = 'Foo', subscriber_lname = 'Tester', subscriber_ss = '234231234', copay = '35' WHERE id = 901", site)
    before = api.sql(f"SELECT {columns} FROM insurance_data WHERE id = 901", site)
    r = api("PUT", api.world[site].path(UPDATE), site, json=members)
    after = dict(zip(members, api.sql(f"SELECT {', '.join(members)} FROM insurance_data WHERE id = 901", site)[0]))
    if code is None:
        assert errors(r) == {} and after == members
    else:
        assert errors(r) == {"subscriber_relationship": {code: TEXTS[code]}}
        assert api.sql(f"SELECT {columns} FROM insurance_data WHERE id = 901", site) == before


def test_a_policy_that_does_not_fit_any_more_can_still_be_changed_elsewhere(api):
    """The patient got another name since: the copay is not the subscriber's."""
    site = "many"
    api.sql("UPDATE insurance_data SET subscriber_relationship = 'self', subscriber_ss = '1' WHERE id = 901", site)
    assert errors(api("PUT", api.world[site].path(UPDATE), site, json={"copay": "41"})) == {}
    assert list(errors(api("PUT", api.world[site].path(UPDATE), site, json={"subscriber_fname": "Foo2"}))) == ["subscriber_relationship"]
    api.sql("UPDATE insurance_data SET subscriber_relationship = 'other', subscriber_ss = '234231234', copay = '35' WHERE id = 901", site)


# --- lists ------------------------------------------------------------------------------------------------------------------------------
LISTED = {"subscriber_state": "state", "subscriber_employer_state": "state", "subscriber_country": "country", "subscriber_employer_country": "country"}


@pytest.mark.parametrize("member", LISTED)
@pytest.mark.parametrize("site", BOTH)
@pytest.mark.parametrize("value", ["Arizona", "ZZ", "A", "A" * 200, "AZ ' --", "state"])
def test_states_and_countries_are_of_the_sites_lists(api, site, member, value):
    want = {member: {"ListOptionRule::INVALID_LIST_OPTION": f'{LISTED[member]} does not have an option_id of "{member}"'}}
    before = api.sql("SELECT COUNT(*) FROM insurance_data", site)
    r = api("POST", api.world[site].path(CREATE), site, json=policy(site, "1960-01-02", **{member: value}))
    assert errors(r) == want and api.sql("SELECT COUNT(*) FROM insurance_data", site) == before
    assert errors(api("PUT", api.world[site].path(UPDATE), site, json={member: value})) == want


@pytest.fixture
def with_settings(api):
    """A backend of its own over a site whose settings it changes; they are put back."""
    made = []

    def make(site, **settings):
        for name, value in settings.items():
            made.append((site, name, api.sql(f"SELECT gl_value FROM globals WHERE gl_name = '{name}'", site)))
            api.sql(f"DELETE FROM globals WHERE gl_name = '{name}'" + ("" if value is None else
                    f"; INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('{name}', 0, '{value}')"), site)
        probe = Probe(api.gateway.stores, api.database(site), SITES[site][1])
        made.append(probe)
        return probe
    yield make
    for what in reversed(made):
        if isinstance(what, Probe):
            what.close()
            continue
        site, name, value = what
        api.sql(f"DELETE FROM globals WHERE gl_name = '{name}'" + "".join(f"; INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('{name}', 0, '{v}')" for (v,) in value), site)


def test_the_lists_are_those_that_the_settings_name(api, with_settings):
    site = "access"
    api.sql("INSERT INTO list_options (list_id, option_id, title) VALUES ('provinces', 'ON', 'Ontario')", site)
    probe = with_settings(site, state_list="provinces")
    path = api.world[site].path(UPDATE)
    state = "SELECT subscriber_state FROM insurance_data WHERE id = 901"
    assert probe("PUT", path, {"subscriber_state": "AZ"}).json["validationErrors"] == {
        "subscriber_state": {"ListOptionRule::INVALID_LIST_OPTION": 'provinces does not have an option_id of "subscriber_state"'}}
    assert api.sql(state, site) == [["AZ"]]
    assert probe("PUT", path, {"subscriber_state": "ON"}).json["validationErrors"] == [] and api.sql(state, site) == [["ON"]]
    api.sql("UPDATE insurance_data SET subscriber_state = 'AZ' WHERE id = 901; DELETE FROM list_options WHERE list_id = 'provinces'", site)


def test_a_site_without_the_settings_has_the_lists_as_installed(api, with_settings):
    probe = with_settings("access", state_list=None, country_list="")
    path = api.world["access"].path(UPDATE)
    assert probe("PUT", path, {"subscriber_state": "CA", "subscriber_country": "USA"}).json["validationErrors"] == []
    assert set(probe("PUT", path, {"subscriber_state": "ZZ", "subscriber_country": "XX"}).json["validationErrors"]) == {"subscriber_state", "subscriber_country"}


def test_a_site_of_primary_policies_alone(api, with_settings):
    site = "access"
    probe = with_settings(site, insurance_only_one="1")
    want = {"INSURANCE_ONLY_ONE::INVALID_INSURANCE_TYPE": "only primary insurance allowed with insurance_only_one global setting enabled"}
    before = api.sql("SELECT COUNT(*) FROM insurance_data", site)
    assert probe("POST", api.world[site].path(CREATE), policy(site, "1961-01-02")).json["validationErrors"] == {"type": want}
    by_type = probe("POST", "/api/patient/1/insurance/secondary", {k: v for k, v in policy(site, "1961-01-02").items() if k != "type"})
    assert by_type.json == {"type": want} and api.sql("SELECT COUNT(*) FROM insurance_data", site) == before


# --- dates ------------------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("site", BOTH)
def test_a_policy_does_not_begin_behind_its_end_nor_twice_on_a_day(api, site):
    path = api.world[site].path(CREATE)
    assert errors(api("POST", path, site, json=policy(site, "1962-02-02", date_end="1962-02-01"))) == {
        "date": {"DateTime::INVALID_START_DATE": "Start date cannot be after end date"}}
    made = api("POST", path, site, json=policy(site, "1962-02-02", date_end="1962-02-02"))
    assert errors(made) == {}
    again = api("POST", path, site, json=policy(site, "1962-02-02"))
    assert errors(again) == {"date": {"Record::DUPLICATE_RECORD": "A policy for this type with the same effective date already exists for this patient"}}
    assert api.sql("SELECT COUNT(*), MAX(date_end) FROM insurance_data WHERE pid = 1 AND date = '1962-02-02'", site) == [["1", "1962-02-02"]]
    own = UPDATE.filled({"puuid": api.world[site].values[1][("patient", "puuid")], "insuranceUuid": made.json()["data"]["uuid"]})
    assert list(errors(api("PUT", own, site, json={"date": "1962-03-01"}))["date"]) == ["DateTime::INVALID_START_DATE"]  # behind the end that it has
    assert list(errors(api("PUT", own, site, json={"date_end": "1962-01-01"}))["date"]) == ["DateTime::INVALID_START_DATE"]
    assert errors(api("PUT", own, site, json={"date_end": "", "date": "1962-03-01"})) == {}
    assert api.sql("SELECT date, COALESCE(date_end, 'none') FROM insurance_data WHERE pid = 1 AND date LIKE '1962-%'", site) == [["1962-03-01", "none"]]


# --- order ------------------------------------------------------------------------------------------------------------------------------
ORDER = "CASE WHEN date_end IS NULL OR date_end > CURDATE() THEN 0 ELSE 1 END, date DESC, date_end DESC, policy_number"


@pytest.mark.parametrize("site", [s for s in SITES if s not in ("recorded", "g502", "hostile") and at_hand(s)])
def test_the_list_has_current_policies_first(api, site):
    """By type; in each: those without an end or with one to come, then the newest."""
    dated = api.sql("SHOW COLUMNS FROM insurance_data LIKE 'date_end'", site) != []
    rows = [("secondary", "2020-01-01", "2021-01-01", "B"), ("secondary", "2019-01-01", "2099-01-01", "A"), ("secondary", "2018-01-01", None, "C"),
            ("secondary", "2022-01-01", "2022-06-01", "D"), ("primary", "2001-01-01", "2002-01-01", "E"), ("primary", "2000-01-01", None, "F"),
            ("primary", "1999-01-01", "2098-01-01", "G"), ("tertiary", "2017-01-01", "2018-01-01", "H"), ("tertiary", "2016-01-01", None, "I")]
    if not dated:  # before 7.0.1: one policy of a type and day, none ends
        rows = [(*r[:2], None, r[3]) for r in rows]
    api.sql("SET sql_mode = ''; DELETE FROM insurance_data WHERE pid = 2 AND id < 900; " + "".join(
        f"INSERT INTO insurance_data (id, uuid, type, provider, pid, date, policy_number{', date_end' if dated else ''}) VALUES ({300 + i}, UNHEX(MD5('o{i}')), '{t}', '1400', 2, "
        f"'{day}', '{number}'{(', NULL' if end is None else f', {chr(39)}{end}{chr(39)}') if dated else ''});" for i, (t, day, end, number) in enumerate(rows)), site)
    try:
        order = ORDER if dated else "date DESC, policy_number"
        want = [u for (u,) in api.sql(f"SELECT policy_number FROM insurance_data WHERE pid = 2 ORDER BY type, {order}", site)]
        got = [p["policy_number"] for p in api("GET", api.world[site].path(LIST, 2), site).json()["data"]]
        assert got == want and len(got) >= len(rows)
        if dated:
            assert [n for n in got if n in "ABCDEFGHI"] == list("FGE" + "ACDB" + "IH")
    finally:
        api.sql("DELETE FROM insurance_data WHERE pid = 2 AND id BETWEEN 300 AND 320", site)


# --- the 6.x form by type ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("site", [s for s in SITES if s != "recorded" and at_hand(s)])
def test_a_policy_by_type_is_written_in_every_generation(api, site):
    """6.x asked for no list, and compared nobody: its clients' texts are taken."""
    by_type = "/api/patient/1/insurance/tertiary"
    body = {k: v for k, v in policy(site, "1963-01-02").items() if k not in ("type", "date_end")}
    body |= {"subscriber_state": "Arizona", "subscriber_country": "United States", **subscriber("self", "Other", "Name", "999")}
    r = api("POST", by_type, site, json=body)
    assert r.status_code in (200, 201) and r.text == '"tertiary"', r.text[:300]
    row = "SELECT pid, type, subscriber_state, subscriber_country, subscriber_relationship, subscriber_fname FROM insurance_data WHERE date = '1963-01-02' AND type = 'tertiary' AND pid = 1"
    assert api.sql(row, site) == [["1", "tertiary", "Arizona", "United States", "self", "Other"]]
    assert api("POST", "/api/patient/1/insurance/fourth", site, json=body).status_code in (200, 400)
    assert api.sql("SELECT COUNT(*) FROM insurance_data WHERE date = '1963-01-02'", site) == [["1"]]
    api.sql("DELETE FROM insurance_data WHERE date = '1963-01-02'", site)


# --- the exchange --------------------------------------------------------------------------------------------------------------------------
def swap(api, site, to, uuid=None):
    world = api.world[site]
    return api("POST", f"{world.path(SWAP)}?type={to}&uuid={uuid or world.values[1][('insurance', 'uuid')]}", site)


@pytest.fixture
def pair(api):
    """Policy 901 is primary, 911 secondary, of one day; more(site, sql) changes them for the test."""
    def reset(site):
        api.sql("DELETE FROM insurance_data WHERE id BETWEEN 320 AND 330; UPDATE insurance_data SET type = 'tertiary', date = '1900-01-01' WHERE id = 901; "
                "UPDATE insurance_data SET type = 'secondary', date = '2018-10-15', subscriber_street = '183 Cool St', date_end = NULL WHERE id = 911; "
                "UPDATE insurance_data SET type = 'primary', date = '2018-10-15', subscriber_street = '183 Cool St', subscriber_state = 'AZ', subscriber_country = 'USA', "
                "subscriber_relationship = 'other', subscriber_fname = 'Foo', subscriber_lname = 'Tester', subscriber_ss = '234231234', date_end = NULL WHERE id = 901", site)

    def more(site, sql):
        reset(site)
        if sql:
            api.sql(sql, site)
    yield more
    for site in BOTH:
        reset(site)


EXTRA = "INSERT INTO insurance_data (id, uuid, type, provider, pid, date) VALUES ({0}, UNHEX(MD5('x{0}')), '{1}', '1400', 1, '{2}');"
TARGET = "Record::TARGET_INSURANCE_UPDATE_PROHIBITED"
SOURCE = "Record::SOURCE_INSURANCE_UPDATE_PROHIBITED"
FORBIDDEN = {
    "the target has no street": ("UPDATE insurance_data SET subscriber_street = '' WHERE id = 911", TARGET),
    "the target has no day": ("UPDATE insurance_data SET date = NULL WHERE id = 911", TARGET),
    "the target has a state of no list": ("UPDATE insurance_data SET subscriber_state = 'Arizona' WHERE id = 911", TARGET),
    "the source has no street": ("UPDATE insurance_data SET subscriber_street = NULL WHERE id = 901", SOURCE),
    "the source has the patient's number": (f"UPDATE insurance_data SET subscriber_ss = '{SS}' WHERE id = 901", SOURCE),
    "the source begins behind its end": ("UPDATE insurance_data SET date_end = '2001-01-01' WHERE id = 901", SOURCE),
    "both": ("UPDATE insurance_data SET subscriber_street = '' WHERE id IN (901, 911)", TARGET),
    "the source's day is taken": ("UPDATE insurance_data SET date = '2020-01-01' WHERE id = 911;" + EXTRA.format(320, "secondary", "2018-10-15"),
                                  "Record::INVALID_TARGET_POLICY_DATE"),
    "the target's day is taken": ("UPDATE insurance_data SET date = '2020-01-01' WHERE id = 911;" + EXTRA.format(320, "primary", "2020-01-01"),
                                  "Record::INVALID_SOURCE_POLICY_DATE"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
@pytest.mark.parametrize("site", BOTH)
def test_an_exchange_that_is_forbidden_changes_nothing(api, pair, site, what):
    change, code = FORBIDDEN[what]
    pair(site, change)
    try:
        before, logged = api.sql("CHECKSUM TABLE insurance_data", site), api.sql("SELECT COUNT(*) FROM log", site)
        r = swap(api, site, "secondary")
        assert list(errors(r)) == ["type"] and list(errors(r)["type"]) == [code], r.text[:400]
        assert r.status_code == (200 if SITES[site][1] == "v8" else 400)
        assert api.sql("CHECKSUM TABLE insurance_data", site) == before and api.sql("SELECT COUNT(*) FROM log", site) == logged
    finally:
        api.sql("UPDATE insurance_data SET subscriber_state = 'AZ' WHERE id = 911", site)


GOOD = {"of one day": "", "of two days": "UPDATE insurance_data SET date = '2020-01-01' WHERE id = 911",
        "an older one keeps its type": EXTRA.format(320, "secondary", "1990-01-01")}


@pytest.mark.parametrize("what", GOOD)
@pytest.mark.parametrize("site", BOTH)
def test_an_exchange_keeps_the_days(api, pair, site, what):
    pair(site, GOOD[what])
    days = dict(api.sql("SELECT id, date FROM insurance_data WHERE pid = 1", site))
    assert errors(swap(api, site, "secondary")) == {}
    rows = {i: (t, d) for i, t, d in api.sql("SELECT id, type, date FROM insurance_data WHERE pid = 1", site)}
    assert rows["901"][0] == "secondary" and rows["911"][0] == "primary" and {i: d for i, (_, d) in rows.items()} == days
    assert rows.get("320", ("secondary",))[0] == "secondary"


def test_a_type_without_a_policy_takes_the_policy_alone(api, pair):
    site = "access"
    pair(site, "DELETE FROM insurance_data WHERE pid = 1 AND type = 'tertiary'")
    r = swap(api, site, "tertiary")
    assert errors(r) == {} and r.json()["data"]["target"] is None
    assert dict(api.sql("SELECT id, type FROM insurance_data WHERE id IN (901, 911)", site)) == {"901": "tertiary", "911": "secondary"}


def test_exchanges_at_the_same_time_wait_for_each_other(api, pair):
    site = "many"
    pair(site, "")
    api.token(site)
    uuids = [api.world[site].values[1][("insurance", k)] for k in ("uuid", "other")]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda i: swap(api, site, ("primary", "secondary")[i // 2 % 2], uuids[i % 2]), range(24)))
    assert {r.status_code for r in got} == {200} and not [r.text for r in got if errors(r)]
    assert sorted(t for (t,) in api.sql("SELECT type FROM insurance_data WHERE id IN (901, 911)", site)) == ["primary", "secondary"]
