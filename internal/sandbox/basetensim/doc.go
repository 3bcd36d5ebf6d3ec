// Package basetensim is an in-memory simulation of the Baseten management API:
// models, deployments, environments, autoscaling settings, and the replicas
// that follow them.
//
// It exists so that a client can be tried, and tested, without a Baseten
// account. It speaks the published wire format (api.baseten.co/v1/spec) and is
// stricter than the real server wherever a mistake could hide: unknown fields,
// unknown query parameters and unknown paths are refused, IDs are compared
// after exact unescaping, and nothing is coerced. Faults can be switched on
// while it runs, because a client that has only met good weather is not tested.
//
// What Baseten does not publish is simulated by the reading that asks most of a
// client, and each such choice is noted where it is made.
//
// It refuses to know its clients: it shares no code with the bot, keeps nothing
// on disk, and never records an Authorization header.
package basetensim
