-- What was read out of all of a chain's evidence, as one digest: of chains that ended here, of the others beside what is open.
ALTER TABLE enrolment ADD COLUMN facts BLOB;
ALTER TABLE host_index ADD COLUMN facts BLOB;
-- What the index was, as leaves say.
CREATE TABLE index_root (
  leaf   INTEGER PRIMARY KEY,
  at_ms  BIGINT  NOT NULL,
  salt   BLOB    NOT NULL,
  record BLOB    NOT NULL
);
-- An index of an earlier version has no digests: it is made anew.
DELETE FROM index_state;
