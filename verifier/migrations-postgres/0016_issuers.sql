-- Certificates of which it is known who issued them, by a digest over all their names: an authority's closure is made of these.
CREATE TABLE certificate (
  digest BYTEA PRIMARY KEY,
  names  BYTEA NOT NULL
);
-- Components and boots with certificates, or keys of such, of which nobody knows who issued them, and in which role.
CREATE TABLE component_unissued (
  component_id BIGINT NOT NULL REFERENCES component (id),
  role         BIGINT NOT NULL,
  PRIMARY KEY (component_id, role)
);
CREATE TABLE boot_unissued (
  profile_id BIGINT NOT NULL REFERENCES boot_profile (id),
  role         BIGINT NOT NULL,
  PRIMARY KEY (profile_id, role)
);
