/*
 * @datacoral O-1.0.0
 * @matview-schema zendesk
 * @matview-name satisfaction
 * @matview-type regular
 * @interval-in-minutes 60
 */
SELECT t.user_id,
       AVG(tm.satisfaction_rating_score) AS satisfaction_rating_score
FROM zendesk.tickets t
JOIN zendesk.ticket_metrics tm ON tm.ticket_id = t.id
GROUP BY t.user_id
