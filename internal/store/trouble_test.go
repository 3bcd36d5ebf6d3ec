package store

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// What is wrong with the database is said in words that tell what to do, and nothing of
// the address, the role or the error itself.
func TestTrouble(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"no answer", &net.OpError{Op: "dial", Err: errors.New("refused")}, "the database does not answer"},
		{"nothing known", nil, "the database does not answer"},
		{"password changed", &pgconn.PgError{Code: "28P01", Message: "password authentication failed for user bot"}, "the database does not accept the role or its password"},
		{"role gone", &pgconn.PgError{Code: "28000"}, "the database does not accept the role or its password"},
		{"disk full", &pgconn.PgError{Code: "53100"}, "the disk of the database is full"},
		{"a standby", &pgconn.PgError{Code: "25006"}, "the database takes no writes: it is read-only"},
		{"something else", &pgconn.PgError{Code: "57P01"}, "the database does not answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.err
			if err != nil {
				err = fmt.Errorf("say that a process is alive: %w", err)
			}
			if got := Trouble(err); got != tt.want {
				t.Errorf("Trouble = %q, want %q", got, tt.want)
			}
		})
	}
}

// The same of errors that SQLite itself gives.
func TestTroubleOfAFile(t *testing.T) {
	s := openStore(t, freshSQLite(t))
	var pages int
	if err := s.db.write.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	// A file that may not grow is a disk that is full.
	if err := raw(s, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)); err != nil {
		t.Fatal(err)
	}
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		_, err = s.Alive(t.Context(), fmt.Sprintf("process %d, with a name that takes some room in the file", i), 1)
	}
	if got := Trouble(err); got != "the disk of the database is full" {
		t.Errorf("Trouble(%v) = %q", err, got)
	}
}
