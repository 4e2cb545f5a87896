-- The heartbeat that was asked for when evidence was appraised, so that its appraisal can be repeated; earlier evidence has none.
ALTER TABLE evidence ADD COLUMN heartbeat_ms BIGINT;
