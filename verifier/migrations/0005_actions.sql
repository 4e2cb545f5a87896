-- What operators did, each in the transaction of the thing itself. The sequencer gives each a leaf in its next batch, also to those that
-- a command line beside the running server has written.
CREATE TABLE operator_action (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms  BIGINT NOT NULL,
  kind   TEXT   NOT NULL,
  who    TEXT   NOT NULL,
  detail TEXT   NOT NULL,
  salt   BLOB   NOT NULL,
  record BLOB   NOT NULL,
  leaf   BIGINT
);
CREATE INDEX operator_action_without_leaf ON operator_action (id) WHERE leaf IS NULL;
