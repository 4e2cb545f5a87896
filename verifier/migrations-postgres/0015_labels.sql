-- What operators call hosts, for choosing them. A label that was taken away keeps its row, so that each change has a number.
CREATE TABLE host_label (
  host_id BIGINT NOT NULL REFERENCES host (id),
  key     TEXT COLLATE "C" NOT NULL,
  value   TEXT COLLATE "C",
  change  BIGINT NOT NULL UNIQUE,
  PRIMARY KEY (host_id, key)
);
