// Package store keeps requests, the audit log, deliveries, accepted policies and
// durable jobs in SQLite or PostgreSQL. It implements [change.Store]: every race is
// decided here, by transactions, unique indexes and guarded updates, never by the
// memory of one process.
//
// There is one text of each SQL statement for both databases; what differs stands
// in sqlite.go and postgres.go, and one conformance suite runs on both. Jobs are
// River's, in River's own tables of the same database, so that a job is inserted by
// the transaction that creates the need for it.
//
// The package does not know what a request's states mean beyond which of them are
// ends, decides nothing that a policy could decide, and knows neither Slack nor
// Baseten.
package store
