-- Names in quotes, which Redshift folds to small letters all the same, and comments that look like clauses.
-- @matview-schema box
-- @matview-name reserved_names
-- @key "sale id"
-- @watermark changed
-- @every 10m
SELECT s.salesid AS "sale id", s.qtysold AS "select", /* FROM tickit.nothing */ s.updated_at AS changed
FROM tickit.sales AS s -- JOIN tickit.nobody
