/*
 * @datacoral O-1.0.0
 * @matview-schema billingdb
 * @matview-name lifetime_value
 * @matview-type regular
 * @interval-in-minutes 120
 */
SELECT o.user_id,
       SUM(CAST(SUBSTRING(i.amount, 2) AS DECIMAL(12, 2))) AS lifetime_value
FROM billingdb.orders o
JOIN billingdb.invoices i ON i.user_id = o.user_id
WHERE i.status <> 'Pending'
GROUP BY o.user_id
