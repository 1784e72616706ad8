-- One row for the first page: the end of three ways through the graph.
-- @matview-schema box
-- @matview-name summary
-- @strategy swap
-- @interval-in-minutes 120
SELECT (SELECT count(*) FROM box.loyal_buyers) AS loyal, (SELECT count(*) FROM box.both_sides) AS both_sides,
       (SELECT max(so_far) FROM box.running_total) AS paid, (SELECT max(name) FROM box.venues_ranked WHERE place = 1) AS venue
