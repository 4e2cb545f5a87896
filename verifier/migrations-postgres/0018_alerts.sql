-- Up to which hit of a watch somebody was told; no row where nobody was ever to be told.
CREATE TABLE alert_state (
  id      BIGINT PRIMARY KEY CHECK (id = 1),
  through BIGINT NOT NULL
);
