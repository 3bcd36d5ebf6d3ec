// Command sandbox shows the bot at work on a machine with nothing but Go: it
// simulates a Slack workspace and a Baseten account, runs the real bot between
// them, and serves a page to use it all. Nothing leaves this computer.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"autoscalebot/internal/app"
	"autoscalebot/internal/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, startBot); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1) //nolint:gocritic // nothing is left that stop would end
	}
}

// run serves the page until ctx ends, with the bot that start starts.
func run(ctx context.Context, args []string, stdout io.Writer, start sandbox.StartBot) error {
	flags := flag.NewFlagSet("sandbox", flag.ExitOnError)
	addr := flags.String("addr", "", "loopback address to serve the page on (default 127.0.0.1:8200, or a free port)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return sandbox.Run(ctx, sandbox.Options{Addr: *addr, Stdout: stdout, StartBot: start, PolicyTest: app.PolicyTest})
}

// startBot runs the same bot as cmd/bot does, in a simulated world. It looks at the
// policy every second, so that whoever edits it need not wait.
func startBot(ctx context.Context, in sandbox.Surroundings) error {
	cfg, err := app.LoadConfig(in.Env)
	if err != nil {
		return err
	}
	return app.Run(ctx, cfg, app.Options{Version: "sandbox", Now: in.Now, PolicyEvery: time.Second, PolicyRead: in.PolicyRead})
}
