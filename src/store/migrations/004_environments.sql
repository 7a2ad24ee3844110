-- The environment that a run acts on, as its creation says. NULL for a run without one.
ALTER TABLE runs ADD COLUMN environment TEXT;

UPDATE runs SET environment = (
    SELECT CASE WHEN json_valid(body) THEN json_extract(body, '$.environment') END
    FROM events WHERE events.run = runs.key ORDER BY seq LIMIT 1
);
