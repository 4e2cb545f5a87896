-- Each row of the history named two others, and having them looked up again took twice as long as writing it. The recorder has both rows in hand
-- when it writes one, and `reindex` makes all of them anew.
ALTER TABLE host_component DROP CONSTRAINT host_component_component_id_fkey, DROP CONSTRAINT host_component_host_id_fkey;
-- Compressed already, or digests, which nothing makes smaller.
ALTER TABLE host_state ALTER COLUMN state SET STORAGE EXTERNAL, ALTER COLUMN intervals SET STORAGE EXTERNAL;
ALTER TABLE attestation_recent ALTER COLUMN packed SET STORAGE EXTERNAL;
ALTER TABLE blob ALTER COLUMN zstd SET STORAGE EXTERNAL;
