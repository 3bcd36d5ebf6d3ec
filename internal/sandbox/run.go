package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// Options are what the sandbox command starts with.
type Options struct {
	// Addr is where the page is served: a loopback host and a port. Empty:
	// 127.0.0.1:8200, or a free port if that one is taken.
	Addr string
	// Stdout is told the page's address, and if the bot ends. Nil: os.Stdout.
	Stdout io.Writer
	// LookupEnv reads the environment in which the sandbox was started. Nil:
	// os.LookupEnv.
	LookupEnv func(name string) (value string, ok bool)
	// StartBot runs the bot with the environment of the world until ctx ends. Nil:
	// a workspace without a bot.
	StartBot StartBot
	// PolicyTest runs the tests in a policy file; nil: the page shows no results.
	PolicyTest PolicyTest
	// World describes the world. A zero Baseten becomes one that can be watched:
	// replicas take a second or so to start.
	World WorldOptions
}

const defaultAddr = "127.0.0.1:8200"

// Run makes a world, serves its page, starts the bot in it, and returns nil when
// ctx ends. It returns an error at once where real tokens are in the environment,
// where the address is not a loopback one, or where nothing can be served.
func Run(ctx context.Context, opts Options) error {
	if opts.Stdout == nil {
		opts.Stdout = os.Stdout
	}
	if opts.LookupEnv == nil {
		opts.LookupEnv = os.LookupEnv
	}
	if err := refuseRealTokens(opts.LookupEnv); err != nil {
		return err
	}
	listener, err := listen(ctx, opts.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	if opts.World.Baseten.ReplicaStep == 0 && opts.World.Baseten.SettleAfter == 0 {
		pace := demoPace()
		opts.World.Baseten.ReplicaStep, opts.World.Baseten.SettleAfter = pace.ReplicaStep, pace.SettleAfter
	}
	opts.World.Announce = cmp.Or(opts.World.Announce, channelAlarms)
	world, err := NewWorld(opts.World)
	if err != nil {
		return err
	}
	world.policyTest = opts.PolicyTest
	return errors.Join(serve(ctx, opts, world, listener), world.Close())
}

// serve runs the page and the bot until ctx ends; the bot is gone when it returns.
func serve(ctx context.Context, opts Options, world *World, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changed := newNotices()
	bot := newRunner(opts.StartBot, world.surroundings(), func(problem string) {
		if problem != "" {
			fmt.Fprintf(opts.Stdout, "The bot ended: %s\n", problem)
		}
		changed.send()
	})
	p := &page{world: world, bot: bot, ctx: ctx, changed: changed}
	server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	fmt.Fprintf(opts.Stdout, "Sandbox: open http://%s in a browser. Everything is simulated; Ctrl-C ends it.\n", listener.Addr())
	go world.tick(ctx)
	bot.Start(ctx)
	defer bot.Stop()
	defer func() { _ = server.Close() }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("serve the sandbox's page: %w", err)
	}
}

// listen takes the address, which must be a loopback one.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(cmp.Or(addr, defaultAddr))
	if err != nil {
		return nil, fmt.Errorf("read the address %q: %w", addr, err)
	}
	if !loopback(host) {
		return nil, fmt.Errorf("the sandbox listens on loopback only, not on %q: use 127.0.0.1", addr)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", cmp.Or(addr, defaultAddr))
	if err != nil && addr == "" {
		listener, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listen for the sandbox's page: %w", err)
	}
	return listener, nil
}

// refuseRealTokens returns an error that names each variable of the real bot that
// holds a secret: the sandbox must not run where a mistake could reach Slack or
// Baseten. It never shows a value.
func refuseRealTokens(lookup func(string) (string, bool)) error {
	var found []string
	for _, name := range []string{
		"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "BASETEN_API_KEY",
		"SLACK_BOT_TOKEN_FILE", "SLACK_APP_TOKEN_FILE", "BASETEN_API_KEY_FILE",
	} {
		if value, ok := lookup(name); ok && strings.TrimSpace(value) != "" {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("the sandbox does not start where real tokens are: unset %s and start it again", strings.Join(found, ", "))
}
