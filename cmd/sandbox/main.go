// Command sandbox shows the bot at work on a machine with nothing but Go: it
// simulates a Slack workspace and a Baseten account, runs the real bot between
// them, and serves a page to use it all. Nothing leaves this computer.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"autoscalebot/internal/app"
	"autoscalebot/internal/sandbox"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

func run() error {
	addr := flag.String("addr", "", "loopback address to serve the page on (default 127.0.0.1:8200, or a free port)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return sandbox.Run(ctx, sandbox.Options{Addr: *addr, StartBot: startBot})
}

// startBot runs the same bot as cmd/bot does, in the world that env describes.
func startBot(ctx context.Context, env map[string]string) error {
	cfg, err := app.LoadConfig(env)
	if err != nil {
		return err
	}
	return app.Run(ctx, cfg, app.Options{Version: "sandbox"})
}
