-- The run whose stage started this one: a sub-pipeline's run. NULL for a run that somebody started.
ALTER TABLE runs ADD COLUMN parent INTEGER REFERENCES runs (key);

CREATE INDEX runs_by_parent ON runs (parent);
