package store

import (
	"os"
	"testing"
)

// conformance is what both databases have to do alike. fresh returns the URL of a
// new, empty database.
func conformance(t *testing.T, fresh func(t *testing.T) string) {
	for _, tt := range []struct {
		name string
		test func(t *testing.T, s *Store)
	}{
		{"Applying/InOrder", testApplyInOrder},
		{"Applying/OnePerTarget", testOneApplying},
		{"Applying/Race", testApplyingRace},
		{"Audit", testAudit},
		{"Chain", testChain},
		{"Chain/Kept", testChainKept},
		{"Chain/Race", func(t *testing.T, s *Store) { testChainRace(t, s) }},
		{"Chain/Rehashed", testChainRehashed},
		{"Change/AllOrNothing", testChangeAllOrNothing},
		{"Change/EndIsForGood", testEndIsForGood},
		{"Change/KeepsWhatItDoesNotKnow", testKeepsUnknown},
		{"Change/NotFound", testChangeNotFound},
		{"Change/Now", testNow},
		{"Change/Origin", testOrigin},
		{"Change/Race", testChangeRace},
		{"Change/Returned", testChangeReturned},
		{"Change/Unwritable", testUnwritable},
		{"Counts", testCounts},
		{"Create/IDTaken", testIDTaken},
		{"Deadline/Anytime", testDeadlineAnytime},
		{"Deadline/BeforeCommit", testDeadlineBeforeCommit},
		{"Deadline/WhileWaiting", testDeadlineWhileWaiting},
		{"Deliveries/Once", testDeliveredOnce},
		{"Deliveries/Prune", testPrune},
		{"Deliveries/Race", testDeliveryRace},
		{"Denied", testDenied},
		{"Due", testDueWritten},
		{"Events/AppendOnly", testAppendOnly},
		{"Events/RoundTrip", testEventRoundTrip},
		{"Forget", testForget},
		{"Frozen", testFrozen},
		{"Held", testHeld},
		{"History", testHistory},
		{"Lease/LivingAndDead", testLeases},
		{"Lease/Order", testLeaseOrder},
		{"Lease/Postpone", testPostpone},
		{"Lease/Race", func(t *testing.T, s *Store) { testLeaseRace(t, s) }},
		{"Lease/Release", testRelease},
		{"Neighbours", testNeighbours},
		{"OpenOf", testOpenOf},
		{"Overtaken", testOvertaken},
		{"Pending", testPending},
		{"Own", testOwn},
		{"Ping", testPing},
		{"Policy", testPolicy},
		{"Reached", testReached},
		{"Request/RoundTrip", testRequestRoundTrip},
		{"Resolved", testResolved},
		{"States/Checked", testStatesChecked},
		{"TeamID", testTeamID},
		{"Told", testTold},
		{"Unreviewed", testUnreviewed},
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
	conformance(t, freshSQLite)
	lasting(t, freshSQLite)
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
