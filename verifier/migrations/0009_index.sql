-- Who trusted X: what can be made again from the evidence at any time.

-- When evidence was quoted: after the checkpoint that it names, whose size is `age` less than its leaf, and before its leaf. The host's evidence before
-- is `back` leaves before; null where there is none. By the agent's clock it was sealed `lag_ms` before it was received: a hint, by which the agent's own
-- words on times are placed. Evidence has these by its leaf alone: what is near in time is near on the disk.
CREATE TABLE moment (
  leaf        INTEGER  PRIMARY KEY,
  seq         BIGINT   NOT NULL,
  received_ms BIGINT   NOT NULL,
  age         BIGINT   NOT NULL,
  back        BIGINT,
  lag_ms      BIGINT   NOT NULL
);

-- Names of keys, certificates and boot images. One key may have several.
CREATE TABLE principal (
  id   INTEGER  PRIMARY KEY,
  kind TEXT     NOT NULL,
  name BLOB     NOT NULL,
  UNIQUE (name, kind)
);
-- How a component's file relates to one: as the agent said.
CREATE TABLE component_principal (
  principal_id BIGINT   NOT NULL REFERENCES principal (id),
  component_id BIGINT   NOT NULL REFERENCES component (id),
  role         SMALLINT NOT NULL,
  path         BLOB     NOT NULL,
  label        TEXT     NOT NULL,
  PRIMARY KEY (principal_id, component_id, role, path)
) WITHOUT ROWID;
-- Stores of keys that were not read whole, with the word for what is missing.
CREATE TABLE component_partial (
  component_id BIGINT PRIMARY KEY REFERENCES component (id),
  what         TEXT   NOT NULL
);
-- Boot images by their Authenticode SHA-256: which files they are, and whether all their signatures are known.
CREATE TABLE component_image (
  principal_id BIGINT NOT NULL REFERENCES principal (id),
  component_id BIGINT NOT NULL REFERENCES component (id),
  path         BLOB   NOT NULL,
  whole        SMALLINT NOT NULL,
  PRIMARY KEY (principal_id, component_id, path)
) WITHOUT ROWID;

-- The facts of one boot, once for all machines that boot alike.
CREATE TABLE boot_profile (
  id     INTEGER PRIMARY KEY,
  digest BLOB    NOT NULL UNIQUE
);
CREATE TABLE boot_principal (
  principal_id BIGINT   NOT NULL REFERENCES principal (id),
  profile_id   BIGINT   NOT NULL REFERENCES boot_profile (id),
  role         SMALLINT NOT NULL,
  class        SMALLINT NOT NULL,
  store        TEXT     NOT NULL,
  place        TEXT     NOT NULL,
  label        TEXT     NOT NULL,
  PRIMARY KEY (principal_id, profile_id, role, place)
) WITHOUT ROWID;
CREATE INDEX boot_principal_by_profile ON boot_principal (profile_id, role);
CREATE TABLE boot_setting (
  name       TEXT   NOT NULL,
  value      TEXT   NOT NULL,
  profile_id BIGINT NOT NULL REFERENCES boot_profile (id),
  place      TEXT   NOT NULL,
  PRIMARY KEY (name, value, profile_id)
) WITHOUT ROWID;
CREATE TABLE host_boot_profile (
  profile_id BIGINT NOT NULL REFERENCES boot_profile (id),
  from_leaf  BIGINT NOT NULL,
  host_id    BIGINT NOT NULL REFERENCES host (id),
  to_leaf    BIGINT,
  PRIMARY KEY (profile_id, from_leaf, host_id)
) WITHOUT ROWID;

-- One that `continues` may be the boot before it: a chain began, and nothing proves that the machine was started anew.
CREATE TABLE boot (
  host_id       BIGINT NOT NULL REFERENCES host (id),
  first_leaf    BIGINT NOT NULL,
  reset_count   BIGINT NOT NULL,
  restart_count BIGINT NOT NULL,
  last_leaf     BIGINT NOT NULL,
  continues     SMALLINT NOT NULL,
  PRIMARY KEY (host_id, first_leaf)
) WITHOUT ROWID;

-- What was executed, once a boot: by the kernel's list (class B) or the agent's word (class D).
CREATE TABLE execution (
  digest    BLOB     NOT NULL,
  host_id   BIGINT   NOT NULL REFERENCES host (id),
  from_leaf BIGINT   NOT NULL,
  class     SMALLINT NOT NULL,
  path      BLOB     NOT NULL,
  PRIMARY KEY (digest, host_id, from_leaf, class)
) WITHOUT ROWID;

-- What could not be seen, from the last evidence before it to the first that is whole again. Neither is there where it was so from
-- the first evidence on, or is still so. One that is of a boot lasts until the next.
CREATE TABLE coverage_gap (
  id        INTEGER PRIMARY KEY,
  host_id   BIGINT   NOT NULL REFERENCES host (id),
  source    SMALLINT NOT NULL,
  cause     TEXT     NOT NULL,
  scope     TEXT     NOT NULL,
  from_leaf BIGINT,
  to_leaf   BIGINT,
  of_boot   SMALLINT NOT NULL
);
CREATE INDEX coverage_gap_open ON coverage_gap (host_id) WHERE to_leaf IS NULL;

-- Where each host's part of the index stands: what is open, and the boot that it is in. No evidence of it, and none before such, names a checkpoint that is
-- smaller than its leaf by more than `reach`.
CREATE TABLE host_index (
  host_id      BIGINT PRIMARY KEY REFERENCES host (id),
  first_leaf   BIGINT NOT NULL,
  first_named  BIGINT NOT NULL,
  last_leaf    BIGINT NOT NULL,
  last_named   BIGINT NOT NULL,
  reach        BIGINT NOT NULL,
  boot_leaf    BIGINT NOT NULL,
  profile_id   BIGINT REFERENCES boot_profile (id),
  profile_leaf BIGINT
);
-- By which version of the extractor the index was made; none for a database that has evidence and no index yet.
CREATE TABLE index_state (
  id        SMALLINT PRIMARY KEY CHECK (id = 1),
  extractor BIGINT   NOT NULL
);
-- What has changed since a moment.
CREATE INDEX host_index_by_last ON host_index (last_leaf);
CREATE INDEX coverage_gap_by_end ON coverage_gap (to_leaf);
