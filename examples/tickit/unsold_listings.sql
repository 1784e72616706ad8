-- What was offered and never sold. Redshift enforces no keys, and this one may repeat.
-- @matview-schema box
-- @matview-name unsold_listings
-- @strategy swap
-- @interval-in-minutes 60
SELECT l.listid, l.sellerid, l.eventid, l.numtickets, l.priceperticket, l.listtime
FROM tickit.listing l
WHERE NOT EXISTS (SELECT 1 FROM tickit.sales s WHERE s.listid = l.listid)
