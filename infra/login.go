package infra

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Completed returns the configuration with the host, port and database that its URL lacks, where they are known, and
// with the user, whatever the URL says, because the password that is got elsewhere belongs to that user.
func (c DatabaseConfig) Completed(host string, port int, database, user string) DatabaseConfig {
	if c.URL != "" && !strings.Contains(c.URL, "://") { // of keywords that come twice, the last one counts
		c.URL = keywords("host", host, "port", portText(port), "dbname", database) + c.URL + " " + keywords("user", user)
		return c
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return c // opening it says what is wrong with it
	}
	query := u.Query()
	if u.Scheme == "" {
		u.Scheme = "postgres"
	}
	if u.Hostname() == "" && !query.Has("host") {
		u.Host = net.JoinHostPort(host, u.Port())
	}
	if u.Port() == "" && !query.Has("port") {
		u.Host = net.JoinHostPort(u.Hostname(), portText(port))
	}
	u.Host = strings.TrimSuffix(u.Host, ":")
	if strings.Trim(u.Path, "/") == "" && !query.Has("dbname") && !query.Has("database") && database != "" {
		u.Path = "/" + database
	}
	if password, has := u.User.Password(); has {
		u.User = url.UserPassword(user, password) // which is refused, by checkLogin
	} else {
		u.User = url.User(user)
	}
	query.Del("user")
	u.RawQuery = query.Encode()
	c.URL = u.String()
	return c
}

// keywords writes pairs of keyword and value in libpq's form, without those that have no value.
func keywords(pairs ...string) string {
	var b strings.Builder
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			fmt.Fprintf(&b, "%s='%s' ", pair[0], quote.Replace(pair[1]))
		}
	}
	return b.String()
}

func portText(port int) string {
	if port == 0 {
		return ""
	}
	return strconv.Itoa(port)
}

// checkLogin refuses what would log in otherwise than was asked for, or give a token away.
func (c DatabaseConfig) checkLogin(conn *pgx.ConnConfig) error {
	if !c.IAM && c.Secret == "" {
		return nil
	}
	refuse := func(problem, hint string) error {
		return Hinted(errors.New("log in to cache database: "+problem), hint)
	}
	switch {
	case c.IAM && c.Secret != "":
		return refuse("REDCACHE_DATABASE_IAM and REDCACHE_DATABASE_SECRET are both set",
			"Choose one way to log in, and unset the other variable.")
	case hasPassword(c.URL):
		return refuse("DATABASE_URL has a password beside "+c.loginVariable(),
			"Leave the password out of DATABASE_URL, or unset "+c.loginVariable()+".")
	case c.IAM && !alwaysTLS(conn):
		return refuse("a token of IAM goes over TLS only, and sslmode in DATABASE_URL does without",
			"Write sslmode=verify-full, with sslrootcert=FILE that has the RDS authorities, or at least sslmode=require.")
	case c.IAM && len(hosts(conn)) > 1:
		return refuse("a token of IAM is for one host, and DATABASE_URL has several",
			"Name the instance, the cluster endpoint or the proxy that takes writes.")
	}
	return nil
}

func (c DatabaseConfig) loginVariable() string {
	if c.IAM {
		return "REDCACHE_DATABASE_IAM"
	}
	return "REDCACHE_DATABASE_SECRET"
}

// loginHint is what to do when the server refuses the login, unless that is about the password in the URL.
func (c DatabaseConfig) loginHint(conn *pgx.ConnConfig) string {
	switch {
	case c.IAM:
		return fmt.Sprintf("As an administrator, GRANT rds_iam TO %s; switch IAM authentication on for the instance; allow "+
			"rds-db:connect on its dbuser/%[1]s in a policy of this process's identity; and have the instance's own name, "+
			"no alias, in DATABASE_URL.", conn.User)
	case c.Secret != "":
		return "The server does not take the login in " + c.Secret + ": when it is being rotated, try again in a moment; " +
			"otherwise put user and password right there."
	}
	return ""
}

// hasPassword finds a password in a URL or in libpq's keyword form.
func hasPassword(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		config, err := pgxpool.ParseConfig(text)
		return err == nil && config.ConnConfig.Password != "" && secretWord.MatchString(text)
	}
	_, has := u.User.Password()
	return has || u.Query().Has("password")
}

// alwaysTLS says whether none of the attempts that sslmode allows goes without TLS.
func alwaysTLS(conn *pgx.ConnConfig) bool {
	all := conn.TLSConfig != nil
	for _, fallback := range conn.Fallbacks {
		all = all && fallback.TLSConfig != nil
	}
	return all
}

// hosts are the distinct hosts that are tried in turn.
func hosts(conn *pgx.ConnConfig) map[string]bool {
	all := map[string]bool{conn.Host: true}
	for _, fallback := range conn.Fallbacks {
		all[fallback.Host] = true
	}
	return all
}
