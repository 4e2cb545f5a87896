-- What is only ever read whole (the sealed evidence, PCR values, state, result, a few records of IMA) is packed: compressed against
-- the newest keyframe of its host, which is compressed by itself. Evidence of earlier versions keeps its own columns.
ALTER TABLE evidence ADD COLUMN packed BLOB;
ALTER TABLE evidence ADD COLUMN keyframe BIGINT REFERENCES evidence (id);
ALTER TABLE host_state ADD COLUMN keyframe BIGINT REFERENCES evidence (id);
