-- @matview-schema box
-- @matview-name kinds
-- @key kind
-- @interval-in-minutes 60
SELECT kind, count(*) AS events, sum(paid) AS paid
FROM box.event_board
GROUP BY kind
