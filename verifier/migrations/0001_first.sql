-- SQLite, and PostgreSQL but for this: INTEGER PRIMARY KEY is BIGINT GENERATED ALWAYS AS IDENTITY there, BLOB is BYTEA, and
-- WITHOUT ROWID falls away. Times are milliseconds since 1970 by the verifier's clock. Leaves are indices in the log.

CREATE TABLE host (
  id               INTEGER PRIMARY KEY,
  identity         BLOB     NOT NULL UNIQUE,
  name             TEXT     NOT NULL,
  ek_public        BLOB     NOT NULL,
  ak_public        BLOB     NOT NULL,
  selection        TEXT     NOT NULL,
  tier             TEXT     NOT NULL,
  agent_version    TEXT     NOT NULL,
  enrolled_ms      BIGINT   NOT NULL,
  -- The head of its chain: compared and swapped when evidence is recorded.
  chain            BLOB     NOT NULL,
  next_seq         BIGINT   NOT NULL,
  prev             BLOB     NOT NULL,
  components       BIGINT   NOT NULL,
  last_evidence    BIGINT,
  last_received_ms BIGINT,
  last_status      SMALLINT,
  silent           SMALLINT NOT NULL
);
CREATE INDEX host_by_name ON host (name, id);

-- What the next evidence is verified against, and which intervals are open: (component, from leaf) pairs.
CREATE TABLE host_state (
  host_id   BIGINT PRIMARY KEY REFERENCES host (id),
  state     BLOB   NOT NULL,
  intervals BLOB   NOT NULL
);

CREATE TABLE enrolment (
  id         INTEGER PRIMARY KEY,
  host_id    BIGINT NOT NULL REFERENCES host (id),
  chain      BLOB   NOT NULL UNIQUE,
  leaf       BIGINT NOT NULL UNIQUE,
  at_ms      BIGINT NOT NULL,
  join_token TEXT   NOT NULL,
  ak_public  BLOB   NOT NULL,
  selection  TEXT   NOT NULL,
  tier       TEXT   NOT NULL,
  salt       BLOB   NOT NULL,
  record     BLOB   NOT NULL
);
CREATE INDEX enrolment_by_host ON enrolment (host_id);

-- Contents by their SHA-256, compressed with zstd.
CREATE TABLE blob (
  digest BLOB   PRIMARY KEY,
  size   BIGINT NOT NULL,
  zstd   BLOB   NOT NULL
);

CREATE TABLE evidence (
  id            INTEGER PRIMARY KEY,
  host_id       BIGINT   NOT NULL REFERENCES host (id),
  chain         BLOB     NOT NULL,
  seq           BIGINT   NOT NULL,
  digest        BLOB     NOT NULL UNIQUE,
  leaf          BIGINT   NOT NULL UNIQUE,
  received_ms   BIGINT   NOT NULL,
  cause         TEXT     NOT NULL,
  reset_count   BIGINT   NOT NULL,
  restart_count BIGINT   NOT NULL,
  sealed        BLOB     NOT NULL,
  pcr_values    BLOB     NOT NULL,
  firmware_log  BLOB REFERENCES blob (digest),
  ima_first     BIGINT   NOT NULL,
  ima_list      BLOB REFERENCES blob (digest),
  -- What it was verified against: the state without its components, which the changes before it add up to.
  state_before  BLOB     NOT NULL,
  changes       SMALLINT NOT NULL,
  status        SMALLINT NOT NULL,
  result        TEXT     NOT NULL,
  summary       TEXT     NOT NULL,
  UNIQUE (host_id, chain, seq)
);
CREATE INDEX evidence_with_changes ON evidence (host_id, chain, seq) WHERE changes <> 0;

-- The log. A node is the root of a complete subtree and never changes.
CREATE TABLE log_leaf (
  idx   BIGINT   PRIMARY KEY,
  kind  SMALLINT NOT NULL,
  entry BLOB     NOT NULL
);
CREATE TABLE log_node (
  level SMALLINT NOT NULL,
  idx   BIGINT   NOT NULL,
  hash  BLOB     NOT NULL,
  PRIMARY KEY (level, idx)
) WITHOUT ROWID;
CREATE TABLE log_head (
  id       SMALLINT PRIMARY KEY CHECK (id = 1),
  size     BIGINT   NOT NULL,
  frontier BLOB     NOT NULL,
  note     TEXT     NOT NULL
);
CREATE TABLE log_time (
  size  BIGINT PRIMARY KEY,
  at_ms BIGINT NOT NULL
);

CREATE TABLE component (
  id           INTEGER PRIMARY KEY,
  digest       BLOB   NOT NULL UNIQUE,
  first_leaf   BIGINT NOT NULL,
  kind         TEXT,
  name         TEXT,
  version      TEXT,
  architecture TEXT,
  artefacts    BIGINT,
  manifest     BLOB REFERENCES blob (digest)
);
CREATE INDEX component_by_name ON component (name, version);
CREATE TABLE component_wanted (
  component_id BIGINT PRIMARY KEY REFERENCES component (id)
);
CREATE TABLE component_artefact (
  digest       BLOB   NOT NULL,
  component_id BIGINT NOT NULL REFERENCES component (id),
  path         BLOB   NOT NULL,
  PRIMARY KEY (digest, component_id, path)
) WITHOUT ROWID;
CREATE TABLE host_component (
  component_id BIGINT NOT NULL REFERENCES component (id),
  from_leaf    BIGINT NOT NULL,
  host_id      BIGINT NOT NULL REFERENCES host (id),
  to_leaf      BIGINT,
  PRIMARY KEY (component_id, from_leaf, host_id)
) WITHOUT ROWID;

-- What happened, in the order of its being recorded. Host is absent where it is not enrolled.
CREATE TABLE event (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  host_id     BIGINT REFERENCES host (id),
  kind        TEXT   NOT NULL,
  at_ms       BIGINT NOT NULL,
  evidence_id BIGINT REFERENCES evidence (id),
  leaf        BIGINT,
  summary     TEXT   NOT NULL
);
CREATE INDEX event_by_host ON event (host_id, id);
CREATE TABLE refusal (
  event_id BIGINT PRIMARY KEY REFERENCES event (id),
  host_id  BIGINT REFERENCES host (id),
  named    BLOB,
  code     TEXT NOT NULL,
  detail   TEXT NOT NULL,
  peer     TEXT NOT NULL
);
CREATE INDEX refusal_by_host ON refusal (host_id, event_id);

-- Secrets are kept as their SHA-256 only; they are 32 random bytes, so nothing slower is needed.
CREATE TABLE operator_token (
  id         TEXT   PRIMARY KEY,
  secret     BLOB   NOT NULL,
  name       TEXT   NOT NULL,
  scope      TEXT   NOT NULL,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  revoked_ms BIGINT
);
CREATE TABLE join_token (
  id         TEXT   PRIMARY KEY,
  secret     BLOB   NOT NULL,
  note       TEXT   NOT NULL,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  revoked_ms BIGINT,
  used_ms    BIGINT,
  used_by    BLOB,
  used_ak    BLOB
);
