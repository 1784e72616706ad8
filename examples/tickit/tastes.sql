-- What people say that they like, a row for each answer.
-- @matview-schema box
-- @matview-name tastes
-- @strategy swap
-- @every 1d
SELECT 'sports' AS taste, state, count(*) AS people FROM tickit.users WHERE likesports GROUP BY state
UNION ALL
SELECT 'theatre', state, count(*) FROM tickit.users WHERE liketheatre GROUP BY state
UNION ALL
SELECT 'jazz', state, count(*) FROM tickit.users WHERE likejazz GROUP BY state
