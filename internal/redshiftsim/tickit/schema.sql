CREATE SCHEMA IF NOT EXISTS tickit;
GRANT USAGE ON SCHEMA tickit TO public;
DROP TABLE IF EXISTS
	tickit.users, tickit.venue, tickit.category, tickit.date, tickit.event, tickit.listing, tickit.sales;
DROP SEQUENCE IF EXISTS tickit.sales_serial;

CREATE TABLE tickit.users (
	userid int NOT NULL,
	username char(8),
	firstname varchar(30),
	lastname varchar(30),
	city varchar(30),
	state char(2),
	email varchar(100),
	phone char(14),
	likesports boolean,
	liketheatre boolean,
	likeconcerts boolean,
	likejazz boolean,
	likeclassical boolean,
	likeopera boolean,
	likerock boolean,
	likevegas boolean,
	likebroadway boolean,
	likemusicals boolean
);

CREATE TABLE tickit.venue (
	venueid smallint NOT NULL,
	venuename varchar(100),
	venuecity varchar(30),
	venuestate char(2),
	venueseats int
);

CREATE TABLE tickit.category (
	catid smallint NOT NULL,
	catgroup varchar(10),
	catname varchar(10),
	catdesc varchar(50)
);

CREATE TABLE tickit.date (
	dateid smallint NOT NULL,
	caldate date NOT NULL,
	day char(3) NOT NULL,
	week smallint NOT NULL,
	month char(5) NOT NULL,
	qtr char(5) NOT NULL,
	year smallint NOT NULL,
	holiday boolean DEFAULT false
);

CREATE TABLE tickit.event (
	eventid int NOT NULL,
	venueid smallint NOT NULL,
	catid smallint NOT NULL,
	dateid smallint NOT NULL,
	eventname varchar(200),
	starttime timestamp
);

CREATE TABLE tickit.listing (
	listid int NOT NULL,
	sellerid int NOT NULL,
	eventid int NOT NULL,
	dateid smallint NOT NULL,
	numtickets smallint NOT NULL,
	priceperticket decimal(8, 2),
	totalprice decimal(8, 2),
	listtime timestamp
);

CREATE TABLE tickit.sales (
	salesid int NOT NULL,
	listid int NOT NULL,
	sellerid int NOT NULL,
	buyerid int NOT NULL,
	eventid int NOT NULL,
	dateid smallint NOT NULL,
	qtysold smallint NOT NULL,
	pricepaid decimal(8, 2),
	commission decimal(8, 2),
	saletime timestamp,
	updated_at timestamp
);
