package store

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Location says for people where a database is: the path of its file, or the name of a
// PostgreSQL database and the hosts it may be on. It repeats nothing else of the URL, and
// nothing at all of one that cannot be read, because it may be a password.
func Location(address string) string {
	if !IsPostgres(address) {
		file, err := ParseSQLite(address)
		if err != nil {
			return "the database"
		}
		return file.Path()
	}
	config, err := parsePostgres(address)
	if err != nil {
		return "the database"
	}
	return fmt.Sprintf("database %s at %s", config.Database, strings.Join(hosts(config), ", "))
}

// hosts gives the hosts of a PostgreSQL database with their ports, each once.
func hosts(config *pgx.ConnConfig) []string {
	all := []string{hostAndPort(config.Host, config.Port)}
	for _, fallback := range config.Fallbacks {
		if host := hostAndPort(fallback.Host, fallback.Port); !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	return all
}

func hostAndPort(host string, port uint16) string {
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(int(port))
}

// parsePostgres reads the URL of a PostgreSQL database. Its error names no value of the
// URL that may be a part of the password.
func parsePostgres(address string) (*pgx.ConnConfig, error) {
	if err := checkPostgresURL(address); err != nil {
		return nil, fmt.Errorf("store: the database URL: %w", err)
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("store: the database URL: %w", hidePassword(err))
	}
	return config, nil
}

// hidePassword keeps what pgx says is wrong and drops the URL it quotes, which may
// hold a password that must not come into the log.
func hidePassword(err error) error {
	var parse *pgconn.ParseConfigError
	switch {
	case errors.As(err, &parse) && parse.Unwrap() != nil:
		return parse.Unwrap()
	case strings.Contains(err.Error(), "unknown target_session_attrs"):
		return errors.New("target_session_attrs (or PGTARGETSESSIONATTRS) has a value that is none: say read-write")
	case strings.Contains(err.Error(), "could not match"):
		return errors.New("it names neither one port for all hosts nor one for each")
	}
	return errors.New("cannot be read")
}

// checkPostgresURL refuses a URL in which a password was written without encoding. The
// driver would take a part of such a password for a host, a port or the name of the
// database, and each of these is printed when a connection fails.
func checkPostgresURL(address string) error {
	_, rest, found := strings.Cut(address, "://")
	if !found {
		return errors.New("must begin with postgres://")
	}
	if _, err := url.PathUnescape(rest); err != nil || strings.Contains(rest, "%00") {
		return errors.New("a % in it is followed by no two hexadecimal digits; a % of a password is written %25")
	}
	// The driver ends the password at the first @, unless a slash comes before it.
	if at := strings.IndexAny(rest, "@/"); at >= 0 && rest[at] == '@' {
		rest = rest[at+1:]
	}
	rest, query, _ := strings.Cut(rest, "?")
	if strings.Contains(rest, "@") {
		return errors.New("its parts cannot be told apart; in a password / is written %2F, @ %40 and % %25")
	}
	hosts, _, _ := strings.Cut(rest, "/")
	for host := range strings.SplitSeq(hosts, ",") {
		if !hasValidPort(host) {
			return errors.New("a port in it is no number from 1 to 65535; it has the form postgres://USER:PASSWORD@HOST:PORT/DATABASE")
		}
	}
	return checkParameters(query)
}

// hasValidPort accepts HOST and HOST:PORT, where an IPv6 address stands in brackets.
func hasValidPort(host string) bool {
	if strings.HasPrefix(host, "[") {
		_, host, _ = strings.Cut(host, "]")
	}
	_, port, found := strings.Cut(host, ":")
	if !found || port == "" {
		return true
	}
	number, err := strconv.ParseUint(port, 10, 16)
	return err == nil && number > 0
}

// checkParameters refuses what the driver would quote, or send to the server, which
// would. An @ may stand in values that are free text; elsewhere it ends a password.
func checkParameters(query string) error {
	if query == "" {
		return nil
	}
	for parameter := range strings.SplitSeq(query, "&") {
		name, value, found := strings.Cut(parameter, "=")
		isFreeText := slices.Contains([]string{"user", "password", "application_name"}, name)
		isMisread := strings.ContainsAny(value, "= ") || strings.Contains(value, "@") && !isFreeText
		if !found || isMisread || strings.ContainsFunc(name, isNotOfAName) {
			return errors.New("what follows its ? is not of the form NAME=VALUE&NAME=VALUE; in a value & is written %26, = %3D, @ %40 and a space %20, in a password / %2F")
		}
	}
	return nil
}

func isNotOfAName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '.'
}
