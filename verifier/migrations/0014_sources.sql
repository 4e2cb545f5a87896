-- The source package that a package was built from.
CREATE TABLE component_source (
  component_id BIGINT PRIMARY KEY REFERENCES component (id),
  name         TEXT   NOT NULL,
  version      TEXT   NOT NULL
);
CREATE INDEX component_source_by_name ON component_source (name);
-- Packages of which nobody has said it: earlier agents did not.
CREATE TABLE component_sourceless (
  component_id BIGINT PRIMARY KEY REFERENCES component (id)
);
INSERT INTO component_sourceless (component_id)
  SELECT id FROM component WHERE kind = 'package' AND manifest IS NOT NULL AND substr(name, 1, 7) <> 'python:';
