-- What shim's lists of keys say, and who signed boot images, by bytes that manifests carry.

-- A list that a boot was under is a profile of its own: which it is, the hash that the log has of it, and where.
ALTER TABLE boot_profile ADD COLUMN list    TEXT;
ALTER TABLE boot_profile ADD COLUMN content BLOB;
ALTER TABLE boot_profile ADD COLUMN place   TEXT;
CREATE INDEX boot_profile_by_content ON boot_profile (content) WHERE content IS NOT NULL;
CREATE INDEX host_boot_profile_open ON host_boot_profile (host_id) WHERE to_leaf IS NULL;
-- Contents of such lists, by their hash in each bank: what they say of keys, and the first component that carried them; none did what is empty.
CREATE TABLE key_list (
  digest       BLOB PRIMARY KEY,
  edges        BLOB NOT NULL,
  whole        SMALLINT NOT NULL,
  component_id BIGINT REFERENCES component (id)
);
-- Whose signatures over a boot image hold, and the first component that carried them.
CREATE TABLE image_signer (
  principal_id BIGINT NOT NULL REFERENCES principal (id),
  image_id     BIGINT NOT NULL REFERENCES principal (id),
  label        TEXT   NOT NULL,
  component_id BIGINT NOT NULL REFERENCES component (id),
  PRIMARY KEY (principal_id, image_id)
) WITHOUT ROWID;
-- The generations that boot images state of themselves.
CREATE TABLE component_sbat (
  name         TEXT   NOT NULL,
  component_id BIGINT NOT NULL REFERENCES component (id),
  path         BLOB   NOT NULL,
  generation   TEXT   NOT NULL,
  image_id     BIGINT NOT NULL REFERENCES principal (id),
  PRIMARY KEY (name, component_id, path)
) WITHOUT ROWID;
-- Keys that the kernel's list tells of, once a boot. Of some nobody knows who issued them.
CREATE TABLE host_key (
  principal_id BIGINT   NOT NULL REFERENCES principal (id),
  host_id      BIGINT   NOT NULL REFERENCES host (id),
  from_leaf    BIGINT   NOT NULL,
  role         SMALLINT NOT NULL,
  class        SMALLINT NOT NULL,
  unissued     SMALLINT NOT NULL,
  path         BLOB     NOT NULL,
  label        TEXT     NOT NULL,
  PRIMARY KEY (principal_id, host_id, from_leaf, role)
) WITHOUT ROWID;
-- Where a file stands in its component's manifest, and those that agents saw start, once a boot.
ALTER TABLE component_artefact ADD COLUMN entry BIGINT;
CREATE TABLE component_run (
  component_id BIGINT NOT NULL REFERENCES component (id),
  entry        BIGINT NOT NULL,
  host_id      BIGINT NOT NULL REFERENCES host (id),
  from_leaf    BIGINT NOT NULL,
  PRIMARY KEY (component_id, entry, host_id, from_leaf)
) WITHOUT ROWID;
-- How often the index was made: whoever keeps something of it in memory must not take one for another.
ALTER TABLE index_state ADD COLUMN made BIGINT NOT NULL DEFAULT 0;
