package store

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/change"
)

// The bot works behind a pooler in transaction mode, where one transaction may meet
// another session than the one before: all that both databases have to do alike, it
// does there too.
func TestPooler(t *testing.T) {
	through := pooler(t, 4)
	fresh := func(t *testing.T) string { return through(freshPostgres(t)(t)) }
	conformance(t, fresh)
	lasting(t, fresh)
	replicas(t, fresh)
}

// Replicas that start together need no more sessions than one of them.
func TestPoolerStartsTogether(t *testing.T) {
	database := pooler(t, leastConns)(freshPostgres(t)(t))
	together(6, func(i int) {
		s, err := Open(t.Context(), Config{URL: database})
		if err != nil {
			t.Errorf("replica %d: %v", i, err)
			return
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What reads beside the bot leaves its sessions as they were: whoever gets them next
// from the pooler can write.
func TestPoolerReaders(t *testing.T) {
	through := pooler(t, leastConns)
	database := through(freshPostgres(t)(t))
	s := openStore(t, database)
	create(t, s, pending("AAAAA", "d1", 0))
	for range 10 {
		r, err := OpenBeside(t.Context(), Config{URL: database})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Audit(t.Context(), AuditFilter{}, func(change.Event) error { return nil }); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := RightsOf(t.Context(), Config{URL: database}); err != nil {
			t.Error(err)
		}
		together(leastConns, func(int) {
			if err := s.Record(t.Context(), change.Delivery{}, change.Event{Kind: change.EventStarted}); err != nil {
				t.Errorf("after a reader nothing can be written: %v", err)
			}
		})
	}
}

// A start that dies in the middle of a migration leaves nothing half done, and the
// next one finds its way.
func TestPoolerMigrationDies(t *testing.T) {
	through := pooler(t, 4)
	database := through(freshPostgres(t)(t))
	other, err := sql.Open("pgx", database+"&default_query_exec_mode=exec")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	// Somebody else is about to make the table that the migration makes last: it
	// waits there, with all others made.
	block, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = block.Rollback() }()
	if _, err := block.ExecContext(t.Context(), `CREATE TABLE meta (key TEXT)`); err != nil {
		t.Fatal(err)
	}
	dying, die := context.WithCancel(t.Context())
	died := make(chan error, 1)
	go func() {
		s, err := Open(dying, Config{URL: database})
		if err == nil {
			_ = s.Close()
		}
		died <- err
	}()
	waitFor(t, "the migration waits", func() bool {
		var n int
		err := other.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
		return err == nil && n > 0
	})
	die()
	if err := <-died; err == nil {
		t.Fatal("the start did not die")
	}
	if err := block.Rollback(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the migration is gone", func() bool {
		var n int
		err := other.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&n)
		return err == nil && n == 0
	})
	var left string
	if err := other.QueryRowContext(t.Context(), `SELECT COALESCE(string_agg(tablename, ' '), '') FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'goose_db_version'`).Scan(&left); err != nil || left != "" {
		t.Errorf("half done: %q %v", left, err)
	}
	create(t, openStore(t, database), pending("AAAAA", "d1", 0))
}

// waitFor asks the server until something can be seen there.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waiting until %s", what)
		}
	}
}

// pooler starts a pgbouncer in transaction mode in front of the test server, with so
// many sessions for each database, and returns what turns a database's URL into one
// through it.
func pooler(t *testing.T, sessions int) func(database string) string {
	t.Helper()
	server := os.Getenv(postgresEnv)
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // Debian keeps it out of PATH
		_, err = os.Stat(program)
	}
	if server == "" || err != nil {
		t.Skipf("no PostgreSQL server or no pgbouncer: install pgbouncer and run %s=$(.ci/postgres start) go test ./internal/store -run Pooler from the repository's root", postgresEnv)
	}
	behind, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s is not a URL", postgresEnv)
	}
	port := freePort(t)
	file := filepath.Join(t.TempDir(), "pgbouncer.ini")
	settings := fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 2000
max_db_connections = 0
`, behind.Hostname(), behind.Port(), behind.User.Username(), port, sessions)
	if err := os.WriteFile(file, []byte(settings), 0o644); err != nil { // for nobody to read
		t.Fatal(err)
	}
	args := []string{file}
	if os.Getuid() == 0 { // it refuses to run as root
		args = append([]string{"-u", "nobody"}, args...)
	}
	var log strings.Builder
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Logf("pgbouncer:\n%s", log.String())
		}
	})
	address := net.JoinHostPort("127.0.0.1", port)
	waitFor(t, "pgbouncer listens", func() bool {
		c, err := net.Dial("tcp", address)
		return err == nil && c.Close() == nil
	})
	return func(database string) string {
		u, err := url.Parse(database)
		if err != nil {
			t.Fatal("this is not a database's URL")
		}
		u.Host = address
		return u.String()
	}
}

// freePort is a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
