package sandbox

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// DemoPolicy is the policy file that a World without its own starts with.
//
//go:embed policy.yaml
var DemoPolicy string

// WorldOptions describe a World. The zero value is the demo.
type WorldOptions struct {
	// Slack and Baseten are passed to the simulators. The team's name and ID have
	// defaults of the demo.
	Slack   slacksim.Options
	Baseten basetensim.Options
	// Policy is the text of POLICY_FILE. Empty: DemoPolicy.
	Policy string
	// Announce is the ID of the channel for alarms, ANNOUNCE_CHANNEL; empty: #ml-oncall,
	// where the demo's people are anyway.
	Announce string
	// Dir holds the policy file and the bot's database, and is left in place at
	// Close. Empty: a temporary directory, removed at Close.
	Dir string
}

// World is a running Slack workspace and a running Baseten account.
type World struct {
	Slack   *slacksim.Server
	Baseten *basetensim.Server

	teamID     string
	botToken   string
	appToken   string
	basetenURL string
	dir        string
	ownDir     bool
	announce   string
	policyTest PolicyTest
	began      *basetensim.Snapshot // what Terraform has

	clock clock
	moved *notices // of the clock and of the policy

	mu                         sync.Mutex
	noPrices                   bool
	schedules                  []basetensim.Schedule
	takenPolicy, refusedPolicy policyState
}

// NewWorld starts both simulators on free loopback ports, with the demo's people,
// channels and models. Close it when done.
func NewWorld(opts WorldOptions) (*World, error) {
	opts = opts.withDefaults()
	w := &World{
		teamID:   opts.Slack.TeamID,
		botToken: opts.Slack.BotToken,
		appToken: opts.Slack.AppToken,
		dir:      opts.Dir,
		announce: opts.Announce,
		moved:    newNotices(),
	}
	if opts.Slack.Now == nil {
		opts.Slack.Now = w.Now
	}
	if opts.Baseten.Now == nil {
		opts.Baseten.Now = w.Now
	}
	w.Slack, w.Baseten = slacksim.New(opts.Slack), basetensim.New(opts.Baseten)
	if w.dir == "" {
		dir, err := os.MkdirTemp("", "autoscale-sandbox-")
		if err != nil {
			return nil, fmt.Errorf("make the sandbox's directory: %w", err)
		}
		w.dir, w.ownDir = dir, true
	}
	if err := w.SetPolicy(opts.Policy); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	w.populate()
	w.Baseten.Demo()
	// More load than its limit lets it take: raising the limit starts replicas.
	if err := w.Baseten.SetLoad(basetensim.DemoLlama, basetensim.DemoLlamaProduction, 150); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if err := w.Slack.Start(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	w.basetenURL, w.began = w.Baseten.Start(), w.Baseten.Snapshot()
	return w, nil
}

func (o WorldOptions) withDefaults() WorldOptions {
	set := func(p *string, value string) {
		if *p == "" {
			*p = value
		}
	}
	set(&o.Slack.TeamID, "T0ACMEML")
	set(&o.Slack.TeamName, "Acme ML")
	set(&o.Slack.BotToken, "xoxb-sandbox")
	set(&o.Slack.AppToken, "xapp-sandbox")
	set(&o.Policy, DemoPolicy)
	set(&o.Announce, channelMLOnCall)
	return o
}

// Env is the environment of a bot that lives in this world. Everything is
// simulated; nothing in it is a secret.
func (w *World) Env() map[string]string {
	return map[string]string{
		"SLACK_BOT_TOKEN":  w.botToken,
		"SLACK_APP_TOKEN":  w.appToken,
		"SLACK_API_URL":    w.Slack.APIURL(),
		"BASETEN_API_KEY":  w.Baseten.APIKey(),
		"BASETEN_BASE_URL": w.basetenURL,
		"POLICY_FILE":      w.policyFile(),
		"DATABASE_URL":     "sqlite:" + filepath.Join(w.dir, "autoscale.db"),
		"ANNOUNCE_CHANNEL": w.announce,
		"HTTP_ADDR":        "127.0.0.1:0",
		"LOG_FORMAT":       "console",
		"LOG_LEVEL":        "warn",
	}
}

func (w *World) surroundings() Surroundings {
	return Surroundings{Env: w.Env(), Now: w.Now, PolicyRead: w.PolicyRead}
}

// SetPolicy replaces the policy file, as an operator would.
func (w *World) SetPolicy(text string) error {
	// Renamed into place: the bot may be reading.
	next := w.policyFile() + ".new"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the policy file: %w", err)
	}
	if err := os.Rename(next, w.policyFile()); err != nil {
		return fmt.Errorf("replace the policy file: %w", err)
	}
	return nil
}

func (w *World) policyFile() string { return filepath.Join(w.dir, "policy.yaml") }

// Close ends both simulators and removes the temporary directory. Stop the bot
// first.
func (w *World) Close() error {
	w.Slack.Close()
	w.Baseten.Close()
	if !w.ownDir {
		return nil
	}
	if err := os.RemoveAll(w.dir); err != nil {
		return fmt.Errorf("remove the sandbox's directory: %w", err)
	}
	return nil
}

// changes sends one value for any number of changes of either simulator, until
// ctx ends.
func (w *World) changes(ctx context.Context) <-chan struct{} {
	out := make(chan struct{}, 1)
	slack, cancel := w.Slack.Subscribe()
	moved, forget := w.moved.subscribe()
	go func() {
		defer cancel()
		defer forget()
		for {
			// Taken before the notice is sent, so that no change slips between.
			baseten := w.Baseten.Changed()
			select {
			case out <- struct{}{}:
			default: // One pending notice is enough.
			}
			select {
			case <-slack:
			case <-baseten:
			case <-moved:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// demoPace makes replicas start and settings settle slowly enough to watch.
func demoPace() basetensim.Options {
	return basetensim.Options{SettleAfter: 1500 * time.Millisecond, ReplicaStep: 1200 * time.Millisecond}
}
