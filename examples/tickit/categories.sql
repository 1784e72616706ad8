-- @matview-schema box
-- @matview-name categories
-- @key catid
-- @every 1d
SELECT catid, catgroup, catname, DECODE(catgroup, 'Shows', 'stage', 'Concerts', 'music', 'Sports', 'sport', 'other') AS kind
FROM tickit.category
