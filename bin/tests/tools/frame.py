"""What a data frame's `to_sql(if_exists="replace")` does: it reads a table, and writes it back into one of its own.

Numbers that had gaps are floats by then, times have a space, flags are words, and nothing has a key or a trigger.

Usage: frame.py MIRROR TABLE ID
"""

import sqlite3
import sys

mirror, table, edited = sys.argv[1:4]
db = sqlite3.connect(mirror, timeout=5)
cursor = db.execute(f'SELECT * FROM "{table}"')
names = [column[0] for column in cursor.description]
frame = [dict(zip(names, row)) for row in cursor]
floats = {name for name in names if all(isinstance(row[name], (int, type(None))) for row in frame)} | {"id"}


def shown(name, value):
    if value is None:
        return None
    if name in floats:
        return float(value)
    if name.endswith("_at"):
        return value.replace("T", " ").replace("Z", "000+00:00")
    return value


for row in frame:
    if row["id"] == edited:
        row["city"] = "Framed"
frame.append({**dict.fromkeys(names), "email": "framed@mail.example"})
columns = ", ".join(f'"{name}" {"REAL" if name in floats else "TEXT"}' for name in names)
db.execute(f'DROP TABLE "{table}"')
db.execute(f'CREATE TABLE "{table}" ("index" INTEGER, {columns})')
marks = ", ".join("?" * (len(names) + 1))
rows = [(number, *(shown(name, row[name]) for name in names)) for number, row in enumerate(frame)]
db.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)
db.execute(f'CREATE INDEX "ix_{table}_index" ON "{table}" ("index")')
db.commit()
db.close()
