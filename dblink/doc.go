// Package dblink is how PostgreSQL reads Redshift.
package dblink
