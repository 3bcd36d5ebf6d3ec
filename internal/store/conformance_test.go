package store

import (
	"os"
	"path/filepath"
	"testing"
)

// conformance is what both databases have to do alike. fresh returns the URL of a
// new, empty database.
func conformance(t *testing.T, fresh func(t *testing.T) string) {
	for _, tt := range []struct {
		name string
		test func(t *testing.T, s *Store)
	}{
		{"AppliedSince", testAppliedSince},
		{"Applying/OnePerTarget", testOneApplying},
		{"Applying/Race", testApplyingRace},
		{"Audit", testAudit},
		{"Change/AllOrNothing", testChangeAllOrNothing},
		{"Change/EndIsForGood", testEndIsForGood},
		{"Change/KeepsWhatItDoesNotKnow", testKeepsUnknown},
		{"Change/NotFound", testChangeNotFound},
		{"Change/Race", testChangeRace},
		{"Change/Returned", testChangeReturned},
		{"Claim", testClaim},
		{"CountByState", testCountByState},
		{"Create/IDTaken", testIDTaken},
		{"Deadline/BeforeCommit", testDeadlineBeforeCommit},
		{"Deadline/WhileWaiting", testDeadlineWhileWaiting},
		{"Deliveries/Once", testDeliveredOnce},
		{"Deliveries/Prune", testPrune},
		{"Deliveries/Race", testDeliveryRace},
		{"Events/AppendOnly", testAppendOnly},
		{"Events/RoundTrip", testEventRoundTrip},
		{"History", testHistory},
		{"Jobs/RolledBack", testJobRolledBack},
		{"Jobs/Work", testWork},
		{"Owed", testOwed},
		{"Pending", testPending},
		{"Ping", testPing},
		{"Policy", testPolicy},
		{"Request/RoundTrip", testRequestRoundTrip},
		{"States/Checked", testStatesChecked},
		{"TeamID", testTeamID},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t, openStore(t, fresh(t)))
		})
	}
}

// lasting is what both do with a database that outlives the process.
func lasting(t *testing.T, fresh func(t *testing.T) string) {
	for _, tt := range []struct {
		name string
		test func(t *testing.T, url string)
	}{
		{"Beside", testBeside},
		{"Killed", testKilled},
		{"NewerSchema", testNewerSchema},
		{"Reopened", testReopened},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t, fresh(t))
		})
	}
}

func TestSQLite(t *testing.T) {
	fresh := func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "bot.db") }
	conformance(t, fresh)
	lasting(t, fresh)
}

func TestSQLiteInMemory(t *testing.T) {
	conformance(t, func(*testing.T) string { return "sqlite::memory:" })
}

// postgresEnv names the server that the tests may make databases on.
const postgresEnv = "AUTOSCALE_TEST_POSTGRES"

func TestPostgres(t *testing.T) {
	fresh := freshPostgres(t)
	conformance(t, fresh)
	lasting(t, fresh)
	replicas(t, fresh)
}

// freshPostgres returns what makes databases, or skips the test where there is no
// server.
func freshPostgres(t testing.TB) func(t *testing.T) string {
	server := os.Getenv(postgresEnv)
	if server == "" {
		t.Skipf("no PostgreSQL server: run %s=$(.ci/postgres start) go test ./internal/store from the repository's root", postgresEnv)
	}
	return func(t *testing.T) string { return newPostgresDatabase(t, server) }
}
