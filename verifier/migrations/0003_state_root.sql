-- Which hosts have the same components: the first submission of a host is compressed against what another host of its kind has.
ALTER TABLE host_state ADD COLUMN state_root BLOB;
CREATE INDEX host_state_by_root ON host_state (state_root);
