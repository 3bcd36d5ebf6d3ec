// Package store keeps requests, leases, the audit log, deliveries and accepted
// policies in SQLite or PostgreSQL. It implements [change.Store]: every race is
// decided here, by transactions, unique indexes and guarded updates, never by the
// memory of one process.
//
// There is one text of each SQL statement for both databases, and database/sql in
// front of both. What differs stands in a database value, filled by sqlite.go and
// postgres.go, and one conformance suite runs on both.
//
// The row of a request is also its job: due_at says when it wants attention, the
// lease who works on it. Every step of a request writes its events in the same
// transaction, and each event holds the hash of the one before.
//
// The package does not know what a request's states mean beyond which of them are
// ends and that one request of a target is applying at a time. It decides nothing
// that a policy could decide, and knows neither Slack nor Baseten.
package store
