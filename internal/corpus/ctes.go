package corpus

// WITH, and what its names hide.
var ctes = []Query{
	{SQL: `with a as (select id from shop.sale) select id from a`, Reads: "shop.sale"},
	{SQL: `with a (n) as (select id from shop.sale) select n from a;`, Reads: "shop.sale"},
	{SQL: `with a as (select id from shop.sale), b as (select id from a join shop.item using (id)) select * from a, b`, Reads: "shop.sale shop.item"},
	{SQL: `with a(n, m) as (select 1, 2), b(k) as (select n from a) select k from b, shop.item`, Reads: "shop.item"},
	{SQL: `with recursive a as (select id, parent from shop.part where parent is null union all select p.id, p.parent from shop.part p join a on a.id = p.parent) select * from a`, Reads: "shop.part"},
	{SQL: `with recursive a (id, depth) as (select id, 1 from shop.part union all select p.id, depth + 1 from shop.part p, a where p.parent = a.id and depth < 9) select id, depth from a`, Reads: "shop.part"},
	{SQL: `with recursive n(i) as (select 1 union all select i + 1 from n where i < 10), s as (select id from shop.sale) select i, id from n, s`, Reads: "shop.sale"},
	{SQL: `with recursive a as (select id from b), b as (select id from shop.sale) select id from a`, Reads: "? b is named without its schema"},
	{SQL: `with a as (select id from a) select id from a`, Reads: "? a is named without its schema"},
	{SQL: `with sale as (select id from shop.sale) select id from sale`, Reads: "shop.sale"},
	{SQL: `with sale as (select id from shop.item) select id from shop.sale`, Reads: "shop.item shop.sale"},
	{SQL: `select id from a, (with a as (select id from shop.sale) select id from a) q`, Reads: "? a is named without its schema"},
	{SQL: `select id from (with a as (select id from shop.sale) select id from a) q, a`, Reads: "? a is named without its schema"},
	{SQL: `with a as (with b as (select id from shop.sale) select id from b) select id from b`, Reads: "? b is named without its schema"},
	{SQL: `with a as (with a as (select id from shop.sale) select id from a) select id from a`, Reads: "shop.sale"},
	{SQL: `with "a b" as (select id from shop.sale) select id from "a b" as x`, Reads: "shop.sale"},
	{SQL: `with "Sale" as (select id from shop.item) select id from sale`, Reads: "? sale is named without its schema"},
	{SQL: `with A as (select id from shop.sale) select id from a`, Reads: "shop.sale"},
	{SQL: `with a as (select id from shop.sale) select id from a where id in (select id from a) and exists (select 1 from a as b)`, Reads: "shop.sale"},
	{SQL: `with a as (select id from shop.sale) (select id from a) union all (select id from shop.item)`, Reads: "shop.sale shop.item"},
	{SQL: `with now (a) as (select id from shop.sale) select a from now`, Reads: "shop.sale"},
	{SQL: `with random as (select id from shop.sale) select random.id from random`, Reads: "shop.sale"},
	{SQL: `with a as (select getdate() as at) select id from shop.sale, a where shop.sale.at < a.at`, Moves: "getdate", Reads: "shop.sale"},
	{SQL: `with a as (select 'today' as d) select id from shop.sale, a where day < d::date`, Moves: "'today'", Reads: "shop.sale"},
	{SQL: `with recursive recursive as (select id from shop.sale) select id from recursive`, Reads: "shop.sale"},
	{SQL: `with a as (select id from shop.sale /* ) */ where note <> ')' -- )
		) select id from a`, Reads: "shop.sale"},
	{SQL: `(with a as (select id from shop.sale) select id from a)`, Reads: "shop.sale"},
	{SQL: `with a as ((select id from shop.sale) union (select id from shop.item)) select count(*) from a`, Reads: "shop.sale shop.item"},
}
