"""What a program may do to the tables with nothing but its language's own SQLite: every kind of edit, and what is refused.

Usage: edits.py MIRROR ID ID ID ID ID
"""

import sqlite3
import sys

mirror, updated, replaced, deleted, archived, recursive = sys.argv[1:7]
db = sqlite3.connect(mirror, timeout=5)


def refused(sql, why):
    try:
        db.execute(sql)
    except sqlite3.DatabaseError as error:
        assert why in str(error), f"{sql}: {error}"
    else:
        raise AssertionError(f"{sql} was accepted")


refused("UPDATE contacts SET updated_at = 'now'", "updated_at is set by the remote")
refused("UPDATE OR REPLACE contacts SET id = '1'", "id is given by the remote")
refused("INSERT INTO contacts (id, city) VALUES ('42', 'Nowhere')", "no record with this id is known")
refused("UPDATE contacts SET archived = 2", "archived is 0 or 1")
db.rollback()

db.execute("UPDATE contacts SET city = 'Updated' WHERE id = ?", (updated,))
db.execute("INSERT INTO contacts (_uid, email, first_name) VALUES ('order 7', 'seventh@mail.example', 'Seventh')")
db.execute("INSERT OR REPLACE INTO contacts (id, city) VALUES (?, 'Replaced')", (replaced,))
db.execute("DELETE FROM contacts WHERE id = ?", (deleted,))
db.execute("UPDATE contacts SET archived = 1 WHERE id = ?", (archived,))
rows = db.execute("SELECT id FROM companies").fetchall()
db.executemany("UPDATE companies SET city = 'Bulk' WHERE id = ?", rows)
db.commit()

db.execute("PRAGMA recursive_triggers = ON")
db.execute("REPLACE INTO contacts (id, city) VALUES (?, 'Recursive')", (recursive,))
db.execute("ALTER TABLE contacts ADD COLUMN my_note TEXT")
db.execute("UPDATE contacts SET my_note = 'kept'")
db.execute("CREATE VIEW my_view AS SELECT city, count(*) AS many FROM contacts GROUP BY city")
db.commit()
db.execute("VACUUM")
db.close()
