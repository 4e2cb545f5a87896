-- Questions that are asked again whenever there is something new, and what they found.
CREATE TABLE watch (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT    NOT NULL UNIQUE,
  -- As it was asked for, in JSON.
  rule       TEXT    NOT NULL,
  who        TEXT    NOT NULL,
  created_ms BIGINT  NOT NULL
);
-- Once for each thing that was found, with the first evidence that shows it.
CREATE TABLE watch_hit (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  watch_id BIGINT  NOT NULL REFERENCES watch (id) ON DELETE CASCADE,
  host_id  BIGINT  NOT NULL REFERENCES host (id),
  leaf     BIGINT  NOT NULL,
  subject  TEXT    NOT NULL,
  role     TEXT    NOT NULL,
  class    TEXT    NOT NULL,
  what     TEXT    NOT NULL,
  found_ms BIGINT  NOT NULL
);
CREATE UNIQUE INDEX watch_hit_once ON watch_hit (watch_id, host_id, leaf, subject, role, what);
CREATE INDEX watch_hit_by_watch ON watch_hit (watch_id, id);
