-- Certificates of which it is known who issued them, by a digest over all their names: an authority's closure is made of these.
CREATE TABLE certificate (
  digest BLOB PRIMARY KEY,
  names  BLOB NOT NULL
);
-- Components and boots with certificates, or keys of such, of which nobody knows who issued them, and in which role.
CREATE TABLE component_unissued (
  component_id BIGINT   NOT NULL REFERENCES component (id),
  role         SMALLINT NOT NULL,
  PRIMARY KEY (component_id, role)
);
CREATE TABLE boot_unissued (
  profile_id BIGINT   NOT NULL REFERENCES boot_profile (id),
  role       SMALLINT NOT NULL,
  PRIMARY KEY (profile_id, role)
);
