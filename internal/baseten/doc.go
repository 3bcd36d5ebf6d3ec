// Package baseten speaks to Baseten's management API about autoscaling: the
// vocabulary of the settings, a small client, a cached catalogue of names and the
// list prices.
//
// It knows nothing of Slack, of people, of policies or of change requests. It
// answers three questions: what does this word name, what are its settings now,
// and what did Baseten say when they were changed.
//
// What the API promises and what it leaves open was taken from the published
// specification of 2026-08-22; testdata/contract.yaml holds the part used here.
package baseten
