-- What a piece of evidence is found by is a small row; what it says is read whole, from one of three places: newest evidence by itself
-- (`attestation_recent`), older evidence in packs of many (`attestation_pack`), and what earlier versions kept in columns, until it is folded
-- into packs as well (`attestation_columns`).
CREATE TABLE attestation (
  leaf         INTEGER  PRIMARY KEY,
  enrolment_id BIGINT   NOT NULL REFERENCES enrolment (id),
  seq          BIGINT   NOT NULL,
  received_ms  BIGINT   NOT NULL,
  changes      SMALLINT NOT NULL,
  status       SMALLINT NOT NULL
);
INSERT INTO attestation (leaf, enrolment_id, seq, received_ms, changes, status)
  SELECT e.leaf, n.id, e.seq, e.received_ms, e.changes, e.status FROM evidence e JOIN enrolment n ON n.chain = e.chain ORDER BY e.leaf;
CREATE UNIQUE INDEX attestation_by_place ON attestation (enrolment_id, seq);
CREATE INDEX attestation_with_changes ON attestation (enrolment_id, seq) WHERE changes <> 0;

-- Evidence by the first six bytes of its digest; who looks for one compares all 32.
CREATE TABLE attestation_digest (
  begins BLOB   NOT NULL,
  leaf   BIGINT NOT NULL,
  PRIMARY KEY (begins, leaf)
) WITHOUT ROWID;
INSERT INTO attestation_digest (begins, leaf) SELECT substr(digest, 1, 6), leaf FROM evidence;

-- Compressed against a keyframe, which is compressed by itself.
CREATE TABLE attestation_recent (
  leaf     INTEGER PRIMARY KEY,
  packed   BLOB    NOT NULL,
  keyframe BIGINT REFERENCES attestation_recent (leaf)
);
INSERT INTO attestation_recent (leaf, packed, keyframe)
  SELECT e.leaf, e.packed, k.leaf FROM evidence e LEFT JOIN evidence k ON k.id = e.keyframe WHERE e.packed IS NOT NULL ORDER BY e.leaf;
CREATE INDEX attestation_recent_by_keyframe ON attestation_recent (keyframe);

-- Evidence of a chain from `first_seq` on, together.
CREATE TABLE attestation_pack (
  id           INTEGER PRIMARY KEY,
  enrolment_id BIGINT  NOT NULL REFERENCES enrolment (id),
  first_seq    BIGINT  NOT NULL,
  count        BIGINT  NOT NULL,
  packed       BLOB    NOT NULL,
  UNIQUE (enrolment_id, first_seq)
);

CREATE TABLE attestation_columns (
  leaf         INTEGER PRIMARY KEY,
  heartbeat_ms BIGINT,
  summary      TEXT    NOT NULL,
  sealed       BLOB    NOT NULL,
  pcr_values   BLOB    NOT NULL,
  state_before BLOB    NOT NULL,
  result       TEXT    NOT NULL,
  ima_list     BLOB REFERENCES blob (digest),
  systemd_log  BLOB REFERENCES blob (digest)
);
INSERT INTO attestation_columns (leaf, heartbeat_ms, summary, sealed, pcr_values, state_before, result, ima_list, systemd_log)
  SELECT e.leaf, e.heartbeat_ms, v.summary, e.sealed, e.pcr_values, e.state_before, e.result, e.ima_list, e.systemd_log
  FROM evidence e LEFT JOIN event v ON v.evidence_id = e.id ORDER BY e.leaf;

-- What happened: evidence has its time and its words of its own now.
CREATE TABLE event_lean (
  id      INTEGER  PRIMARY KEY AUTOINCREMENT,
  host_id BIGINT REFERENCES host (id),
  kind    SMALLINT NOT NULL,
  leaf    BIGINT,
  at_ms   BIGINT,
  summary TEXT
);
INSERT INTO event_lean (id, host_id, kind, leaf, at_ms, summary)
  SELECT id, host_id, CASE kind WHEN 'evidence' THEN 1 WHEN 'enrolled' THEN 2 WHEN 'refused' THEN 3 WHEN 'stale' THEN 4 WHEN 'fresh' THEN 5 ELSE 6 END,
    leaf, CASE WHEN evidence_id IS NULL THEN at_ms END, CASE WHEN evidence_id IS NULL THEN summary END FROM event ORDER BY id;
CREATE TABLE refusal_lean (
  event_id BIGINT PRIMARY KEY REFERENCES event_lean (id),
  host_id  BIGINT REFERENCES host (id),
  named    BLOB,
  code     TEXT NOT NULL,
  detail   TEXT NOT NULL,
  peer     TEXT NOT NULL
);
INSERT INTO refusal_lean SELECT event_id, host_id, named, code, detail, peer FROM refusal;
DROP TABLE refusal;
DROP TABLE event;
ALTER TABLE event_lean RENAME TO event;
ALTER TABLE refusal_lean RENAME TO refusal;
CREATE INDEX event_by_host ON event (host_id, id);
CREATE INDEX refusal_by_host ON refusal (host_id, event_id);

-- The newest evidence of a host, and the keyframe of its chain, by their leaves.
ALTER TABLE host ADD COLUMN last_leaf BIGINT;
UPDATE host SET last_leaf = (SELECT e.leaf FROM evidence e WHERE e.id = host.last_evidence);
ALTER TABLE host DROP COLUMN last_evidence;
ALTER TABLE host_state ADD COLUMN keyframe_leaf BIGINT REFERENCES attestation_recent (leaf);
UPDATE host_state SET keyframe_leaf = (SELECT e.leaf FROM evidence e WHERE e.id = host_state.keyframe);
ALTER TABLE host_state DROP COLUMN keyframe;
CREATE INDEX host_state_by_keyframe ON host_state (keyframe_leaf);
DROP TABLE evidence;
