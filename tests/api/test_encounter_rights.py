# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenEMR's ACL says of an encounter beyond its route: who may change one of a sensitivity, and whose change of its date counts."""
import pytest

SITE = "access"


@pytest.fixture
def change(api):
    """Changes reason and date as the user; answers what came back and what is stored."""
    world = api.world[SITE]
    puuid, euuid = world.values[1][("patient", "puuid")], world.values[1][("encounter", "euuid")]

    def put(who, reason):
        body = {"user": "admin", "group": "Default", "reason": reason, "date": "2031-01-02"}
        r = api("PUT", f"/api/patient/{puuid}/encounter/{euuid}", SITE, who=who, json=body)
        return r, api.sql("SELECT reason, DATE(date) FROM form_encounter WHERE encounter = 101", SITE)[0]

    before = api.sql("SELECT HEX(reason), date FROM form_encounter WHERE encounter = 101", SITE)[0]
    yield put
    api.sql("UPDATE form_encounter SET reason = UNHEX('%s'), sensitivity = 'normal', date = '%s' WHERE encounter = 101" % tuple(before), SITE)


def test_a_sensitivity_that_is_not_theirs_is_refused(api, change):
    r, stored = change("accountant", "not allowed")  # has encounters/auth_a, and no sensitivity at all
    assert list(r.json()["validationErrors"]) == ["sensitivity"] and r.json()["data"] == []
    assert stored[0] != "not allowed" and stored[1] == "2024-01-02"


def test_an_encounter_without_a_sensitivity_and_with_one_of_theirs_is_changed(api, change):
    r, stored = change("physician", "by a physician")
    assert r.json()["data"]["reason"] == "by a physician" and stored == ["by a physician", "2031-01-02"]
    api.sql("UPDATE form_encounter SET sensitivity = '', date = '2024-01-02' WHERE encounter = 101", SITE)
    r, stored = change("accountant", "by the billing staff")
    assert stored == ["by the billing staff", "2031-01-02"], r.text


def test_the_date_stays_where_the_user_may_not_fix_it(api, change):
    site = "many"  # not the site of the matrix, whose rights others count on
    world = api.world[site]
    uuids = world.values[1][("patient", "puuid")], world.values[1][("encounter", "euuid")]
    date_a = "DELETE FROM gacl_aco_map WHERE section_value = 'encounters' AND value = 'date_a'"
    api.sql(f"{date_a}; UPDATE form_encounter SET sensitivity = '' WHERE encounter = 101", site)
    body = {"user": "admin", "group": "Default", "reason": "no date", "date": "2031-01-02"}
    r = api("PUT", "/api/patient/%s/encounter/%s" % uuids, site, who="physician", json=body)
    assert r.status_code == 200, r.text
    assert api.sql("SELECT reason, DATE(date) FROM form_encounter WHERE encounter = 101", site) == [["no date", "2024-01-02"]]
