package store

import (
	"errors"
	"strings"
)

// address is a parsed Config.URL: a PostgreSQL URL, a path, or memory.
type address struct {
	postgres string
	path     string
	memory   bool
}

var errURL = errors.New("the database URL must be sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME")

// CheckURL tells what is wrong with a database URL, without opening it. The error
// never holds the URL, because that may hold a password.
func CheckURL(url string) error {
	_, err := parseURL(url)
	return err
}

// parseURL never puts the URL into an error, because it may hold a password.
func parseURL(url string) (address, error) {
	if scheme, rest, _ := strings.Cut(url, "://"); scheme == "postgres" || scheme == "postgresql" {
		// A raw @, /, ? or # in the password ends it there, and what follows would be
		// told as the name of a host, a database or a setting.
		host := rest
		if end := strings.IndexAny(rest, "/?#"); end >= 0 {
			host = rest[:end]
		}
		if strings.Count(host, "@") > 1 || strings.ContainsAny(rest[len(host):], "@#") {
			return address{}, errPostgresURL
		}
		return address{postgres: url}, nil
	}
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok {
		return address{}, errURL
	}
	if path == ":memory:" {
		return address{memory: true}, nil
	}
	// Other programs write an absolute path with three slashes.
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		if !strings.HasPrefix(rest, "/") {
			return address{}, errors.New("a SQLite URL has no host: write sqlite:PATH")
		}
		path = rest
	}
	if path == "" {
		return address{}, errors.New("the SQLite URL names no file: write sqlite:PATH")
	}
	if strings.Contains(path, "?") {
		return address{}, errors.New("a SQLite URL takes no options: write sqlite:PATH")
	}
	return address{path: path}, nil
}
