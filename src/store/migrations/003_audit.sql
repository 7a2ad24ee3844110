-- Which store this is; the audit chain begins with it.
CREATE TABLE identity (
    store TEXT NOT NULL
) STRICT;

INSERT INTO identity (store) SELECT lower(hex(randomblob(16)));

-- The audit chain: who did what. `hash` covers the other columns and with `prev_hash` everything before.
CREATE TABLE audit (
    seq         INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    actor       TEXT    NOT NULL,
    uid         INTEGER,
    auth_method TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    prev_hash   TEXT    NOT NULL,
    hash        TEXT    NOT NULL
) STRICT;

-- What happened to things that are no runs (gates, releases, locks, holds), as streams of JSON facts. `place` counts
-- 1, 2, 3 … within a stream; `sum` is a checksum over the whole row.
CREATE TABLE facts (
    seq    INTEGER PRIMARY KEY,
    stream TEXT    NOT NULL,
    place  INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    body   TEXT    NOT NULL,
    sum    INTEGER NOT NULL,
    UNIQUE (stream, place)
) STRICT;
