// Package observe is what operators see of the bot: a log that cannot leak a
// secret, the Prometheus metrics, and the health, readiness and metrics pages.
//
// It knows no Slack, no Baseten and no request: callers tell it what happened in
// words from fixed sets of their own.
package observe
