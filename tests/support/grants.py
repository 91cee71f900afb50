# SPDX-License-Identifier: GPL-3.0-or-later
"""What the groups of a fresh OpenEMR may do (contract, oauth2.md 11.4), written down by hand: what tests expect of the ACL does not come from
the program nor from the database that it reads."""
ALL = "*"
# group: {return value: {section: objects}}
GRANTS = {
    "admin": {"write": ALL},
    "doc": {"write": {"acct": "disc rep", "admin": "drugs", "encounters": "auth auth_a coding coding_a notes notes_a date_a relaxed", "groups": "gcalendar glog",
                      "patients": "alert amendment appt demo disclosure docs lab med notes reminder rx sign trans", "sensitivities": "high normal"},
            "view": {"patients": "pat_rep"}},
    "clin": {"addonly": {"encounters": "notes relaxed", "patients": "alert amendment demo disclosure docs lab notes reminder rx trans", "sensitivities": "normal"},
             "write": {"admin": "drugs", "encounters": "auth coding notes", "groups": "gcalendar glog", "patients": "appt med"}, "view": {"patients": "pat_rep"}},
    "front": {"write": {"groups": "gcalendar", "patients": "appt demo"}, "view": {"patients": "alert"}},
    "back": {"write": {"acct": "bill disc eob rep rep_a", "admin": "practice superbill", "encounters": "auth_a coding_a date_a", "patients": "appt demo"},
             "view": {"patients": "alert"}},
}
GROUP_OF = {"admin": "admin", "physician": "doc", "clinician": "clin", "receptionist": "front", "accountant": "back"}


def granted(user, acl):
    """Whether the user passes "section/value" or "section/value:write|addonly"; no object asks nothing."""
    if acl in (None, "none"):
        return True
    wanted, _, values = acl.partition(":")
    section, value = wanted.split("/")
    grants = GRANTS[GROUP_OF[user]]
    if grants.get("write") == ALL:
        return True
    return any(value in objects.get(section, "").split() for given, objects in grants.items() if not values or given in values.split("|"))
