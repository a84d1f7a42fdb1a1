-- The tables that every mirror has, whatever its mappings. Tables of mapped object types are made by the engine.

-- What the remote tells about itself.
CREATE TABLE owners (
    id TEXT PRIMARY KEY, email TEXT, first_name TEXT, last_name TEXT, user_id TEXT, type TEXT,
    archived INTEGER NOT NULL, created_at TEXT, updated_at TEXT
) WITHOUT ROWID;

CREATE TABLE pipelines (
    object TEXT NOT NULL, id TEXT NOT NULL, label TEXT NOT NULL, display_order INTEGER NOT NULL,
    archived INTEGER NOT NULL, PRIMARY KEY (object, id)
) WITHOUT ROWID;

CREATE TABLE pipeline_stages (
    object TEXT NOT NULL, pipeline_id TEXT NOT NULL, id TEXT NOT NULL, label TEXT NOT NULL,
    display_order INTEGER NOT NULL, is_closed INTEGER, probability, metadata TEXT NOT NULL,
    archived INTEGER NOT NULL, PRIMARY KEY (object, pipeline_id, id)
) WITHOUT ROWID;

CREATE TABLE properties (
    object TEXT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, type TEXT NOT NULL, field_type TEXT NOT NULL,
    group_name TEXT NOT NULL, calculated INTEGER NOT NULL, read_only INTEGER NOT NULL,
    has_unique_value INTEGER NOT NULL, hidden INTEGER NOT NULL, archived INTEGER NOT NULL,
    PRIMARY KEY (object, name)
) WITHOUT ROWID;

CREATE TABLE property_options (
    object TEXT NOT NULL, property TEXT NOT NULL, value TEXT NOT NULL, label TEXT NOT NULL,
    display_order INTEGER NOT NULL, hidden INTEGER NOT NULL, PRIMARY KEY (object, property, value)
) WITHOUT ROWID;

CREATE TABLE object_types (
    name TEXT PRIMARY KEY, object_type_id TEXT NOT NULL, fully_qualified_name TEXT, singular TEXT NOT NULL,
    plural TEXT NOT NULL, custom INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE association_labels (
    from_object TEXT NOT NULL, to_object TEXT NOT NULL, category TEXT NOT NULL, type_id INTEGER NOT NULL, label TEXT,
    PRIMARY KEY (from_object, to_object, category, type_id)
) WITHOUT ROWID;

CREATE TABLE lists (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, object TEXT NOT NULL, processing_type TEXT NOT NULL, size INTEGER,
    archived INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE list_memberships (
    list_id TEXT NOT NULL, record_id TEXT NOT NULL, PRIMARY KEY (list_id, record_id)
) WITHOUT ROWID;

-- How records belong together. People may insert a row with a label alone, or with neither type nor label, so
-- category and type_id may be NULL here and the uniqueness is by value, NULLs included.
CREATE TABLE associations (
    from_object TEXT NOT NULL, from_id TEXT NOT NULL, to_object TEXT NOT NULL, to_id TEXT NOT NULL,
    category TEXT, type_id INTEGER, label TEXT
);
CREATE UNIQUE INDEX associations_by_from ON associations (
    from_object, from_id, to_object, to_id, coalesce(category, ''), coalesce(type_id, -1), coalesce(label, '')
);
CREATE INDEX associations_by_to ON associations (to_object, to_id, from_object, from_id);

-- The associations that both sides agreed on last.
CREATE TABLE sync_association_base (
    from_object TEXT NOT NULL, from_id TEXT NOT NULL, to_object TEXT NOT NULL, to_id TEXT NOT NULL,
    category TEXT NOT NULL, type_id INTEGER NOT NULL, label TEXT,
    PRIMARY KEY (from_object, from_id, to_object, to_id, category, type_id)
) WITHOUT ROWID;
CREATE INDEX sync_association_base_by_to ON sync_association_base (to_object, to_id, from_object, from_id);

-- Single values: the portal that the file is bound to, the number of runs.
CREATE TABLE sync_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- 1 inside the engine's own transactions, so that triggers know whose hand writes; a kill rolls it back to 0.
CREATE TABLE sync_guard (only INTEGER PRIMARY KEY CHECK (only = 1), applying INTEGER NOT NULL);
INSERT INTO sync_guard VALUES (1, 0);

-- Which rows somebody touched, appended by triggers. A hint: what changed is decided by comparing row and base.
CREATE TABLE sync_touched (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, object TEXT NOT NULL, row_handle INTEGER, record_id TEXT, at TEXT NOT NULL
);

CREATE INDEX sync_touched_by_record ON sync_touched (object, record_id, row_handle);

-- Which record a row with a key of its own became: a row that comes back with the key is that record's.
CREATE TABLE sync_keys (
    object TEXT NOT NULL, uid TEXT NOT NULL, record_id TEXT NOT NULL, PRIMARY KEY (object, uid)
) WITHOUT ROWID;

CREATE INDEX sync_keys_by_record ON sync_keys (object, record_id);

-- One row for each mapped object type, moved by every transaction that writes its records. Times are the remote's.
CREATE TABLE sync_objects (
    object TEXT PRIMARY KEY, table_name TEXT NOT NULL UNIQUE, mapping_fingerprint TEXT NOT NULL,
    -- How each mapped column is made, as a JSON array in the mapping's order: the row hashes were taken in this order.
    columns_made TEXT NOT NULL,
    -- Whether every property was fetched when they were made, or only the mapped ones.
    fetched_all INTEGER NOT NULL DEFAULT 0,
    rows INTEGER NOT NULL DEFAULT 0, archived INTEGER NOT NULL DEFAULT 0, missing INTEGER NOT NULL DEFAULT 0,
    watermark INTEGER, settled_until INTEGER, archived_walked_at INTEGER, swept_at INTEGER,
    backfilled INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Mappings that changed and whose tables are being filled anew: for which mapping, up to which row, and what had been
-- touched when it began.
CREATE TABLE sync_reprojections (
    object TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, position INTEGER NOT NULL, touched INTEGER NOT NULL
) WITHOUT ROWID;

-- Tables that a tool dropped or made anew, while they are rebuilt: whether there is one to carry edits over from, which
-- of the two is being read and up to where, and what was found so far, as JSON.
CREATE TABLE sync_rebuilds (
    object TEXT PRIMARY KEY, replaced INTEGER NOT NULL, phase TEXT NOT NULL, position INTEGER NOT NULL,
    found TEXT NOT NULL
) WITHOUT ROWID;

-- Walks in progress, so that a stopped run goes on where it was. Part 0 is the walk itself. A list that is walked as
-- several ranges of ids has a further part for what is left of each: from `position` on, below `until`.
CREATE TABLE sync_cursors (
    object TEXT NOT NULL, phase TEXT NOT NULL, part INTEGER NOT NULL DEFAULT 0, began INTEGER NOT NULL,
    low INTEGER, high INTEGER, position TEXT, until TEXT, step TEXT, done INTEGER NOT NULL DEFAULT 0,
    thorough INTEGER NOT NULL DEFAULT 0, searched INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (object, phase, part)
) WITHOUT ROWID;

-- Which rows the sweep in progress has met: bits by row handle, so many rows to a chunk.
CREATE TABLE sync_seen (
    object TEXT NOT NULL, chunk INTEGER NOT NULL, bits BLOB NOT NULL, PRIMARY KEY (object, chunk)
) WITHOUT ROWID;

CREATE TABLE sync_pending (
    object TEXT NOT NULL, record_id TEXT, uid TEXT, operation TEXT NOT NULL, property TEXT, base TEXT, local TEXT
);

CREATE TABLE sync_conflicts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, object TEXT NOT NULL, record_id TEXT NOT NULL, property TEXT NOT NULL,
    base TEXT, local TEXT, remote TEXT, remote_at TEXT, kind TEXT NOT NULL, chosen TEXT NOT NULL,
    run_id INTEGER NOT NULL, created_at TEXT NOT NULL, resolved_at TEXT
);
CREATE UNIQUE INDEX sync_conflicts_open ON sync_conflicts (object, record_id, property) WHERE resolved_at IS NULL;
CREATE INDEX sync_conflicts_adopted ON sync_conflicts (object, record_id, property) WHERE kind = 'adopted';

CREATE TABLE sync_rejects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, object TEXT NOT NULL, record_id TEXT, uid TEXT, operation TEXT NOT NULL,
    properties TEXT, status INTEGER, category TEXT, message TEXT NOT NULL, correlation_id TEXT,
    attempts INTEGER NOT NULL, first_at TEXT NOT NULL, last_at TEXT NOT NULL,
    -- 1 once a person asked for it to be tried again although nothing changed.
    retry INTEGER NOT NULL DEFAULT 0,
    -- Why a person gave it up; only a new row that stays in its table keeps its reject then.
    dropped TEXT
);
CREATE INDEX sync_rejects_by_record ON sync_rejects (object, record_id, uid);

-- What was sent to the remote, entered before the first byte left. An entry without a settled_at may or may not have
-- been carried out: its record is looked at before anything else of it is sent.
CREATE TABLE sync_journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run_id INTEGER NOT NULL, object TEXT NOT NULL, operation TEXT NOT NULL,
    trace TEXT NOT NULL UNIQUE, row_handle INTEGER NOT NULL, uid TEXT NOT NULL, record_id TEXT,
    -- A JSON object: each property with [what both sides agreed on, what was sent].
    properties TEXT NOT NULL,
    -- When the record had been changed last, by the remote's clock, as it was read right before; 0 for a new one.
    seen_at INTEGER NOT NULL,
    -- By the remote's clock, too.
    sent_at TEXT NOT NULL, settled_at TEXT, outcome TEXT, message TEXT,
    -- The run that found out what became of it, where that is a later one.
    recovered_in INTEGER,
    -- Until the history of what was written has been read: what the remote told of it, as a JSON object.
    audit TEXT
);
CREATE INDEX sync_journal_open ON sync_journal (object, row_handle) WHERE settled_at IS NULL;
CREATE INDEX sync_journal_recovered ON sync_journal (record_id) WHERE recovered_in IS NOT NULL;
CREATE INDEX sync_journal_audit ON sync_journal (object) WHERE audit IS NOT NULL;
CREATE INDEX sync_journal_by_run ON sync_journal (run_id, object, uid);

-- The same for pairs of records: which kinds of association both sides agreed on, and which the pair was to have, as
-- JSON arrays. An open entry's pair is read before anything else of it is sent.
CREATE TABLE sync_journal_links (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run_id INTEGER NOT NULL, operation TEXT NOT NULL,
    from_object TEXT NOT NULL, from_id TEXT NOT NULL, to_object TEXT NOT NULL, to_id TEXT NOT NULL,
    base TEXT NOT NULL, wanted TEXT NOT NULL,
    sent_at TEXT NOT NULL, settled_at TEXT, outcome TEXT, message TEXT
);
CREATE INDEX sync_journal_links_open ON sync_journal_links (from_object, to_object, from_id, to_id)
    WHERE settled_at IS NULL;
CREATE INDEX sync_journal_links_by_run ON sync_journal_links (run_id);

CREATE TABLE sync_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, command TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT,
    exit_code INTEGER, pulled INTEGER NOT NULL DEFAULT 0, pushed INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0, conflicts INTEGER NOT NULL DEFAULT 0, rejects INTEGER NOT NULL DEFAULT 0,
    requests INTEGER NOT NULL DEFAULT 0, error TEXT
);

-- What changed, on either side; at the remote, by the run that sent it. What we did there to a record as a whole stands
-- under a word that no property has for its name: `(id)` that it was made, `(archived)`, `(associations)`.
CREATE TABLE sync_history (
    run_id INTEGER NOT NULL, at TEXT NOT NULL, object TEXT NOT NULL, record_id TEXT NOT NULL, property TEXT NOT NULL,
    side TEXT NOT NULL, before TEXT, after TEXT
);
CREATE INDEX sync_history_by_record ON sync_history (object, record_id);
CREATE INDEX sync_history_by_run ON sync_history (run_id);

CREATE VIEW sync_status AS
SELECT
    o.object, o.table_name, o.rows, o.archived, o.missing,
    CASE WHEN o.watermark IS NULL THEN NULL
         ELSE strftime('%Y-%m-%dT%H:%M:%S', o.watermark / 1000, 'unixepoch')
              || printf('.%03dZ', o.watermark % 1000) END AS watermark,
    CASE WHEN o.settled_until IS NULL THEN NULL
         ELSE strftime('%Y-%m-%dT%H:%M:%S', o.settled_until / 1000, 'unixepoch')
              || printf('.%03dZ', o.settled_until % 1000) END AS settled_until,
    CASE WHEN o.swept_at IS NULL THEN NULL
         ELSE strftime('%Y-%m-%dT%H:%M:%S', o.swept_at / 1000, 'unixepoch')
              || printf('.%03dZ', o.swept_at % 1000) END AS swept_at,
    o.backfilled,
    (SELECT count(DISTINCT t.row_handle) FROM sync_touched t WHERE t.object = o.object) AS pending,
    (SELECT count(*) FROM sync_conflicts c WHERE c.object = o.object AND c.resolved_at IS NULL) AS conflicts,
    (SELECT count(*) FROM sync_rejects r WHERE r.object = o.object AND r.dropped IS NULL) AS rejects
FROM sync_objects o;
