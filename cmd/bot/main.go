// Command bot changes the autoscaling of Baseten deployments from Slack. Without
// arguments it runs; its other commands prove a set-up, try a policy out, and prove and
// export the audit log.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"autoscalebot/internal/observe"
)

// version is set by the linker: -X main.version=v1.2.3.
var version string

// The exit codes, besides 0.
const (
	exitFailed = 1
	// exitUsage: the command line or the configuration has to be put right first.
	exitUsage = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], environment(os.Environ()), os.Stdout, os.Stderr))
}

// run runs one command until it is done or ctx ends, and returns the exit code.
func run(ctx context.Context, args []string, env map[string]string, stdout, stderr io.Writer) int {
	command, code, err := parse(args, stdout, stderr)
	if command == nil {
		if err != nil {
			complain(stderr, env, fmt.Errorf("bot: %w; bot --help lists what there is", err))
		}
		return code
	}
	err = command.Run(&process{ctx: ctx, env: env, stdout: stdout, stderr: stderr})
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errToldUsage):
		return exitUsage
	case errors.Is(err, errTold):
		return exitFailed
	default:
		complain(stderr, env, err)
		return exitFailed
	}
}

// complain writes an error without any secret that it might hold.
func complain(stderr io.Writer, env map[string]string, err error) {
	secrets := observe.NewRedactor(env["SLACK_BOT_TOKEN"], env["SLACK_APP_TOKEN"], env["BASETEN_API_KEY"])
	fmt.Fprintln(stderr, secrets.String(err.Error()))
}

// environment turns NAME=value lines into a map.
func environment(lines []string) map[string]string {
	out := make(map[string]string, len(lines))
	for _, line := range lines {
		if name, value, ok := strings.Cut(line, "="); ok {
			out[name] = value
		}
	}
	return out
}

// versionOf is the version that was linked in, or what the Go tool knows of the build.
func versionOf(linked string, build *debug.BuildInfo) string {
	switch {
	case linked != "":
		return linked
	case build == nil:
		return "unknown"
	}
	settings := make(map[string]string)
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	revision, dirty := settings["vcs.revision"], ""
	if settings["vcs.modified"] == "true" {
		dirty = "-dirty"
	}
	switch {
	case build.Main.Version != "" && build.Main.Version != "(devel)":
		return build.Main.Version
	case revision != "":
		return revision[:min(12, len(revision))] + dirty
	default:
		return "devel"
	}
}
