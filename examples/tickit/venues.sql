-- Where events take place. Seats are not known of all.
-- @matview-schema box
-- @matview-name venues
-- @key venueid
-- @every 1d
SELECT venueid, TRIM(venuename) AS name, venuecity || ', ' || venuestate AS place, NULLIF(venueseats, 0) AS seats
FROM tickit.venue
