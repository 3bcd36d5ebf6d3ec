// Package slacksim simulates one Slack workspace in memory, for tests and for
// the sandbox: a part of the Web API, Socket Mode, response_url, and the people
// who type commands and press buttons.
//
// It speaks wire formats only (HTTP, JSON, WebSocket), so that an app runs
// against it unchanged, and it refuses what Slack refuses: unknown methods, wrong
// tokens, missing scopes, channels the bot is not in, blocks over their limits,
// trigger_ids and response_urls used late or too often. Where Slack is lenient
// in a way that hides a mistake, the simulation is strict and its doc says so.
//
// It refuses to know the app under test: no knowledge of its commands, texts or
// action IDs. It keeps nothing on disk and is not for production.
package slacksim
