package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"autoscalebot/internal/app"
	"autoscalebot/internal/store"
)

// The two roles that docs/operate.md makes, by the very SQL that stands there: the bot
// works with its own and cannot alter the audit log.
func TestSplitRoles(t *testing.T) {
	t.Parallel()
	server := os.Getenv(postgresEnv)
	if server == "" {
		t.Skipf("no PostgreSQL server: run %s=$(.ci/postgres start) go test ./internal/app from the repository's root", postgresEnv)
	}
	page, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 3 {
		t.Fatalf("the page has %d blocks of SQL, want 3", len(blocks))
	}
	// Roles are of the whole server: each test has its own.
	own := strings.ToLower(rand.Text())
	name := func(text string) string {
		return regexp.MustCompile(`\bautoscale(_owner|_bot)?\b`).ReplaceAllString(text, "t${1}_"+own)
	}
	as := func(role string) string {
		u, err := url.Parse(server)
		if err != nil {
			t.Fatal(err)
		}
		u.Path = "/" + name("autoscale")
		if role != "" {
			u.User = url.UserPassword(name(role), "change-me")
		}
		return u.String()
	}
	for statement := range strings.SplitSeq(name(blocks[0][1]), ";") { // a database is made in no transaction
		if strings.TrimSpace(statement) != "" {
			admin(t, server, statement)
		}
	}
	t.Cleanup(func() {
		admin(t, server, name(`DROP DATABASE autoscale WITH (FORCE)`))
		admin(t, server, name(`DROP ROLE autoscale_owner`))
		admin(t, server, name(`DROP ROLE autoscale_bot`))
	})
	admin(t, as(""), name(blocks[1][1]))

	s := newSetup(t)
	says := func(wantOK bool, want string) {
		t.Helper()
		if got, ok := s.check(); ok != wantOK || !strings.Contains(got, want) {
			t.Errorf("ok = %t, want %t and %q:\n%s", ok, wantOK, want, got)
		}
	}
	s.env["DATABASE_URL"] = as("autoscale_bot")
	says(false, "it is empty, and the role "+name("autoscale_bot")+" may not make tables (CREATE on the schema). Run bot migrate once")
	if _, err := store.Open(t.Context(), store.Config{URL: as("autoscale_bot")}); err == nil || !strings.Contains(err.Error(), "run bot migrate once with the URL of the role that owns them") {
		t.Errorf("a start of a role that may not migrate: %v", err)
	}
	var out bytes.Buffer
	if err := app.Migrate(t.Context(), map[string]string{"DATABASE_URL": as("autoscale_owner")}, &out); err != nil {
		t.Fatal(err)
	}
	admin(t, as("autoscale_owner"), name(blocks[2][1]))
	says(true, "opens, its schema is this version's, and its role cannot alter the audit log")

	// A life with its own role: a start, a request, its end, a policy, and pruning.
	t.Run("works", func(t *testing.T) {
		s := tell(t, quietly(), map[string]string{"DATABASE_URL": as("autoscale_bot")})
		s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7")
		s.sees("Ana", "Baseten: ACCEPTED")
		s.end()
		if strings.Contains(s.log.String(), "permission denied") {
			t.Error("the role lacks a right")
		}
	})
	bot, err := pgx.Connect(t.Context(), as("autoscale_bot"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bot.Close(context.Background()) }()
	for _, attack := range []string{
		`ALTER TABLE events DISABLE TRIGGER ALL`, `DROP TRIGGER events_no_change ON events`, `SET session_replication_role = replica`,
		`UPDATE events SET actor = 'U0EVE'`, `DELETE FROM events`, `TRUNCATE events`, `DROP TABLE events`,
		`CREATE OR REPLACE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$`,
		`CREATE TABLE mine (a INT)`, name(`SET ROLE autoscale_owner`),
	} {
		if _, err := bot.Exec(t.Context(), attack); err == nil {
			t.Errorf("the bot's role can %s", attack)
		}
	}
	if _, err := verify(t, map[string]string{"DATABASE_URL": as("autoscale_bot")}, ""); err != nil {
		t.Errorf("the audit log is broken: %v", err)
	}

	// A right that is missing is named.
	admin(t, as("autoscale_owner"), name(`REVOKE INSERT ON events, requests FROM autoscale_bot`))
	says(false, "the role "+name("autoscale_bot")+" lacks INSERT on events, INSERT on requests.")
	admin(t, as("autoscale_owner"), name(`GRANT INSERT ON events, requests TO autoscale_bot`))

	// An upgrade is the owner's.
	admin(t, as("autoscale_owner"), `DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`)
	says(false, "may not alter the tables. Run bot migrate once with the URL of the role that owns them.")
	s.env["DATABASE_URL"] = as("autoscale_owner")
	says(true, "the bot brings its schema from 2 to 3 at the next start")
}

// Every table is known to the look at the role's rights.
func TestRightsKnowEveryTable(t *testing.T) {
	server := os.Getenv(postgresEnv)
	if server == "" {
		t.Skipf("no PostgreSQL server: run %s=$(.ci/postgres start) go test ./internal/app from the repository's root", postgresEnv)
	}
	database := newPostgresDatabase(t, server)
	db, err := store.Open(t.Context(), store.Config{URL: database})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	own := "t_nobody_" + strings.ToLower(rand.Text())
	admin(t, server, `CREATE ROLE `+own+` LOGIN`)
	t.Cleanup(func() { admin(t, server, `DROP ROLE `+own) })
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(own)
	rights, err := store.RightsOf(t.Context(), store.Config{URL: u.String()})
	if err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	rows, err := c.Query(t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	lacks := strings.Join(rights.Lacks, ",") + ","
	for _, table := range tables {
		if !strings.Contains(lacks, "SELECT on "+table+",") {
			t.Errorf("the rights that the bot needs do not name the table %s: %s", table, lacks)
		}
	}
}
