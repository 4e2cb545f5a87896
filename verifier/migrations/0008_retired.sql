-- A host that was retired attests no more, until it enrols again. Its last chain ends with a leaf.
ALTER TABLE host ADD COLUMN retired_ms BIGINT;
CREATE TABLE retirement (
  chain   BLOB   PRIMARY KEY REFERENCES enrolment (chain),
  host_id BIGINT NOT NULL REFERENCES host (id),
  leaf    BIGINT NOT NULL UNIQUE,
  at_ms   BIGINT NOT NULL,
  salt    BLOB   NOT NULL,
  record  BLOB   NOT NULL
);
