package corpus

// PIVOT and UNPIVOT.
var pivots = []Query{
	{SQL: `select * from (select region, price from shop.sale) pivot (sum(price) for region in ('north', 'south'))`, Reads: "shop.sale"},
	{SQL: `select * from (select region, price, id from shop.sale) pivot (sum(price) as s, count(id) n for region in ('north' as n, 'south' s)) as p`, Reads: "shop.sale"},
	{SQL: `select north from shop.sale pivot (avg(price) for region in ('north')) where north > 5`, Reads: "shop.sale"},
	{SQL: `select * from shop.quarter unpivot (amount for quarter in (q1, q2, q3))`, Reads: "shop.quarter"},
	{SQL: `select * from (select q1, q2 from shop.quarter) unpivot include nulls (amount for quarter in (q1 as 'a', q2 as 'b')) as u`, Reads: "shop.quarter"},
	{SQL: `select * from shop.quarter unpivot exclude nulls (amount for quarter in (q1, q2)) u, shop.region`, Reads: "shop.quarter shop.region"},
	{SQL: `select p.a from shop.sale pivot (max(price) for item in (1 a, 2 b)) p join shop.item i on i.id = p.a`, Reads: "shop.sale shop.item"},
	{SQL: `select * from shop.sale pivot (sum(price) for day in ('today'::date))`, Moves: "'today'", Reads: "shop.sale"},
	{SQL: `select * from (select * from shop.sale where at > sysdate - 1) pivot (sum(price) for region in (1))`, Moves: "sysdate", Reads: "shop.sale"},
}
