-- The log's hashes and entries lie in files from now on (`log/` in the state directory). The database keeps what those files
-- could be made from again after a crash: every entry since the last bundle that is full and durable, and the signed head.
CREATE TABLE log_pending (
  idx   BIGINT PRIMARY KEY,
  entry BLOB   NOT NULL
);
-- All of an older database's entries are pending: its files are made when the verifier starts.
INSERT INTO log_pending (idx, entry) SELECT idx, entry FROM log_leaf;
DROP TABLE log_leaf;
DROP TABLE log_node;
-- The fencing token: a sequencer raises it when it starts, and names it whenever it swaps the head.
ALTER TABLE log_head ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE log_head DROP COLUMN frontier;
-- A checkpoint by this log's own key that is not of this history: proof that another one was signed. This one is not signed any more.
ALTER TABLE log_head ADD COLUMN contradicted_by TEXT;
-- Archived checkpoints, in their order, with the leaf that anchors each.
CREATE TABLE log_archive (
  number BIGINT PRIMARY KEY,
  size   BIGINT NOT NULL,
  note   TEXT   NOT NULL,
  leaf   BIGINT NOT NULL
);
CREATE INDEX log_archive_by_leaf ON log_archive (leaf);
