/*
 * @datacoral O-1.0.0
 * @matview-schema public
 * @matview-name customer_health
 * @matview-type regular
 * @interval-in-minutes 240
 */
SELECT l.user_id,
       l.lifetime_value * s.satisfaction_rating_score * e.touchpoints AS health_score
FROM billingdb.mv_lifetime_value l
JOIN zendesk.mv_satisfaction s ON s.user_id = l.user_id
JOIN events.mv_engagement e ON e.user_id = l.user_id
