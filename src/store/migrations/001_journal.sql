-- The pinned text of every pipeline that ever ran, by the SHA-256 of that text.
CREATE TABLE definitions (
    hash   TEXT PRIMARY KEY NOT NULL,
    format TEXT NOT NULL,
    text   TEXT NOT NULL
) STRICT;

-- Read model: one row per run. It follows from the journal; `key` is the order of creation.
CREATE TABLE runs (
    key             INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    pipeline_id     TEXT    NOT NULL,
    pipeline_name   TEXT    NOT NULL,
    definition      TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    actor           TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    started_at      INTEGER,
    finished_at     INTEGER,
    stages_total    INTEGER NOT NULL,
    stages_done     INTEGER NOT NULL,
    failure         TEXT
) STRICT;

CREATE INDEX runs_unfinished ON runs (key) WHERE status NOT IN ('succeeded', 'failed', 'cancelled');
CREATE INDEX runs_by_pipeline ON runs (pipeline_id);

-- The journal: the truth. `seq` counts 1, 2, 3 … without gaps; `sum` is a checksum over the whole row.
CREATE TABLE events (
    seq  INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    run  INTEGER NOT NULL REFERENCES runs (key),
    body TEXT    NOT NULL,
    sum  INTEGER NOT NULL
) STRICT;

CREATE INDEX events_by_run ON events (run);

-- Read model: the stages to which something happened. A stage without a row is pending.
CREATE TABLE stages (
    run         INTEGER NOT NULL REFERENCES runs (key),
    stage       TEXT    NOT NULL,
    component   TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    attempts    INTEGER NOT NULL,
    started_at  INTEGER,
    finished_at INTEGER,
    PRIMARY KEY (run, stage)
) STRICT, WITHOUT ROWID;
