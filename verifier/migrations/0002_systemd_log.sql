-- systemd's measurement log, whole as it was attached; evidence of earlier versions has none.
ALTER TABLE evidence ADD COLUMN systemd_log BLOB REFERENCES blob (digest);
