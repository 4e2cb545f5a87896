-- What happened, and what is asked about it until it is dealt with. How far that is follows from the evidence, whenever somebody asks.
CREATE TABLE incident (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  name      TEXT    NOT NULL UNIQUE,
  -- As it was asked for, in JSON.
  rule      TEXT    NOT NULL,
  who       TEXT    NOT NULL,
  opened_ms BIGINT  NOT NULL,
  closed_ms BIGINT
);
