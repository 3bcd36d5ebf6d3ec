package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

// A statement that is kept can be used by two queries at once, survives an error and
// a change of the schema, and makes room for others.
func TestKeepingConn(t *testing.T) {
	db, err := connect(t.Context(), filepath.Join(t.TempDir(), "x.db"), optWrite, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	ctx := t.Context()
	exec := func(q string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(ctx, q, args...); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	exec(`CREATE TABLE n (i INTEGER PRIMARY KEY)`)
	for i := range 3 {
		exec(`INSERT INTO n (i) VALUES ($1)`, i)
	}
	if _, err := db.ExecContext(ctx, `INSERT INTO n (i) VALUES ($1)`, 0); err == nil {
		t.Error("a duplicate was taken")
	}
	exec(`INSERT INTO n (i) VALUES ($1)`, 3)

	const list = `SELECT i FROM n ORDER BY i`
	if got := inOneAnother(t, db, list); got != 4+4*4 {
		t.Errorf("two queries of one text, one inside the other, saw %d rows, want 20", got)
	}
	exec(`ALTER TABLE n ADD COLUMN more TEXT`)
	for i := range 2 * mostStatements {
		exec(fmt.Sprintf(`UPDATE n SET more = 'x' WHERE i = %d`, i))
	}
	if got := inOneAnother(t, db, list); got != 20 {
		t.Errorf("after other statements and a change of schema they saw %d rows, want 20", got)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := db.ExecContext(canceled, `INSERT INTO n (i) VALUES ($1)`, 4); err == nil {
		t.Error("a statement whose context had ended was carried out")
	}
	exec(`INSERT INTO n (i) VALUES ($1)`, 4)
}

// inOneAnother runs a query, and the same again for each of its rows, and counts all
// rows.
func inOneAnother(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	var count func(deep int)
	count = func(deep int) {
		rows, err := tx.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			if n++; deep > 0 {
				count(deep - 1)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	count(1)
	return n
}
