/*
 * @datacoral O-1.0.0
 * @matview-schema events
 * @matview-name engagement
 * @matview-type regular
 * @interval-in-minutes 30
 */
SELECT sa.user_id,
       MAX(h.eventtime) AS latest_device_sync,
       MAX(sa.eventtime) AS latest_web_event,
       COUNT(*) AS touchpoints
FROM webevents.mv_siteactivity sa
JOIN deviceevents.mv_heartbeat h ON h.user_id = sa.user_id
GROUP BY sa.user_id
