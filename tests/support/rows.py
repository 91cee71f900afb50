# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of OpenEMR's tables that tests of the running gateway add or ask for. Those of whole generations are generation.py's, one of every
resource world.py's."""
import uuid


def uuid_of(gateway, table, where, site="default"):
    return str(uuid.UUID(gateway.sql(f"SELECT HEX(uuid) FROM {table} WHERE {where}", site)[0][0]))


def patient_uuid(gateway, pid, site="default"):
    return uuid_of(gateway, "patient_data", f"pid={pid}", site)


def visit_add(gateway, pid, day, reason):
    """An encounter of the patient on that day of March 2024: its uuid."""
    made = uuid.uuid4()
    gateway.sql(f"INSERT INTO form_encounter (uuid, date, reason, pid, encounter) VALUES (UNHEX('{made.hex}'), '2024-03-{day:02} 10:00:00', "
                f"'{reason}', {pid}, {pid * 100 + day})")
    return str(made)


def clerk_add(gateway):
    """A member of staff in a group that may do nothing: name. The password is the accountant's."""
    gateway.sql("INSERT INTO users (id, uuid, username, password, authorized, fname, lname, active, info) VALUES "
                "(90, UNHEX(MD5('clerk')), 'clerk', '', 0, 'Cleo', 'Clerk', 1, '');"
                "INSERT INTO users_secure (id, username, password, last_update_password) SELECT 90, 'clerk', password, last_update_password "
                "FROM users_secure WHERE username='accountant';"
                "INSERT INTO `groups` (name, user) VALUES ('Default', 'clerk');"
                "INSERT INTO gacl_aro (id, section_value, value, order_value, name, hidden) VALUES (90, 'users', 'clerk', 10, 'Clerk', 0);"
                "INSERT INTO gacl_aro_groups (id, parent_id, lft, rgt, name, value) VALUES (90, 0, 90, 91, 'none', 'none');"
                "INSERT INTO gacl_groups_aro_map (group_id, aro_id) VALUES (90, 90);")
    return "clerk"
