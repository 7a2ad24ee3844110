-- A store as version 1 wrote it: one run of one stage.
PRAGMA foreign_keys = OFF;
PRAGMA application_id = 1718382455;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE definitions (
    hash   TEXT PRIMARY KEY NOT NULL,
    format TEXT NOT NULL,
    text   TEXT NOT NULL
) STRICT;
INSERT INTO "definitions" VALUES('c99b1e345bd909f882763949d55bbeb3dc4b99b257e664f32033f643e47d1f03','yaml','id: p
stages:
  - {id: a, type: logger, config: {message: hi}}
');
CREATE TABLE events (
    seq  INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    run  INTEGER NOT NULL REFERENCES runs (key),
    body TEXT    NOT NULL,
    sum  INTEGER NOT NULL
) STRICT;
INSERT INTO "events" VALUES(1,1795236471717,1,'{"type":"run_created","pipeline":{"id":"p","name":"p","hash":"c99b1e345bd909f882763949d55bbeb3dc4b99b257e664f32033f643e47d1f03","path":"/srv/ops/pipelines/p.yaml"},"stages":[{"id":"a","component":"logger"}],"inputs":{},"actor":{"name":"root","uid":0,"proof":"peer_credentials"},"workspace":"/srv/ops"}',8304001238573460075);
INSERT INTO "events" VALUES(2,1795236471718,1,'{"type":"run_started"}',-9168124766019130299);
INSERT INTO "events" VALUES(3,1795236471718,1,'{"type":"attempt_started","stage":"a","attempt":1}',-2618654922142152365);
INSERT INTO "events" VALUES(4,1795236471718,1,'{"type":"noted","stage":"a","level":"info","message":"hi"}',-702760762168122477);
INSERT INTO "events" VALUES(5,1795236471718,1,'{"type":"attempt_finished","stage":"a","attempt":1,"outcome":{"ending":"succeeded","output":{"logged":true,"log_id":"f1d034a3-0b0a-4767-84af-a0d5cc2a798e","passthrough":"hi"}},"then":"settle"}',2420248547787127574);
INSERT INTO "events" VALUES(6,1795236471718,1,'{"type":"run_finished","status":"succeeded","output":{"logged":true,"log_id":"f1d034a3-0b0a-4767-84af-a0d5cc2a798e","passthrough":"hi"}}',1913125568688736251);
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
INSERT INTO "runs" VALUES(1,'1ng28kq-12455','p','p','c99b1e345bd909f882763949d55bbeb3dc4b99b257e664f32033f643e47d1f03','succeeded','root',1795236471717,1795236471718,1795236471718,1,1,NULL);
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
INSERT INTO "stages" VALUES(1,'a','logger','succeeded',1,1795236471718,1795236471718);
CREATE INDEX runs_unfinished ON runs (key) WHERE status NOT IN ('succeeded', 'failed', 'cancelled');
CREATE INDEX runs_by_pipeline ON runs (pipeline_id);
CREATE INDEX events_by_run ON events (run);
COMMIT;
