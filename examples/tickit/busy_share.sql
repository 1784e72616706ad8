-- How much of what is sold is sold on busy days.
-- @matview-schema box
-- @matview-name busy_share
-- @strategy swap
-- @every 6h
SELECT (SELECT coalesce(sum(b.tickets), 0) FROM box.busy_days b) AS busy, (SELECT coalesce(sum(d.tickets), 0) FROM box.daily_sales d) AS total
