package store

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"
)

// A database of the version before terms opens, and its requests are what they were.
func TestUpgradeFromVersion2(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := migrations(db, goose.DialectSQLite3, "sqlite")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), versionAppendOnly); err != nil {
		t.Fatal(err)
	}
	r := pending("AAAAA", "d1", 0)
	round(r)
	r.Version = 1
	cols := slices.DeleteFunc(append(requestColumns(r), derivedColumns(r)...), func(c column) bool {
		return slices.Contains([]string{"term", "ends_at", "envelope"}, c.name)
	})
	insert := `INSERT INTO requests (` + strings.Join(names(cols), `, `) + `) VALUES (` + places(1, len(cols)) + `)`
	if _, err := db.ExecContext(t.Context(), insert, refs(cols)...); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	s := openStore(t, "sqlite:"+path)
	diff(t, r, get(t, s, "AAAAA"))
}
